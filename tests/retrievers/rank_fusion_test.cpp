#include "retrievers/rank_fusion.h"

#include <cmath>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(FuseRanks, AddsReciprocalRanks) {
  const std::vector<std::vector<Hit>> lists{{{5, 9.0}, {2, 8.0}}, {{2, 0.9}, {7, 0.8}}};
  const std::vector<double> weights{0.5, 0.25};
  const std::vector<Hit> fused = fuse_ranks(lists, weights, 60.0);
  ASSERT_EQ(fused.size(), 3U);
  EXPECT_EQ(fused[0], (Hit{2, 0.5 / 62.0 + 0.25 / 61.0}));
  EXPECT_EQ(fused[1], (Hit{5, 0.5 / 61.0}));
  EXPECT_EQ(fused[2], (Hit{7, 0.25 / 62.0}));
}

TEST(FuseRanks, ListsEqualScoresInCorpusOrder) {
  const std::vector<std::vector<Hit>> lists{{{9, 1.0}, {3, 0.5}}, {{4, 1.0}, {1, 0.5}}};
  const std::vector<double> weights{0.5, 0.5};
  const std::vector<Hit> fused = fuse_ranks(lists, weights, 60.0);
  ASSERT_EQ(fused.size(), 4U);
  EXPECT_EQ(fused[0].chunk, 4U);
  EXPECT_EQ(fused[1].chunk, 9U);
  EXPECT_EQ(fused[2].chunk, 1U);
  EXPECT_EQ(fused[3].chunk, 3U);
}

TEST(FuseRanks, IsEmptyForEmptyLists) {
  const std::vector<std::vector<Hit>> lists(2);
  const std::vector<double> weights{0.5, 0.5};
  EXPECT_THAT(fuse_ranks(lists, weights, 60.0), IsEmpty());
}

TEST(NormalizedScores, MapLeastAndGreatestToZeroAndOne) {
  const std::vector<Hit> hits{{5, 9.0}, {2, 4.0}, {1, -1.0}};
  EXPECT_THAT(normalized_scores(hits, Normalization::kMinMax), ElementsAre(1.0, 0.5, 0.0));
}

TEST(NormalizedScores, AreStandardScoresIfAsked) {
  // Mean 5, deviations 3, -1, -2: variance 14/3.
  const std::vector<Hit> hits{{5, 8.0}, {2, 4.0}, {1, 3.0}};
  const double unit = std::sqrt(14.0 / 3.0);
  EXPECT_THAT(normalized_scores(hits, Normalization::kZScore),
              ElementsAre(DoubleEq(3.0 / unit), DoubleEq(-1.0 / unit), DoubleEq(-2.0 / unit)));
}

TEST(NormalizedScores, TellNothingApartWhereAllAreEqual) {
  const std::vector<Hit> hits{{1, 7.0}, {2, 7.0}};
  EXPECT_THAT(normalized_scores(hits, Normalization::kMinMax), ElementsAre(1.0, 1.0));
  EXPECT_THAT(normalized_scores(hits, Normalization::kZScore), ElementsAre(0.0, 0.0));
}

TEST(FuseScores, CountsAMissingChunkAsZeroUnderMinMax) {
  // List 1: 5 → 1, 2 → 0.5, 9 → 0; list 2: 2 → 1, 7 → 0.
  const std::vector<std::vector<Hit>> lists{{{5, 9.0}, {2, 5.0}, {9, 1.0}}, {{2, 0.9}, {7, 0.8}}};
  const std::vector<double> weights{0.5, 0.25};
  EXPECT_THAT(fuse_scores(lists, weights, Normalization::kMinMax),
              ElementsAre(Hit{2, 0.5}, Hit{5, 0.5}, Hit{7, 0.0}, Hit{9, 0.0}));
}

TEST(FuseScores, CountsAMissingChunkAsTheLeastUnderZScore) {
  // Both lists: the better 1, the other -1, and so what is missing -1.
  const std::vector<std::vector<Hit>> lists{{{5, 4.0}, {2, 2.0}}, {{2, 30.0}, {7, 10.0}}, {}};
  const std::vector<double> weights{0.5, 0.25, 0.25};
  const std::vector<Hit> fused = fuse_scores(lists, weights, Normalization::kZScore);
  ASSERT_EQ(fused.size(), 3U);
  EXPECT_EQ(fused[0].chunk, 5U);
  EXPECT_DOUBLE_EQ(fused[0].score, 0.5 - 0.25);
  EXPECT_EQ(fused[1].chunk, 2U);
  EXPECT_DOUBLE_EQ(fused[1].score, -0.5 + 0.25);
  EXPECT_EQ(fused[2].chunk, 7U);
  EXPECT_DOUBLE_EQ(fused[2].score, -0.5 - 0.25);
}

}  // namespace
}  // namespace crudbench
