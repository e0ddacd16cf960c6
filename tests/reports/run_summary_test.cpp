#include "reports/run_summary.h"

#include <cmath>
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
  EXPECT_EQ(summary.context_tokens, std::nullopt);
  EXPECT_EQ(summary.truncated_count, 0);
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

TEST(SummarizeRun, MeansRetrievalByNumberOfGoldDocuments) {
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"recall@8", 1.0}, {"rouge_l", 0.5}, {"refusal", 0.0}}},
                                    {.sample_id = "s2",
                                     .scores = {{"recall@8", 0.5}, {"rouge_l", 0.5}},
                                     .gold_doc_ids = {"a", "b"}},
                                    {.sample_id = "s3",
                                     .scores = {{"recall@8", 0.0}, {"rouge_l", 0.5}},
                                     .gold_doc_ids = {"a", "b"}},
                                    {.sample_id = "s4",
                                     .scores = {{"recall@8", nullptr}, {"rouge_l", 0.5}},
                                     .gold_doc_ids = {}}}});
  const auto& groups = summary.metric("recall@8")->by_gold_count;
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups.at(1).n, 1U);
  EXPECT_DOUBLE_EQ(groups.at(1).mean, 1.0);
  EXPECT_EQ(groups.at(2).n, 2U);
  EXPECT_DOUBLE_EQ(groups.at(2).mean, 0.25);
  EXPECT_TRUE(summary.metric("rouge_l")->by_gold_count.empty());
  EXPECT_TRUE(summary.metric("refusal")->by_gold_count.empty());
  const Json json = summary_json(summary)["metrics"]["recall@8"]["by_gold_count"];
  EXPECT_EQ(json["2"], Json({{"n", 2}, {"mean", 0.25}, {"low", nullptr}, {"high", nullptr}}));
}

TEST(SummarizeRun, TakesTheMeanOfAnItemsRepeatsByNumberOfGoldDocuments) {
  // Items: (1 + 0) / 2 and 1.
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"hit@8", 1.0}}},
                                    {.sample_id = "s1", .scores = {{"hit@8", 0.0}}, .repeat = 1},
                                    {"s2", {{"hit@8", 1.0}}}}});
  EXPECT_EQ(summary.metric("hit@8")->by_gold_count.at(1).n, 2U);
  EXPECT_DOUBLE_EQ(summary.metric("hit@8")->by_gold_count.at(1).mean, 0.75);
}

TEST(SummarizeRun, GivesIntervalsByNumberOfGoldDocuments) {
  ReportStore store;
  TestRun run;
  for (int i = 0; i < 40; ++i) {
    run.samples.push_back(
        {.sample_id = "s" + std::to_string(i), .scores = {{"mrr", i % 4 < 2 ? 0.25 : 0.75}}});
    if (i % 2 == 0) {
      run.samples.back().gold_doc_ids = {"a", "b"};
    }
  }
  const RunSummary summary = summarize(store, run, true);
  for (const std::size_t gold_count : {1U, 2U}) {
    const MeanEstimate& estimate = summary.metric("mrr")->by_gold_count.at(gold_count);
    ASSERT_TRUE(estimate.interval);
    EXPECT_LT(estimate.interval->low, estimate.mean);
    EXPECT_GT(estimate.interval->high, estimate.mean);
  }
}

/// Two types and an item without one; s1 has two repeats.
TestRun run_with_types() {
  return {
      .samples = {
          {.sample_id = "s1",
           .scores = {{"rouge_l", 1.0}, {"hit@8", 1.0}, {"rouge_1", 1.0}},
           .question_type = "原因"},
          {.sample_id = "s1", .scores = {{"rouge_l", 0.5}}, .repeat = 1, .question_type = "原因"},
          {.sample_id = "s2", .scores = {{"rouge_l", 0.25}}, .question_type = "原因"},
          {.sample_id = "s3", .scores = {{"rouge_l", 0.125}}, .question_type = "__proto__"},
          {.sample_id = "s4",
           .scores = Json::object(),
           .failure = timeout(),
           .question_type = "__proto__"},
          {.sample_id = "s5", .scores = {{"rouge_l", 0.75}}}}};
}

TEST(SummarizeRun, MeansMainMetricsByQuestionType) {
  ReportStore store;
  const RunSummary summary = summarize(store, run_with_types());
  const auto& groups = summary.metric("rouge_l")->by_question_type;
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups.at("原因").n, 2U);
  EXPECT_DOUBLE_EQ(groups.at("原因").mean, 0.5);  // (0.75 + 0.25) / 2
  EXPECT_EQ(groups.at("__proto__").n, 1U) << "the other one failed";
  EXPECT_EQ(groups.at("").n, 1U);
  EXPECT_EQ(summary.metric("hit@8")->by_question_type.size(), 1U);
  EXPECT_TRUE(summary.metric("rouge_1")->by_question_type.empty()) << "not a main metric";
  const Json json = summary_json(summary)["metrics"]["rouge_l"]["by_question_type"];
  EXPECT_EQ(json["__proto__"],
            Json({{"n", 1}, {"mean", 0.125}, {"low", nullptr}, {"high", nullptr}}));
}

