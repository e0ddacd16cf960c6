#include "reports/comparison.h"

#include <gtest/gtest.h>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

TestRun run_with(const std::string& retriever, const std::vector<double>& values) {
  TestRun run{.cell = cell_with("/retriever/type", retriever)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    run.samples.push_back({"s" + std::to_string(i), {{"rouge_l", values[i]}}});
  }
  return run;
}

RunComparison compare(ReportStore& store, const std::vector<std::string>& runs,
                      std::vector<std::string> metrics = {}) {
  return compare_runs(store.store(), runs,
                      {.metrics = std::move(metrics), .resampling = {.resamples = 200}},
                      store.executor());
}

TEST(CompareRuns, PairsTheSamplesThatBothHave) {
  // Common: s0 (0.2, 0.4), s1 (0.4, 0.8). s2 only in A; s3 only in B.
  ReportStore store;
  TestRun a = run_with("bm25", {0.2, 0.4, 0.9});
  a.samples.push_back({"s3", {{"rouge_l", {{"failed", "empty_reference"}}}}});
  TestRun b = run_with("dense", {0.4, 0.8});
  b.samples.push_back({"s2", Json::object(), timeout()});
  b.samples.push_back({"s3", {{"rouge_l", 0.1}}});
  store.add(a);
  store.add(b);
  const RunComparison comparison = compare(store, {"1", "2"});
  ASSERT_EQ(comparison.comparisons.size(), 1U);
  const MetricComparison& rouge = comparison.comparisons[0];
  EXPECT_EQ(rouge.common_count, 2);
  EXPECT_EQ(rouge.only_baseline_count, 1);
  EXPECT_EQ(rouge.only_system_count, 1);
  EXPECT_DOUBLE_EQ(rouge.baseline_mean, 0.3);
  EXPECT_DOUBLE_EQ(rouge.system_mean, 0.6);
  EXPECT_DOUBLE_EQ(rouge.paired.difference, 0.3);
  // Two differences of one sign: 2 of the 4 sign flips reach the observed sum.
  EXPECT_DOUBLE_EQ(rouge.paired.p_value, 0.5);
  EXPECT_EQ(comparison.labels,
            (std::vector<std::string>{"bm25 · extractive", "dense · extractive"}));
}

TEST(CompareRuns, CorrectsOverAllSystems) {
  // Six differences of one sign: p = 2 / 2^6 = 0.03125 for each of two systems, doubled by Holm.
  ReportStore store;
  store.add(run_with("bm25", {0.1, 0.1, 0.1, 0.1, 0.1, 0.1}));
  store.add(run_with("dense", {0.2, 0.3, 0.2, 0.3, 0.2, 0.3}));
  store.add(run_with("hybrid", {0.4, 0.5, 0.4, 0.5, 0.4, 0.5}));
  const RunComparison comparison = compare(store, {"1", "2", "3"});
  ASSERT_EQ(comparison.comparisons.size(), 2U);
  EXPECT_DOUBLE_EQ(comparison.comparisons[0].paired.p_value, 0.03125);
  EXPECT_DOUBLE_EQ(comparison.comparisons[0].adjusted_p_value, 0.0625);
  EXPECT_EQ(comparison.comparisons[1].system, 2U);
}

TEST(CompareRuns, RefusesRunsThatMayNotBeCompared) {
  ReportStore store;
  store.add(run_with("bm25", {0.1}));
  TestRun other_task = run_with("dense", {0.1});
  other_task.task = "hallu_modified";
  store.add(other_task);
  TestRun other_mode = run_with("hybrid", {0.1});
  other_mode.mode = "paper";
  store.add(other_mode);
  EXPECT_ERROR(compare(store, {"1"}), ErrorCode::kInvalidConfig, "two runs or more");
  EXPECT_ERROR(compare(store, {"1", "1"}), ErrorCode::kInvalidConfig, "named twice");
  EXPECT_ERROR(compare(store, {"1", "2"}), ErrorCode::kInvalidConfig,
               "share their task to be compared: run 1 has 'event_summary', run 2 has "
               "'hallu_modified'");
  EXPECT_ERROR(compare(store, {"1", "3"}), ErrorCode::kInvalidConfig, "knowledge-base mode");
  EXPECT_ERROR(compare(store, {"1", "9"}), ErrorCode::kInvalidConfig, "no run '9'");
}

TEST(CompareRuns, RefusesAMetricThatIsNotShared) {
  ReportStore store;
  store.add(run_with("bm25", {0.1}));
  store.add(run_with("dense", {0.1}));
  EXPECT_ERROR(compare(store, {"1", "2"}, {"rouge_1"}), ErrorCode::kInvalidConfig,
               "did you mean 'rouge_l'");
}

TEST(CompareRuns, TellsRunsOfOneConfigurationApartById) {
  ReportStore store;
  store.add(run_with("bm25", {0.1}));
  store.add(run_with("bm25", {0.2}));
  EXPECT_EQ(compare(store, {"1", "2"}).labels,
            (std::vector<std::string>{"bm25 · extractive · run 1", "bm25 · extractive · run 2"}));
}

TEST(Comparison, RendersTheSameNumbersInEveryForm) {
  ReportStore store;
  store.add(run_with("bm25", {0.2, 0.4}));
  store.add(run_with("dense", {0.4, 0.8}));
  const RunComparison comparison = compare(store, {"1", "2"});
  const Json json = comparison_json(comparison);
  EXPECT_EQ(json["comparisons"][0]["difference"], comparison.comparisons[0].paired.difference);
  EXPECT_EQ(json["comparisons"][0]["n_common"], 2);
  EXPECT_THAT(comparison_terminal(comparison, false), testing::HasSubstr("+30.00"));
  EXPECT_THAT(comparison_markdown(comparison), testing::HasSubstr("| \\+30.00 |"));
}

}  // namespace
}  // namespace crudbench
