#include "reports/judge_health.h"

#include <gtest/gtest.h>

#include "reports/run_summary.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

Json examination(std::size_t questions, const Json& gold_answers, std::size_t answers,
                 const std::string& failure = "") {
  return {{"questions", std::vector<std::string>(questions, "问？")},
          {"gold_answers", gold_answers},
          {"answers", std::vector<std::string>(answers, "答")},
          {"failure", failure},
          {"parsed_at_once", true},
          {"refused", false}};
}

TestSample judged(const std::string& id, const Json& examined, std::int64_t repeat = 0) {
  return {.sample_id = id,
          .scores = {{"judge_parsed[j#1]", 1.0}},
          .repeat = repeat,
          .examinations = {{"j#1", examined}}};
}

TEST(JudgeHealth, CountsQuestionsByItemAndWhatIsMissing) {
  ReportStore store;
  const std::int64_t run_id =
      store.add({.samples = {judged("s1", examination(3, {"甲", "无法推断", "乙"}, 2)),
                             judged("s1", examination(3, {"甲", "无法推断", "乙"}, 3), 1),
                             judged("s2", examination(0, Json::array(), 0)),
                             judged("s3", examination(2, {"甲"}, 0, "judge_timeout")),
                             judged("s4", "no examination at all")}});
  store.store().put_bank(run_id, "j#1", {{"file", "bank.json"}, {"entries", 4}});
  const auto judges = read_judge_health(store.store(), run_id);
  ASSERT_EQ(judges.size(), 1U);
  const JudgeHealth& health = judges.at("j#1");
  EXPECT_EQ(health.items, 4U) << "two repeats are one item";
  EXPECT_EQ(health.by_question_count, (std::map<std::size_t, std::size_t>{{0, 2}, {2, 1}, {3, 1}}));
  EXPECT_EQ(health.without_questions(), 2U);
  EXPECT_EQ(health.questions, 5U);
  EXPECT_EQ(health.gold_answers_missing, 1U);
  EXPECT_EQ(health.unanswerable, 1U);
  EXPECT_EQ(health.answers_missing, 1U) << "a judge that timed out has not left anything out";
  EXPECT_EQ(health.bank.at("entries"), 4);
  const Json json = judge_health_json(judges).at("j#1");
  EXPECT_EQ(json.at("by_question_count"), (Json{{"0", 2}, {"2", 1}, {"3", 1}}));
  EXPECT_EQ(json.at("bank").at("file"), "bank.json");
}

TEST(JudgeHealth, IsReadOfJudgedRunsAlone) {
  ReportStore store;
  const auto summary = [&](const TestRun& run) {
    store.add(run);
    return summarize_run(store.store(), store.store().runs().back(), {.intervals = false},
                         store.executor());
  };
  EXPECT_TRUE(summary({.samples = {{"s1", {{"rouge_l", 0.5}}}}}).judges.empty());
  const RunSummary judged_run = summary({.samples = {judged("s1", examination(1, {"甲"}, 1))}});
  EXPECT_EQ(judged_run.judges.at("j#1").questions, 1U);
  EXPECT_EQ(summary_json(judged_run).at("judges").at("j#1").at("items"), 1);
}

}  // namespace
}  // namespace crudbench