TEST(SummarizeRun, GivesIntervalsByQuestionType) {
  ReportStore store;
  TestRun run;
  std::vector<double> of_type;
  for (int i = 0; i < 40; ++i) {
    run.samples.push_back({.sample_id = "s" + std::to_string(i),
                           .scores = {{"rouge_l", i * 7 % 11 / 11.0}},
                           .question_type = i % 2 == 0 ? "a" : "b"});
    if (i % 2 == 0) {
      of_type.push_back(i * 7 % 11 / 11.0);
    }
  }
  const RunSummary summary = summarize(store, run, true);
  EXPECT_EQ(summary.metric("rouge_l")->by_question_type.at("a"),
            estimate_mean(of_type, SummaryOptions().resampling, store.executor()));
}

TEST(SummarizeRun, HasNoMeansByQuestionTypeWithoutTypesOrWithTooMany) {
  ReportStore store;
  EXPECT_TRUE(summarize(store, {.samples = {{"s1", {{"rouge_l", 1.0}}}}})
                  .metric("rouge_l")
                  ->by_question_type.empty());
  TestRun many{.task = "questanswer_1doc"};
  for (std::size_t i = 0; i <= kMaxQuestionTypes; ++i) {
    many.samples.push_back({.sample_id = "s" + std::to_string(i),
                            .scores = {{"rouge_l", 1.0}},
                            .question_type = std::to_string(i)});
  }
  EXPECT_TRUE(summarize(store, many).metric("rouge_l")->by_question_type.empty());
}

TEST(SummarizeRun, KnowsTheChanceLevelOfARandomRanking) {
  // 10 documents, one a copy of another: 9. One gold document, k = 2: 2/9 for each measure.
  // Two gold documents: hit 1 - (7/9)(6/8) = 5/12, recall 2/9, all 1 / C(9, 2) = 1/36.
  ReportStore store;
  TestRun run;
  run.provenance = {{"documents", 10}, {"duplicates", 1}};
  const Json scores = {{"hit@2", 1.0},  {"recall@2", 1.0}, {"all_gold@2", 1.0},
                       {"hit@20", 1.0}, {"mrr", 1.0},      {"chunk_hit@2", 1.0}};
  run.samples = {{.sample_id = "s1", .scores = scores}};
  const RunSummary one = summarize(store, run);
  EXPECT_EQ(one.document_count, 9);
  EXPECT_NEAR(*one.metric("hit@2")->chance_level, 2.0 / 9, 1e-15);
  EXPECT_NEAR(*one.metric("recall@2")->chance_level, 2.0 / 9, 1e-15);
  EXPECT_NEAR(*one.metric("all_gold@2")->chance_level, 2.0 / 9, 1e-15);
  EXPECT_DOUBLE_EQ(*one.metric("hit@20")->chance_level, 1.0);
  EXPECT_EQ(one.metric("mrr")->chance_level, std::nullopt);
  EXPECT_EQ(one.metric("chunk_hit@2")->chance_level, std::nullopt);

  run.samples[0].gold_doc_ids = {"a", "b"};
  run.data = "samples-b";
  const RunSummary two = summarize(store, run);
  EXPECT_NEAR(*two.metric("hit@2")->chance_level, 5.0 / 12, 1e-15);
  EXPECT_NEAR(*two.metric("recall@2")->chance_level, 2.0 / 9, 1e-15);
  EXPECT_NEAR(*two.metric("all_gold@2")->chance_level, 1.0 / 36, 1e-15);
}

TEST(SummarizeRun, MeansTheChanceLevelOverItsItems) {
  ReportStore store;
  TestRun run;
  run.provenance = {{"documents", 9}};
  run.samples = {{"s1", {{"hit@2", 1.0}}},
                 {.sample_id = "s2", .scores = {{"hit@2", 1.0}}, .gold_doc_ids = {"a", "b"}}};
  EXPECT_NEAR(*summarize(store, run).metric("hit@2")->chance_level, (2.0 / 9 + 5.0 / 12) / 2,
              1e-15);
}

TEST(SummarizeRun, HasNoChanceLevelWhereTheDocumentsAreNotRecorded) {
  ReportStore store;
  EXPECT_EQ(summarize(store, {.samples = {{"s1", {{"hit@2", 1.0}}}}}).metric("hit@2")->chance_level,
            std::nullopt);
}

