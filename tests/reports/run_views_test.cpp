#include "reports/run_views.h"

#include <gtest/gtest.h>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::HasSubstr;
using testing::Not;

TestRun scored_run() {
  return {.samples = {{"s1", {{"rouge_l", 0.9}}},
                      {"s2", {{"rouge_l", 0.1}}},
                      {"s3", {{"rouge_l", 0.5}}},
                      {"s4", Json::object(), timeout()}},
          .sample_count = 6};
}

TEST(ListRuns, ShowsProgressAndWhatTellsRunsApart) {
  ReportStore store;
  store.add(scored_run());
  store.add({.cell = cell_with("/retriever/top_k", 4), .samples = {{"s1"}}});
  const Json list = run_list_json(list_runs(store.store()));
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["ok"], 3);
  EXPECT_EQ(list[0]["failed"], 1);
  EXPECT_EQ(list[0]["pending"], 2);
  EXPECT_EQ(list[0]["samples"], 6);
  EXPECT_EQ(list[0]["label"], "bm25 · top_k 8 · extractive");
  EXPECT_EQ(list[1]["label"], "bm25 · top_k 4 · extractive");
  EXPECT_THAT(run_list_terminal(list_runs(store.store()), false),
              HasSubstr("bm25 · top_k 4 · extractive"));
}

TEST(ListRuns, SaysSoWhenThereAreNone) {
  ReportStore store;
  EXPECT_EQ(run_list_terminal(list_runs(store.store()), false), "no runs yet\n");
}

TEST(ViewRun, ListsTheWorstSamplesFirst) {
  ReportStore store;
  store.add(scored_run());
  const RunView view = view_run(store.store(), "1", {.excerpt_count = 2}, store.executor());
  EXPECT_EQ(view.ranking_metric, "rouge_l");
  ASSERT_EQ(view.worst.size(), 2U);
  EXPECT_EQ(view.worst[0].sample_id, "s2");
  EXPECT_EQ(view.worst[1].sample_id, "s3");
  ASSERT_EQ(view.failed.size(), 1U);
  EXPECT_EQ(view.failed[0].sample_id, "s4");
  EXPECT_THAT(run_view_terminal(view, false), HasSubstr("generation/timeout: no answer in 60 s"));
  EXPECT_EQ(run_view_json(view)["summary"]["pending"], 2);
}

TEST(ViewRun, ShowsRetrievalByNumberOfGoldDocumentsAndItsChanceLevel) {
  // hit@1 by chance among 10 documents: 1/10 and 2/10, 15 % in the mean.
  ReportStore store;
  store.add({.samples = {{"s1", {{"hit@1", 1.0}}},
                         {.sample_id = "s2",
                          .scores = {{"hit@1", 0.0}},
                          .gold_doc_ids = {"news_1.txt:1", "news_1.txt:3"}}},
             .provenance = {{"documents", 10}}});
  const RunView view = view_run(store.store(), "1", {}, store.executor());
  const std::string text = run_view_terminal(view, false);
  EXPECT_THAT(text, HasSubstr("retrieval by number of gold documents\n"
                              "metric  1 gold  2 gold\n"
                              "           n 1     n 1\n"
                              "hit@1   100.00    0.00\n"));
  EXPECT_THAT(text, HasSubstr("expected to reach hit@1 15.00\n"));
}

TEST(ViewRun, ShowsMeansByQuestionType) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s1", .scores = {{"rouge_l", 0.5}}, .question_type = "原因"},
                         {.sample_id = "s2", .scores = {{"rouge_l", 0.25}}}}});
  EXPECT_THAT(run_view_terminal(view_run(store.store(), "1", {}, store.executor()), false),
              HasSubstr("means by question type\n"
                        "question type  n  rouge_l\n"
                        "none           1    25.00\n"
                        "原因           1    50.00\n"));
}

TEST(ViewRun, ShowsHowRepeatsVary) {
  ReportStore store;
  TestRun run;
  for (const std::int64_t repeat : {0, 1, 2}) {
    for (const char* id : {"s1", "s2"}) {
      run.samples.push_back(
          {.sample_id = id, .scores = {{"rouge_l", id[1] == '1' ? 0.25 : 0.75}}, .repeat = repeat});
    }
  }
  store.add(run);
  const std::string text =
      run_view_terminal(view_run(store.store(), "1", {}, store.executor()), false);
  // All repeats alike: sd between samples √(0.5² / 2) = 35.36 %.
  EXPECT_THAT(text, HasSubstr("standard deviations over 3 repeats\n"));
  EXPECT_THAT(text,
              HasSubstr("rouge_l            35.36             0.00                   1.000\n"));
  EXPECT_THAT(text, HasSubstr("of 6, with 3 repeats\n"));
}

