#include "metrics/question_bank.h"

#include <gtest/gtest.h>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::shared_file;
using testing_support::skip_message;
using testing_support::TemporaryFolder;

TEST(QuestionBank, CountsItsFaults) {
  const TemporaryFolder folder;
  const auto file = folder.write("bank.json", R"({
    "good": {"key_info": ["甲"], "question": ["谁？", "几点？"], "answers": ["甲", "无法推断"]},
    "empty": {},
    "short": {"question": ["一？", "二？"], "answers": ["甲"]},
    "silent": {"question": ["一？"], "answers": []},
    "unknown": {"question": ["一？"], "answers": ["无法推断"]},
    "broken": {"question": "一？", "answers": ["甲"]},
    "list": []
  })");
  const QuestionBank bank(file);
  const BankHealth& health = bank.health();
  EXPECT_EQ(health.entries, 7U);
  EXPECT_EQ(health.empty, 1U);
  EXPECT_EQ(health.unequal, 2U);
  EXPECT_EQ(health.without_answer, 1U);
  EXPECT_EQ(health.unanswerable, 1U);
  EXPECT_EQ(health.malformed, 2U);
  EXPECT_EQ(health.questions, 6U);
  EXPECT_EQ(health.unanswerable_questions, 2U);
  EXPECT_EQ(health.usable(), 1U);
  EXPECT_EQ(bank.find("good")->gold_answers.front(), "甲");
  EXPECT_EQ(bank.find("broken"), nullptr);
  EXPECT_EQ(bank.find("nobody"), nullptr);
}

TEST(QuestionBank, RefusesAFileThatIsNoBank) {
  const TemporaryFolder folder;
  EXPECT_ERROR(QuestionBank(folder.write("list.json", "[1]")), ErrorCode::kInvalidData,
               "expected an object");
  EXPECT_ERROR(QuestionBank(folder.write("bad.json", "{")), ErrorCode::kInvalidData, "bad.json:1");
  EXPECT_ERROR(QuestionBank(folder.path() / "none.json"), ErrorCode::kIo, "none.json");
}

TEST(BankFile, TakesUpstreamsNamesInAFolder) {
  const TemporaryFolder folder;
  const auto file = folder.write("HalluModified_quest_gt_save.json", "{}");
  EXPECT_EQ(bank_file(folder.path(), "hallu_modified"), file);
  EXPECT_EQ(bank_file(folder.path(), "event_summary"), std::filesystem::path());
  EXPECT_EQ(bank_file(file, "event_summary"), file);
  EXPECT_ERROR(bank_file(folder.path() / "none", "hallu_modified"), ErrorCode::kIo, "none");
}

TEST(QuestionBank, FindsTheKnownFaultsOfUpstreamsBanks) {
  const auto folder = shared_file("data/crud_rag/quest_eval");
  if (folder.empty()) {
    GTEST_SKIP() << skip_message("data/crud_rag/quest_eval");
  }
  const BankHealth health = QuestionBank(bank_file(folder, "hallu_modified")).health();
  EXPECT_EQ(health.entries, 2000U);
  EXPECT_EQ(health.empty, 730U);
  EXPECT_EQ(health.unequal, 10U);
  EXPECT_EQ(health.without_answer, 7U);
  const BankHealth questions = QuestionBank(bank_file(folder, "questanswer_1doc")).health();
  EXPECT_EQ(questions.unequal, 40U);
  EXPECT_EQ(questions.without_answer, 33U);
}

}  // namespace
}  // namespace crudbench
