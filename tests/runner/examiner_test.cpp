#include "harness/runner/examiner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

#include "harness/core/json.h"
#include "harness/generators/caching_generator.h"
#include "metrics/judge_reply.h"
#include "tests/fakes/answering_generator.h"
#include "tests/fakes/generation.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing_support::AnsweringGenerator;
using testing_support::MemoryCompletionCache;
using testing_support::TemporaryFolder;

class MemoryQuestions final : public QuestionCache {
 public:
  std::optional<QuestionSet> find(std::string_view reference) override {
    const auto found = sets.find(reference);
    return found == sets.end() ? std::nullopt : std::optional(found->second);
  }
  void insert(std::string_view reference, const QuestionSet& questions) override {
    sets.emplace(reference, questions);
  }

  std::map<std::string, QuestionSet, std::less<>> sets;
};

class ExaminerTest : public ::testing::Test {
 protected:
  /// The examinations of `tasks` by a judge who says what `answer` does.
  std::vector<Examination> examine(const std::vector<ExamTask>& tasks,
                                   const AnsweringGenerator::Answer& answer) {
    AnsweringGenerator judge([&](const Prompt& prompt) {
      prompts_.push_back(prompt.text);
      return answer(prompt);
    });
    std::vector<Examination> examinations(tasks.size());
    std::vector<int> done(tasks.size(), 0);
    Examiner examiner("default", questions_);
    examiner.examine(tasks, judge,
                     [&](std::size_t task, Examination examination) {
                       ++done[task];
                       examinations[task] = std::move(examination);
                     },
                     {});
    EXPECT_THAT(done, ::testing::Each(1));
    return examinations;
  }

  static ExamTask task(std::string_view reference, std::string_view prediction,
                       const QuestionSet* questions = nullptr) {
    return {.sample_id = "s",
            .task = "event_summary",
            .reference = reference,
            .prediction = prediction,
            .questions = questions};
  }

  const QuestionSet bank_{.questions = {"票价多少？", "几点发车？"},
                          .gold_answers = {"2元", "23时"}};
  MemoryQuestions questions_;
  std::vector<std::string> prompts_;
};

TEST_F(ExaminerTest, AsksThePredictionTheQuestionsOfTheBank) {
  const auto results = examine({task("参考", "票价2元。", &bank_)}, [](const Prompt&) {
    return Reply{.text = R"(["2元", "无法推断"])"};
  });
  ASSERT_EQ(prompts_.size(), 1U);
  EXPECT_THAT(prompts_[0], HasSubstr("票价2元。"));
  EXPECT_THAT(prompts_[0], HasSubstr(R"(["票价多少？","几点发车？"])"));
  EXPECT_THAT(results[0].answers, ElementsAre("2元", "无法推断"));
  EXPECT_EQ(results[0].set, bank_);
  EXPECT_TRUE(results[0].parsed_at_once);
  EXPECT_TRUE(questions_.sets.empty()) << "a bank that was given is never written to";
}

TEST_F(ExaminerTest, MakesQuestionsOncePerReference) {
  const auto judge = [](const Prompt& prompt) {
    if (prompt.text.find("设计一个问题") != std::string::npos) {
      return Reply{.text = R"({"key_info": ["2元"], "question": ["票价多少？"]})"};
    }
    return Reply{.text = R"(["2元"])"};
  };
  const auto first = examine({task("票价2元。", "预测一")}, judge);
  EXPECT_EQ(prompts_.size(), 3U);  // Questions, gold answers, answers.
  EXPECT_THAT(first[0].set.gold_answers, ElementsAre("2元"));
  examine({task("票价2元。", "预测二")}, judge);
  EXPECT_EQ(prompts_.size(), 4U);
}

TEST_F(ExaminerTest, AsksOnceMoreWhereAReplyCannotBeRead) {
  int calls = 0;
  const auto results = examine({task("参考", "预测", &bank_)}, [&](const Prompt&) {
    return Reply{.text = ++calls == 1 ? "说不好。说不好。说不好。" : R"(["2元", "23时"])"};
  });
  ASSERT_EQ(prompts_.size(), 2U);
  EXPECT_NE(prompts_[0], prompts_[1]) << "or a cache would give the same reply";
  EXPECT_EQ(results[0].failure_class, "");
  EXPECT_FALSE(results[0].parsed_at_once);
  EXPECT_THAT(results[0].answers, ElementsAre("2元", "23时"));
}