TEST(SummarizeRun, PoolsCorpusBleuOverAllSamples) {
  // Pooled: matches 9, 5, 3, 2 of 10, 8, 6, 4; 10 words against 10. Not the mean of the two.
  ReportStore store;
  const RunSummary summary = summarize(
      store,
      {.samples = {{"s1", {{"bleu_corpus", {{"counts", {5, 4, 3, 2, 5, 4, 3, 2, 5, 5}}}}}},
                   {"s2", {{"bleu_corpus", {{"counts", {4, 1, 0, 0, 5, 4, 3, 2, 5, 5}}}}}},
                   {"s3", {{"bleu_corpus", {{"failed", "empty_prediction"}}}}}}},
      true);
  const MetricSummary& bleu = *summary.metric("bleu_corpus");
  EXPECT_NEAR(*bleu.mean, std::pow(0.9 * 5 / 8 * 3 / 6 * 2 / 4, 0.25), 1e-15);
  EXPECT_EQ(bleu.valid_count, 2);
  EXPECT_EQ(bleu.failed_count, 1);
  EXPECT_EQ(bleu.mean_failures_as_zero, std::nullopt);
  EXPECT_TRUE(bleu.interval);
}

TEST(SummarizeRun, TakesDamagedCountsAsFailed) {
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"bleu_corpus", {{"counts", {1, 2}}}}}},
                                    {"s2", {{"bleu_corpus", {{"counts", {"x"}}}}}},
                                    {"s3", {{"bleu_corpus", {{"counts", 7}}}}}}});
  EXPECT_EQ(summary.metric("bleu_corpus")->failures.at("invalid_counts"), 3);
  EXPECT_EQ(summary.metric("bleu_corpus")->mean, std::nullopt);
}

TEST(SummarizeRun, SplitsTheVarianceWithRepeats) {
  // Two items with two repeats each: mean squares 0.25 between (two values each) and 0.01 within,
  // so between samples (0.25 - 0.01) / 2 = 0.12 and their share 0.12 / 0.13.
  ReportStore store;
  const double root = std::sqrt(0.02);  // Deviation of 0.01 in two values: ± √0.01 / √2.
  const auto sample = [](const std::string& id, std::int64_t repeat, double value) {
    return TestSample{.sample_id = id, .scores = {{"rouge_l", value}}, .repeat = repeat};
  };
  const RunSummary summary = summarize(
      store, {.samples = {sample("s1", 0, 0.25 - root / 2), sample("s1", 1, 0.25 + root / 2),
                          sample("s2", 0, 0.75 - root / 2), sample("s2", 1, 0.75 + root / 2)}});
  EXPECT_EQ(summary.repeat_count, 2);
  const VarianceComponents& variance = *summary.metric("rouge_l")->variance;
  EXPECT_NEAR(variance.between_samples, 0.12, 1e-12);
  EXPECT_NEAR(variance.between_repeats, 0.01, 1e-12);
  EXPECT_NEAR(*variance.intraclass_correlation, 12.0 / 13, 1e-12);
  const Json json = summary_json(summary);
  EXPECT_EQ(json["repeats"], 2);
  EXPECT_EQ(json["metrics"]["rouge_l"]["variance"]["n_values"], 4);
}

TEST(SummarizeRun, HasNoVarianceComponentsWithoutRepeats) {
  ReportStore store;
  const RunSummary summary =
      summarize(store, {.samples = {{"s1", {{"rouge_l", 0.5}}}, {"s2", {{"rouge_l", 0.7}}}}});
  EXPECT_EQ(summary.repeat_count, 1);
  EXPECT_FALSE(summary.metric("rouge_l")->variance);
}

TEST(ReadScoredRun, KeepsWhatTheItemsScoredInMainMetrics) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}, {"length_chars", 3.0}}},
                         {.sample_id = "s1", .scores = {{"rouge_l", 1.0}}, .repeat = 1},
                         {"s2", {{"rouge_l", {{"failed", "empty_prediction"}}}}},
                         {"s3", {{"rouge_l", 0.25}}}}});
  const ScoredRun run = read_scored_run(store.store(), store.store().runs().back(),
                                        {.intervals = false}, store.executor());
  ASSERT_EQ(run.item_scores.size(), 1U);
  EXPECT_EQ(run.item_scores.at("rouge_l").item_ids, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(run.item_scores.at("rouge_l").values, (std::vector<double>{0.75, 0.25}));
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

TEST(MainMetrics, TakesLabelledMetricsAsFarAsThereIsRoom) {
  EXPECT_EQ(main_metrics({"bertscore[lsa]", "similarity[lsa]", "rouge_l", "similarity_x"}),
            (std::vector<std::string>{"rouge_l", "similarity[lsa]", "bertscore[lsa]"}));
  // Five without labels, and three of the others: each family before a second label of any.
  EXPECT_EQ(
      main_metrics({"bertscore[a]", "bleu_upstream", "hit@8", "mrr", "quest_clean_f1[j]",
                    "quest_clean_recall[j]", "recall@8", "rouge_l", "similarity[a]",
                    "similarity[b]"}),
      (std::vector<std::string>{"bleu_upstream", "rouge_l", "similarity[a]", "quest_clean_f1[j]",
                                "quest_clean_recall[j]", "hit@8", "recall@8", "mrr"}));
  EXPECT_EQ(main_metrics({"similarity[b]", "similarity[a]", "quest_clean_f1[j]"}),
            (std::vector<std::string>{"similarity[a]", "similarity[b]", "quest_clean_f1[j]"}));
}

}  // namespace
}  // namespace crudbench
