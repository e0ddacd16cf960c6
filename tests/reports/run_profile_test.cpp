#include "reports/run_profile.h"

#include <gtest/gtest.h>
#include <numeric>

#include "reports/run_summary.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::SizeIs;

RunProfile profile_of(ReportStore& store) {
  return summarize_run(store.store(), store.store().runs().front(), {}, store.executor()).profile;
}

// 0 and 0.049 lie in the first twentieth, 0.05 in the second, 1 in the last.
TEST(RunProfile, CountsScoresInTwentieths) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.0}}},
                         {"s2", {{"rouge_l", 0.049}}},
                         {"s3", {{"rouge_l", 0.05}}},
                         {"s4", {{"rouge_l", 1.0}}}}});
  const ShareHistogram histogram = profile_of(store).distributions.at("rouge_l");
  EXPECT_EQ(histogram[0], 2);
  EXPECT_EQ(histogram[1], 1);
  EXPECT_EQ(histogram[19], 1);
  EXPECT_EQ(std::accumulate(histogram.begin(), histogram.end(), 0), 4);
}

TEST(RunProfile, LeavesOutMetricsThatAreNotMain) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_2", 0.5}}}}});
  EXPECT_THAT(profile_of(store).distributions, SizeIs(0));
}

TEST(RunProfile, CountsTheRanksOfTheFirstGoldDocument) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"mrr", 1.0}}},
                         {"s2", {{"mrr", 1.0 / 3}}},
                         {"s3", {{"mrr", 0.0}}},
                         {"s4", {{"mrr", nullptr}}}}});
  const RunProfile profile = profile_of(store);
  EXPECT_THAT(profile.first_gold_ranks, ElementsAre(1, 0, 1));
  EXPECT_EQ(profile.without_gold_hit, 1);
}

// Ten items make two groups of five: lengths 1 … 5 score 0, lengths 6 … 10 score 1.
TEST(RunProfile, GroupsScoresByTheLengthOfThePrediction) {
  ReportStore store;
  TestRun run;
  for (int i = 1; i <= 10; ++i) {
    run.samples.push_back({"s" + std::to_string(100 + i),
                           {{"rouge_l", i > 5 ? 1.0 : 0.0}, {"length_chars", double(i)}}});
  }
  store.add(run);
  const std::vector<LengthGroup> groups = profile_of(store).score_by_length.at("rouge_l");
  ASSERT_THAT(groups, SizeIs(2));
  EXPECT_EQ(groups[0].n, 5U);
  EXPECT_DOUBLE_EQ(groups[0].mean_length_chars, 3.0);
  EXPECT_DOUBLE_EQ(groups[0].mean_score, 0.0);
  EXPECT_DOUBLE_EQ(groups[1].mean_length_chars, 8.0);
  EXPECT_DOUBLE_EQ(groups[1].mean_score, 1.0);
}

TEST(RunProfile, GroupsAnswersByTheNumberOfGoldDocuments) {
  ReportStore store;
  TestRun run{.samples = {{"s1", {{"rouge_l", 0.2}}},
                          {"s2", {{"rouge_l", 0.4}}},
                          {"s3", {{"rouge_l", 0.9}}}}};
  run.samples[2].gold_doc_ids = {"a", "b"};
  store.add(run);
  const auto groups = profile_of(store).by_gold_count.at("rouge_l");
  EXPECT_EQ(groups.at(1).n, 2U);
  EXPECT_DOUBLE_EQ(groups.at(1).mean, 0.3);
  EXPECT_DOUBLE_EQ(groups.at(2).mean, 0.9);
}

// Nearest rank: of 1 … 20, the 10th and the 19th.
TEST(QuantilesOf, AreNearestRanks) {
  std::vector<double> values(20);
  std::iota(values.rbegin(), values.rend(), 1.0);
  const auto quantiles = quantiles_of(values);
  ASSERT_TRUE(quantiles);
  EXPECT_EQ(quantiles->p50, 10.0);
  EXPECT_EQ(quantiles->p95, 19.0);
  EXPECT_FALSE(quantiles_of({}));
}

}  // namespace
}  // namespace crudbench
