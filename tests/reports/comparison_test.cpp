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

/// A run with the values of one metric, sample by sample.
TestRun run_of(const std::string& retriever, const std::string& metric,
               const std::vector<double>& values) {
  TestRun run{.cell = cell_with("/retriever/type", retriever)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    run.samples.push_back({"s" + std::to_string(i), {{metric, values[i]}}});
  }
  return run;
}

TEST(CompareRuns, TakesMcNemarsTestForABinaryMetric) {
  // A alone on s0; B alone on s1 to s5; both on s6; none on s7: two-sided exact p =
  // 2 (C(6,0) + C(6,1)) / 2^6 = 14 / 64.
  ReportStore store;
  store.add(run_of("bm25", "hit@8", {1, 0, 0, 0, 0, 0, 1, 0}));
  store.add(run_of("dense", "hit@8", {0, 1, 1, 1, 1, 1, 1, 0}));
  const RunComparison comparison = compare(store, {"1", "2"});
  const MetricComparison& hit = comparison.comparisons.at(0);
  ASSERT_TRUE(hit.mcnemar);
  EXPECT_EQ(hit.mcnemar->baseline_alone_count, 1);
  EXPECT_EQ(hit.mcnemar->system_alone_count, 5);
  EXPECT_DOUBLE_EQ(hit.mcnemar->p_value, 14.0 / 64);
  EXPECT_DOUBLE_EQ(hit.p_value(), 14.0 / 64);
  EXPECT_DOUBLE_EQ(hit.paired.p_value, 14.0 / 64) << "the same test, here exact too";
  EXPECT_THAT(comparison_terminal(comparison, false), testing::HasSubstr("1/5  0.219     0.219"));
  EXPECT_THAT(comparison_markdown(comparison), testing::HasSubstr("| 1/5 | 0.219 | 0.219 |"));
  const Json json = comparison_json(comparison)["comparisons"][0];
  EXPECT_EQ(json["test"], "mcnemar");
  EXPECT_EQ(json["mcnemar"]["n_baseline_alone"], 1);
  EXPECT_EQ(json["mcnemar"]["n_run_alone"], 5);
}

TEST(CompareRuns, TakesTheExactValueOfMcNemarForTheFamily) {
  // 30 samples on which B alone succeeded: 2 / 2^30, which random flips could only bound.
  ReportStore store;
  store.add(run_of("bm25", "hit@8", std::vector<double>(30, 0.0)));
  store.add(run_of("dense", "hit@8", std::vector<double>(30, 1.0)));
  const MetricComparison hit = compare(store, {"1", "2"}).comparisons.at(0);
  EXPECT_NEAR(hit.adjusted_p_value, 2.0 / (1 << 30), 1e-18);
  EXPECT_GT(hit.paired.p_value, 1e-3);
}

TEST(CompareRuns, CountsAnAvoidedFaultAsASuccess) {
  ReportStore store;
  store.add(run_of("bm25", "refusal", {1, 1, 0}));
  store.add(run_of("dense", "refusal", {0, 0, 1}));
  const MetricComparison refusal = compare(store, {"1", "2"}, {"refusal"}).comparisons.at(0);
  EXPECT_EQ(refusal.mcnemar->baseline_alone_count, 1);
  EXPECT_EQ(refusal.mcnemar->system_alone_count, 2);
}

TEST(CompareRuns, HasNoMcNemarTestWhereRepeatsWereAveraged) {
  ReportStore store;
  TestRun a = run_of("bm25", "hit@8", {1, 0});
  a.samples.push_back({.sample_id = "s0", .scores = {{"hit@8", 0.0}}, .repeat = 1});
  store.add(a);
  store.add(run_of("dense", "hit@8", {0, 1}));
  const RunComparison comparison = compare(store, {"1", "2"});
  EXPECT_FALSE(comparison.comparisons.at(0).mcnemar);
  EXPECT_EQ(comparison_json(comparison)["comparisons"][0]["test"], "permutation");
}

TEST(Comparison, ShowsEffectSizeAndSmallestDetectableDifference) {
  // Differences 0.2 and 0.4: mean 0.3, deviation 0.1 √2, so d_z = 2.12; detectable
  // (1.9600 + 0.8416) · 0.1414 / √2 = 28.02 %.
  ReportStore store;
  store.add(run_with("bm25", {0.2, 0.4}));
  store.add(run_with("dense", {0.4, 0.8}));
  const RunComparison comparison = compare(store, {"1", "2"});
  EXPECT_THAT(comparison_terminal(comparison, false), testing::HasSubstr("28.02  2.12"));
  EXPECT_THAT(comparison_markdown(comparison), testing::HasSubstr("| 28.02 | 2.12 |"));
}

TEST(CompareRuns, TakesMetricsWithALabel) {
  ReportStore store;
  store.add(run_of("bm25", "similarity[lsa#3f]", {0.5, 0.5}));
  store.add(run_of("dense", "similarity[lsa#3f]", {0.75, 0.75}));
  const RunComparison comparison = compare(store, {"1", "2"}, {"similarity[lsa#3f]"});
  EXPECT_DOUBLE_EQ(comparison.comparisons.at(0).paired.difference, 0.25);
  EXPECT_THAT(comparison_markdown(comparison), testing::HasSubstr("| similarity\\[lsa\\#3f\\] |"));
}

TEST(CompareRuns, OffersNoMeasureOfWholeRuns) {
  ReportStore store;
  for (const char* retriever : {"bm25", "dense"}) {
    TestRun run = run_with(retriever, {0.5});
    run.samples[0].scores["bleu_corpus"] = {{"counts", {1, 1, 1, 1, 4, 3, 2, 1, 4, 4}}};
    store.add(run);
  }
  EXPECT_ERROR(compare(store, {"1", "2"}, {"bleu_corpus"}), ErrorCode::kInvalidConfig,
               "no values of metric 'bleu_corpus'");
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
