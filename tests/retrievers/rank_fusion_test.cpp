#include "retrievers/rank_fusion.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

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

}  // namespace
}  // namespace crudbench
