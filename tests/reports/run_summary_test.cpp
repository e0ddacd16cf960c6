#include "reports/run_summary.h"

#include <gtest/gtest.h>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

RunSummary summarize(ReportStore& store, const TestRun& run, bool intervals = false) {
  store.add(run);
  return summarize_run(store.store(), store.store().runs().back(), {.intervals = intervals},
                       store.executor());
}

TEST(SummarizeRun, MeansOverValidSamplesAndWithFailuresAsZero) {
  // Valid: 0.25, 0.5, 0.75. Failed: a sample that timed out and a metric that failed.
  // Undefined samples are in neither mean.
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"rouge_l", 0.25}}},
                                    {"s2", {{"rouge_l", 0.5}}},
                                    {"s3", {{"rouge_l", 0.75}}},
                                    {"s4", {{"rouge_l", nullptr}}},
                                    {"s5", {{"rouge_l", {{"failed", "empty_reference"}}}}},
                                    {"s6", Json::object(), timeout()}}});
  const MetricSummary& rouge = *summary.metric("rouge_l");
  EXPECT_EQ(rouge.valid_count, 3);
  EXPECT_EQ(rouge.undefined_count, 1);
  EXPECT_EQ(rouge.failed_count, 2);
  EXPECT_EQ(rouge.failures,
            (std::map<std::string, std::int64_t>{{"empty_reference", 1}, {"timeout", 1}}));
  EXPECT_DOUBLE_EQ(*rouge.mean, 0.5);
  EXPECT_DOUBLE_EQ(*rouge.mean_failures_as_zero, 1.5 / 5);
}

TEST(SummarizeRun, CountsCoverageFailuresAndPendingSamples) {
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"rouge_l", 1.0}}}, {"s2", Json::object(), timeout()}},
                        .sample_count = 4});
  EXPECT_EQ(summary.ok_count, 1);
  EXPECT_EQ(summary.failed_count, 1);
  EXPECT_EQ(summary.pending_count(), 2);
  EXPECT_DOUBLE_EQ(*summary.coverage(), 0.25);
  EXPECT_EQ(summary.failures, (std::map<std::string, std::int64_t>{{"generation/timeout", 1}}));
}

TEST(SummarizeRun, KeepsRetrievalScoresOfSamplesWhoseGenerationFailed) {
  ReportStore store;
  const RunSummary summary = summarize(
      store,
      {.samples = {
           {"s1", {{"recall@8", 1.0}, {"rouge_l", 0.5}}},
           {"s2", {{"recall@8", 0.0}, {"rouge_l", {{"failed", "no_prediction"}}}}, timeout()}}});
  EXPECT_DOUBLE_EQ(*summary.metric("recall@8")->mean, 0.5);
  EXPECT_EQ(summary.metric("recall@8")->failed_count, 0);
  EXPECT_DOUBLE_EQ(*summary.metric("rouge_l")->mean, 0.5);
  EXPECT_DOUBLE_EQ(*summary.metric("rouge_l")->mean_failures_as_zero, 0.25);
}

TEST(SummarizeRun, TakesRecallOfAFailedSampleWithoutGoldAsUndefined) {
  ReportStore store;
  const Failure failure{.stage = Stage::kRetrieval, .failure_class = "unavailable", .message = ""};
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"recall@8", 1.0}}},
                                    {"s2", Json::object(), failure, "", {}},
                                    {"s3", Json::object(), failure, "", {"news_1.txt:1"}}}});
  EXPECT_EQ(summary.metric("recall@8")->undefined_count, 1);
  EXPECT_EQ(summary.metric("recall@8")->failed_count, 1);
  EXPECT_DOUBLE_EQ(*summary.metric("recall@8")->mean_failures_as_zero, 0.5);
}

TEST(SummarizeRun, CountsOkSamplesThatWereNotScored) {
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"rouge_l", 0.5}}}, {"s2", Json::object()}}});
  EXPECT_EQ(summary.metric("rouge_l")->missing_count, 1);
  EXPECT_DOUBLE_EQ(*summary.metric("rouge_l")->mean_failures_as_zero, 0.5);
}

TEST(SummarizeRun, HasNoMeansWithFailuresOnly) {
  ReportStore store;
  const RunSummary summary = summarize(
      store, {.samples = {{"s1", {{"rouge_l", {{"failed", "no_prediction"}}}}, timeout()}}});
  EXPECT_EQ(summary.metric("rouge_l")->mean, std::nullopt);
  EXPECT_EQ(summary.metric("rouge_l")->interval, std::nullopt);
  EXPECT_EQ(summary.metric("rouge_l")->mean_failures_as_zero, 0.0);
  EXPECT_EQ(summary.coverage(), 0.0);
}

TEST(SummarizeRun, CountsRepliesWithoutTag) {
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"missing_response_tag", 1.0}}},
                                    {"s2", {{"missing_response_tag", 0.0}}},
                                    {"s3", {{"missing_response_tag", 1.0}}}}});
  EXPECT_EQ(summary.format_failure_count, 2);
}

TEST(SummarizeRun, SumsTokensAndTimes) {
  ReportStore store;
  const RunSummary summary = summarize(store, {.samples = {{"s1"}, {"s2"}}});
  EXPECT_EQ(summary.prompt_tokens, 200);
  EXPECT_EQ(summary.completion_tokens, 20);
  EXPECT_DOUBLE_EQ(summary.retrieval_seconds, 0.5);
  EXPECT_DOUBLE_EQ(summary.generation_seconds, 1.0);
  EXPECT_EQ(summary.format_failure_count, std::nullopt);
}

TEST(SummarizeRun, GivesAnIntervalAroundTheMean) {
  ReportStore store;
  TestRun run;
  for (int i = 0; i < 20; ++i) {
    run.samples.push_back({"s" + std::to_string(i), {{"rouge_l", i % 2 == 0 ? 0.25 : 0.75}}});
  }
  const RunSummary summary = summarize(store, run, true);
  ASSERT_TRUE(summary.metric("rouge_l")->interval);
  EXPECT_GT(summary.metric("rouge_l")->interval->low, 0.25);
  EXPECT_LT(summary.metric("rouge_l")->interval->low, 0.5);
  EXPECT_GT(summary.metric("rouge_l")->interval->high, 0.5);
}

TEST(SummarizeRun, ReadsRecordAndExcludedCountsOfTheTask) {
  ReportStore store;
  TestRun run{.samples = {{"s1"}}};
  run.provenance = {{"records", {{"event_summary", 12}}}, {"excluded", {{"event_summary", 2}}}};
  const RunSummary summary = summarize(store, run);
  EXPECT_EQ(summary.record_count, 12);
  EXPECT_EQ(summary.excluded_count, 2);
}

TEST(MetricPrecedes, PutsMainMetricsFirstAndComparesNumbers) {
  EXPECT_TRUE(metric_precedes("bleu_upstream", "bleu-1"));
  EXPECT_TRUE(metric_precedes("rouge_l", "hit@1"));
  EXPECT_TRUE(metric_precedes("recall@2", "recall@10"));
  EXPECT_FALSE(metric_precedes("recall@10", "recall@2"));
  EXPECT_FALSE(metric_precedes("mrr", "mrr"));
}

TEST(MainMetrics, TakesCutoffEightElseTheLargest) {
  EXPECT_EQ(main_metrics({"mrr", "recall@2", "recall@8", "recall@16", "hit@1", "hit@10", "x"}),
            (std::vector<std::string>{"hit@10", "recall@8", "mrr"}));
}

}  // namespace
}  // namespace crudbench
