#include "metrics/quest_eval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metrics/judge_reply.h"
#include "metrics/metric_values.h"
#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::Pair;
using testing_support::read_lines;
using testing_support::shared_file;
using testing_support::skip_message;
using Strings = std::vector<std::string>;

TEST(UpstreamQuestScores, AgreeWithUpstreamsOwnFunction) {
  const auto file = shared_file("oracles/quest_eval.jsonl");
  if (file.empty()) {
    GTEST_SKIP() << skip_message("oracles/quest_eval.jsonl");
  }
  std::size_t lines = 0;
  for (const std::string& line : read_lines(file)) {
    const Json golden = Json::parse(line);
    const auto scores = upstream_quest_scores(golden.at("gold_answers").get<Strings>(),
                                              golden.at("answers").get<Strings>());
    EXPECT_NEAR(scores.f1, golden.at("qa_avg_f1").get<double>(), 1e-12) << line;
    EXPECT_NEAR(scores.recall, golden.at("qa_recall").get<double>(), 1e-12) << line;
    ++lines;
  }
  EXPECT_GE(lines, 200U);
}

TEST(UpstreamQuestScores, LeaveOutQuestionsThatTheReferenceDoesNotAnswer) {
  const Strings gold{"无法推断", "北京", "2元"};
  const Strings answers{"随便", "北京", "无法推断"};
  const auto scores = upstream_quest_scores(gold, answers);
  EXPECT_DOUBLE_EQ(scores.f1, 1.0);
  EXPECT_DOUBLE_EQ(scores.recall, 0.5);
  EXPECT_TRUE(scores.is_counted);
}

TEST(UpstreamQuestScores, TakeOtherWordingsForAnswersAsUpstreamDoes) {
  const Strings gold{"北京"};
  const Strings answers{"无法推断。"};
  const auto scores = upstream_quest_scores(gold, answers);
  EXPECT_DOUBLE_EQ(scores.recall, 1.0);
  EXPECT_DOUBLE_EQ(scores.f1, 0.0);
}

TEST(UpstreamQuestScores, AreNotCountedWhereAnAnswerIsMissing) {
  const Strings gold{"北京", "2元"};
  const Strings answers{"北京"};
  const auto scores = upstream_quest_scores(gold, answers);
  EXPECT_FALSE(scores.is_counted);
  EXPECT_DOUBLE_EQ(scores.f1, 0.0);
  // … but only if it is needed.
  const Strings unanswerable_end{"北京", "无法推断"};
  EXPECT_TRUE(upstream_quest_scores(unanswerable_end, answers).is_counted);
}

TEST(UpstreamQuestScores, AreZeroWhereNothingIsLeft) {
  const Strings gold{"无法推断"};
  const auto scores = upstream_quest_scores(gold, gold);
  EXPECT_DOUBLE_EQ(scores.f1, 0.0);
  EXPECT_DOUBLE_EQ(scores.recall, 0.0);
  EXPECT_TRUE(scores.is_counted);
}