TEST_F(ExaminerTest, GivesUpAfterTheSecondTry) {
  const auto results = examine({task("参考", "预测", &bank_)}, [](const Prompt&) {
    return Reply{.text = "第一问\n<response>\n2元\n</response>"};
  });
  EXPECT_EQ(prompts_.size(), 2U);
  EXPECT_EQ(results[0].failure_class, kJudgeUnparsable);
  EXPECT_THAT(results[0].answers, ElementsAre("2元")) << "what upstream would count";
}

TEST_F(ExaminerTest, TellsRefusalsApart) {
  const auto results = examine({task("参考", "预测", &bank_)}, [](const Prompt&) {
    return Reply{.text = "抱歉，作为AI我不能完成这项任务。"};
  });
  EXPECT_EQ(results[0].failure_class, kJudgeRefusal);
  EXPECT_TRUE(results[0].refused);
}

TEST_F(ExaminerTest, NamesTheJudgesFailure) {
  const auto results = examine({task("参考", "预测", &bank_)}, [](const Prompt&) {
    return Reply{.failure = Failure{Stage::kGeneration, "timeout", "too slow"}};
  });
  EXPECT_EQ(prompts_.size(), 1U);
  EXPECT_EQ(results[0].failure_class, "judge_timeout");
}

TEST_F(ExaminerTest, FailsWhereNoQuestionsCanBeMade) {
  const auto results =
      examine({task("参考", "预测")}, [](const Prompt&) { return Reply{.text = "没有问题"}; });
  EXPECT_EQ(prompts_.size(), 2U);
  EXPECT_EQ(results[0].failure_class, kQuestionsUnparsable);
  EXPECT_TRUE(questions_.sets.empty());
}

TEST_F(ExaminerTest, AsksNothingWithoutQuestions) {
  const QuestionSet none;
  const auto results = examine({task("参考", "预测", &none), task("参考", "预测", &bank_)},
                               [](const Prompt&) { return Reply{.text = R"(["甲", "乙"])"}; });
  EXPECT_EQ(prompts_.size(), 1U);
  EXPECT_EQ(results[0], Examination());
  EXPECT_THAT(results[1].answers, ElementsAre("甲", "乙"));
}

TEST_F(ExaminerTest, KeepsBracesOfTextsOutOfThePrompt) {
  examine({task("参考", "{questions}{context}", &bank_)},
          [](const Prompt&) { return Reply{.text = R"(["甲", "乙"])"}; });
  EXPECT_THAT(prompts_[0], HasSubstr("{questions}{context}"));
}

TEST_F(ExaminerTest, GetsThroughBehindACacheThatAnswersAtOnce) {
  MemoryCompletionCache cache;
  int calls = 0;
  for (int round = 0; round < 2; ++round) {
    const auto judge =
        make_caching_generator(std::make_unique<AnsweringGenerator>([&](const Prompt&) {
                                 ++calls;
                                 return Reply{.text = R"(["甲", "乙"])"};
                               }),
                               "judge", cache);
    std::vector<ExamTask> tasks(300, task("参考", "同一个预测", &bank_));
    std::size_t done = 0;
    Examiner examiner("default", questions_);
    examiner.examine(tasks, *judge, [&](std::size_t, const Examination&) { ++done; }, {});
    EXPECT_EQ(done, tasks.size());
  }
  EXPECT_EQ(calls, 1);
}

TEST_F(ExaminerTest, RefusesPromptsWithoutTheTextToJudge) {
  const TemporaryFolder folder;
  folder.write("quest_eval_gen.txt", "{news}");
  folder.write("quest_eval_answer.txt", "{questions}");
  EXPECT_ERROR(Examiner(folder.path().string(), questions_), ErrorCode::kInvalidConfig,
               "has no {context}");
}

}  // namespace
}  // namespace crudbench