TEST(ViewRun, OrdersByAMetricWithALabel) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"similarity[lsa]", 0.9}}}, {"s2", {{"similarity[lsa]", 0.2}}}}});
  const RunView view =
      view_run(store.store(), "1", {.ranking_metric = "similarity[lsa]"}, store.executor());
  EXPECT_EQ(view.worst.at(0).sample_id, "s2");
}

TEST(ViewRun, RefusesAnUnknownMetric) {
  ReportStore store;
  store.add(scored_run());
  EXPECT_ERROR(view_run(store.store(), "1", {.ranking_metric = "rouge_x"}, store.executor()),
               ErrorCode::kInvalidConfig, "did you mean 'rouge_l'");
}

TEST(ViewSample, ShowsGoldHitsPredictionAndScores) {
  ReportStore store;
  store.add(scored_run());
  const SampleView view = view_sample(store.store(), "1", "s2");
  const Json json = sample_view_json(view);
  EXPECT_EQ(json["query"], "查询 s2");
  EXPECT_EQ(json["reference"], "参考 s2");
  EXPECT_EQ(json["gold_doc_ids"], Json({"news_1.txt:1"}));
  EXPECT_EQ(json["repeats"][0]["hits"][0]["gold"], true);
  EXPECT_EQ(json["repeats"][0]["hits"][1]["gold"], false);
  EXPECT_EQ(json["repeats"][0]["scores"]["rouge_l"], 0.1);
  const std::string text = sample_view_terminal(view, false);
  EXPECT_THAT(text, HasSubstr("   1  *     news_1.txt:1   0-30  1.5000\n"));
  EXPECT_THAT(text, HasSubstr("rouge_l  10.00\n"));
}

TEST(ViewSample, FindsASampleByUniquePrefix) {
  ReportStore store;
  store.add({.samples = {{"abc"}, {"abd"}, {"ab"}, {"x1"}}});
  EXPECT_EQ(view_sample(store.store(), "1", "x").item.sample_id, "x1");
  EXPECT_EQ(view_sample(store.store(), "1", "ab").item.sample_id, "ab");
  EXPECT_ERROR(view_sample(store.store(), "1", "a"), ErrorCode::kInvalidConfig,
               "3 samples of run 1 start with 'a': ab, abc, abd");
  EXPECT_ERROR(view_sample(store.store(), "1", "q"), ErrorCode::kInvalidConfig,
               "run 1 has no result for sample 'q'");
}

TEST(ViewSample, CollectsTheRepeatsOfASample) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s1", .repeat = 0}, {.sample_id = "s1", .repeat = 1}}});
  EXPECT_EQ(view_sample(store.store(), "1", "s1").repeats.size(), 2U);
}

TEST(ViewSample, ShowsThePromptAsItWasSent) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s1", .prompt = "材料：\x1B[2J一\n问题？"}, {"s2"}}});
  const SampleView kept = view_sample(store.store(), "1", "s1");
  EXPECT_EQ(sample_view_json(kept)["repeats"][0]["prompt"], "材料：\x1B[2J一\n问题？");
  EXPECT_THAT(sample_view_terminal(kept, false), HasSubstr("一\n问题？\n"));
  EXPECT_THAT(sample_view_terminal(kept, false), Not(HasSubstr("\x1B")));
  const SampleView lost = view_sample(store.store(), "1", "s2");
  EXPECT_TRUE(sample_view_json(lost)["repeats"][0]["prompt"].is_null());
  EXPECT_THAT(sample_view_terminal(lost, false), HasSubstr("prompt as sent\nnot kept\n"));
}

TEST(ViewSample, LetsNoTextSteerTheTerminal) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s1", .prediction = "\x1B]0;title\x07\u202Eevil"}}});
  const std::string text = sample_view_terminal(view_sample(store.store(), "1", "s1"), false);
  EXPECT_THAT(text, Not(HasSubstr("\x1B")));
  EXPECT_THAT(text, Not(HasSubstr("\u202E")));
  EXPECT_THAT(text, HasSubstr("evil"));
}

}  // namespace
}  // namespace crudbench