TEST(CleanQuestScores, CountEveryWordingOfNotKnowing) {
  const QuestionSet set{.questions = {"一？", "二？", "三？"},
                        .gold_answers = {"北京", "2元", "23时"}};
  const Strings answers{"北京。", "文中未提及", "无法推断！"};
  const auto scores = clean_quest_scores(set, answers);
  ASSERT_TRUE(scores);
  EXPECT_EQ(scores->asked, 3U);
  EXPECT_EQ(scores->answered, 1U);
  EXPECT_DOUBLE_EQ(*scores->f1, 1.0);  // The full stop is no word.
  EXPECT_DOUBLE_EQ(scores->recall, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(scores->overall, 1.0 / 3.0);
}

TEST(CleanQuestScores, LeaveOutUnanswerableAndEmptyQuestions) {
  const QuestionSet set{.questions = {"一？", "", "三？"},
                        .gold_answers = {"", "北京", "无法推断。"}};
  EXPECT_FALSE(clean_quest_scores(set, Strings{"甲", "乙", "丙"}));
}

TEST(CleanQuestScores, AreUndefinedForUnequalLists) {
  const QuestionSet set{.questions = {"一？", "二？"}, .gold_answers = {"北京"}};
  EXPECT_FALSE(clean_quest_scores(set, Strings{"北京", "上海"}));
}

TEST(IsUnanswerable, KnowsItsKin) {
  for (const char* text :
       {"无法推断", " 无法推断。", "文中未提及", "根据文章内容，无法确定", "", "。。"}) {
    EXPECT_TRUE(is_unanswerable(text)) << text;
  }
  for (const char* text : {"北京", "新闻", "无法推断的是票价", "约无法推断", "0"}) {
    EXPECT_FALSE(is_unanswerable(text)) << text;
  }
}

TEST(Examination, SurvivesJson) {
  const Examination examination{.set = {.questions = {"一？"}, .gold_answers = {"甲"}},
                                .answers = {"乙"},
                                .failure_class = "judge_timeout",
                                .parsed_at_once = true,
                                .refused = true};
  EXPECT_EQ(examination_from(to_json(examination)), examination);
  EXPECT_FALSE(examination_from(Json::object()));
  EXPECT_FALSE(examination_from(Json{{"questions", 3}}));
}

/// The values of quest_eval for an examination.
class QuestEvalTest : public ::testing::Test {
 protected:
  QuestEvalTest() {
    Catalog catalog;
    add_builtin_metrics(catalog);
    metric_ = catalog.metrics.build({{"type", "quest_eval"}}, MetricParts{.label = "j"});
  }

  MetricValue value(const Examination& examination, const std::string& name) const {
    Prediction prediction = pair_.prediction();
    prediction.examination = &examination;
    return testing_support::Scores(*metric_, prediction).at(name);
  }

  Examination examination_{.set = {.questions = {"一？", "二？"}, .gold_answers = {"北京", "2元"}},
                           .answers = {"北京", "无法推断"},
                           .failure_class = "",
                           .parsed_at_once = true};
  Pair pair_{"北京", "北京|2|元"};
  std::unique_ptr<Metric> metric_;
};

TEST_F(QuestEvalTest, NamesTheJudgeInEveryValue) {
  EXPECT_DOUBLE_EQ(value(examination_, "quest_upstream_f1[j]").value.value(), 1.0);
  EXPECT_DOUBLE_EQ(value(examination_, "quest_upstream_recall[j]").value.value(), 0.5);
  EXPECT_DOUBLE_EQ(value(examination_, "quest_clean_f1[j]").value.value(), 1.0);
  EXPECT_DOUBLE_EQ(value(examination_, "quest_clean_recall[j]").value.value(), 0.5);
  EXPECT_DOUBLE_EQ(value(examination_, "quest_clean_overall[j]").value.value(), 0.5);
  EXPECT_DOUBLE_EQ(value(examination_, "judge_parsed[j]").value.value(), 1.0);
  EXPECT_DOUBLE_EQ(value(examination_, "judge_refusal[j]").value.value(), 0.0);
}

TEST_F(QuestEvalTest, FailsWithTheJudge) {
  examination_.failure_class = "judge_timeout";
  EXPECT_EQ(value(examination_, "quest_clean_f1[j]").failure_class, "judge_timeout");
  EXPECT_EQ(value(examination_, "quest_upstream_f1[j]").failure_class, "judge_timeout");
}

TEST_F(QuestEvalTest, CountsUnreadableAnswersAsUpstreamDoes) {
  examination_.failure_class = kJudgeUnparsable;
  examination_.answers = {};
  EXPECT_EQ(value(examination_, "quest_clean_f1[j]").failure_class, kJudgeUnparsable);
  const MetricValue upstream = value(examination_, "quest_upstream_f1[j]");
  EXPECT_FALSE(upstream.value);           // Left out of upstream's means,
  EXPECT_EQ(upstream.failure_class, "");  // and no failure there.
}

TEST_F(QuestEvalTest, IsUndefinedForAnEmptyEntryOfTheBank) {
  const Examination empty;
  for (const char* name : {"quest_upstream_f1[j]", "quest_clean_recall[j]", "judge_parsed[j]"}) {
    EXPECT_FALSE(value(empty, name).value) << name;
    EXPECT_EQ(value(empty, name).failure_class, "") << name;
  }
}

TEST_F(QuestEvalTest, FailsWithoutAPrediction) {
  Prediction prediction = pair_.prediction();
  prediction.answered = false;
  EXPECT_EQ(testing_support::Scores(*metric_, prediction).failure("quest_clean_f1[j]"),
            kNoPrediction);
}

}  // namespace
}  // namespace crudbench
