#include "reports/upstream_output.h"

#include <gmock/gmock.h>

#include "harness/core/files.h"
#include "metrics/quest_eval.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using ::testing::ElementsAre;

Json output_of(ReportStore& store, std::int64_t repeat = 0) {
  return upstream_output(store.store(), store.store().runs().at(0), repeat);
}

TEST(UpstreamOutput, HasUpstreamsNamesAndItsZeroForWhatWasNotMeasured) {
  ReportStore store;
  store.add({.task = "questanswer_2docs",
             .samples = {{"q1",
                          {{"bleu_upstream", 0.5},
                           {"bleu_p1", 0.75},
                           {"rouge_l", 0.25},
                           {"similarity[lsa]", 0.875},
                           {"length_chars", 2}}}}});
  const Json output = output_of(store);
  EXPECT_EQ(output["info"]["task"], "QuestAnswer2Docs");
  const Json& result = output["results"][0];
  EXPECT_EQ(result["id"], "q1");
  EXPECT_EQ(result["metrics"], Json({{"bleu-avg", 0.5},
                                     {"bleu-1", 0.75},
                                     {"bleu-2", 0.0},
                                     {"bleu-3", 0.0},
                                     {"bleu-4", 0.0},
                                     {"rouge-L", 0.25},
                                     {"bertScore", 0.875},
                                     {"QA_avg_F1", 0.0},
                                     {"QA_recall", 0.0},
                                     {"length", 2}}));
  EXPECT_EQ(result["valid"], true);
  EXPECT_EQ(result["log"]["generated_text"], "预测");
  EXPECT_EQ(result["log"]["ground_truth_text"], "参考 q1");
  EXPECT_EQ(result["log"]["quest_eval_save"], Json::object());
  EXPECT_EQ(output["overall"], Json({{"avg. bleu-avg", 0.5},
                                     {"avg. bleu-1", 0.75},
                                     {"avg. rouge-L", 0.25},
                                     {"avg. bertScore", 0.875},
                                     {"avg. length", 2.0},
                                     {"num", 1}}));
  EXPECT_EQ(output["info"]["crudbench"]["measured"]["bertScore"], "similarity[lsa]");
}

TEST(UpstreamOutput, NamesBertScoreOfSummariesAsUpstreamDoes) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"similarity[lsa]", 0.5}}}}});
  const Json output = output_of(store);
  EXPECT_EQ(output["info"]["task"], "Summary");
  EXPECT_EQ(output["overall"]["bertScore"], 0.5);
  EXPECT_FALSE(output["overall"].contains("avg. bertScore"));
}

TEST(UpstreamOutput, KeepsFailedSamplesAsNotValidAndOutOfTheMeans) {
  ReportStore store;
  store.add({.samples = {{"s2", {{"rouge_l", 0.5}}}, {"s1", Json::object(), timeout()}}});
  const Json output = output_of(store);
  EXPECT_EQ(output["results"][0]["id"], "s1") << "results are sorted by id";
  EXPECT_EQ(output["results"][0]["valid"], false);
  EXPECT_EQ(output["results"][0]["log"]["generated_text"], "");
  EXPECT_EQ(output["overall"]["avg. rouge-L"], 0.5);
  EXPECT_EQ(output["overall"]["num"], 1);
  EXPECT_EQ(output["info"]["crudbench"]["failed"], 1);
}

TEST(UpstreamOutput, HasNoOverallWhereNoSampleIsValid) {
  ReportStore store;
  store.add({.samples = {{"s1", Json::object(), timeout()}}});
  EXPECT_EQ(output_of(store)["overall"], Json::object());
}

TEST(UpstreamOutput, DoesNotAverageAMetricThatSomeOkSampleLacks) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}, {"bleu_upstream", 0.5}}},
                         {"s2", {{"rouge_l", 1.0}}}}});
  const Json output = output_of(store);
  EXPECT_EQ(output["overall"]["avg. rouge-L"], 0.75);
  EXPECT_FALSE(output["overall"].contains("avg. bleu-avg"));
}

TEST(UpstreamOutput, CountsQuestionsAsUpstreamDoes) {
  // The second sample was left out of the judge's means: no value, and empty lists.
  ReportStore store;
  store.add(
      {.samples = {
           {"s1", {{"quest_upstream_f1[j]", 0.5}, {"quest_upstream_recall[j]", 1.0}}},
           {"s2", {{"quest_upstream_f1[j]", nullptr}, {"quest_upstream_recall[j]", nullptr}}}}});
  const RunRecord run = store.store().runs().at(0);
  std::vector<SampleRecord> samples;
  store.store().visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
    sample.examinations["j"] = to_json(Examination{
        .set = {.questions = {"何时?"}, .gold_answers = {"周一"}}, .answers = {"周一"}});
    samples.push_back(std::move(sample));
  });
  store.store().put_scores(run.run_id, samples);
  const Json output = output_of(store);
  EXPECT_EQ(output["overall"]["QA_avg_F1"], 0.5);
  EXPECT_EQ(output["overall"]["QA_recall"], 1.0);
  const auto saved = [&](std::size_t i) { return output["results"][i]["log"]["quest_eval_save"]; };
  EXPECT_EQ(saved(0)["questions_gt"], Json::array({"何时?"}));
  EXPECT_EQ(saved(0)["answers_gm4gt"], Json::array({"周一"}));
  EXPECT_EQ(saved(1)["questions_gt"], Json::array());
}

TEST(UpstreamOutput, IsOneFileForEachRunAndRepeat) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}},
                         {.sample_id = "s1", .scores = {{"rouge_l", 1.0}}, .repeat = 1}}});
  const TemporaryFolder folder;
  const auto paths = write_upstream_output(store.store(), std::nullopt, folder.path());
  std::vector<std::string> names;
  for (const auto& path : paths) {
    names.push_back(path.filename().string());
  }
  EXPECT_THAT(names,
              ElementsAre("run-1-f1-event_summary.json", "run-1-f1-event_summary-repeat-2.json"));
  EXPECT_EQ(Json::parse(read_file(paths[1]))["overall"]["avg. rouge-L"], 1.0);
}

TEST(UpstreamOutput, RefusesATaskThatUpstreamLacks) {
  ReportStore store;
  store.add({.task = "weather", .samples = {{"s1", {{"rouge_l", 0.5}}}}});
  EXPECT_ERROR(output_of(store), ErrorCode::kInvalidConfig, "upstream has no task 'weather'");
}

}  // namespace
}  // namespace crudbench
