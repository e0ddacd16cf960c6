#include "harness/tasks/prompt_template.h"

#include "harness/tasks/builtin_tasks.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

TEST(PromptTemplate, FillsPlaceholdersInOnePass) {
  const PromptTemplate prompt("问：{question}\n文：{search_documents}", "f");
  EXPECT_EQ(
      prompt.fill({{"question", "{search_documents}？"}, {"search_documents", "甲{question}"}}),
      "问：{search_documents}？\n文：甲{question}");
}

TEST(PromptTemplate, ReadsBracesAsPythonDoes) {
  const PromptTemplate prompt("{{\"a\": 1}} {search_documents} { }", "f");
  EXPECT_EQ(prompt.fill({{"search_documents", "x"}}), "{\"a\": 1} x { }");
}

TEST(PromptTemplate, NamesAnUnknownPlaceholder) {
  EXPECT_ERROR(PromptTemplate("一\n{serch_documents}", "p.txt"), ErrorCode::kInvalidConfig,
               "p.txt:2: unknown placeholder {serch_documents}; did you mean 'search_documents'?");
}

TEST(PromptTemplate, RefusesATemplateThatHidesTheDocuments) {
  EXPECT_ERROR(PromptTemplate("{question}", "p.txt"), ErrorCode::kInvalidConfig,
               "p.txt: the prompt has no {search_documents}");
}

TEST(PromptTemplate, RefusesAPlaceholderOfAnotherTask) {
  const PromptTemplate prompt("{event}{search_documents}", "p.txt");
  EXPECT_ERROR(prompt.fill({{"search_documents", ""}}), ErrorCode::kInvalidConfig, "{event}");
}

TEST(LoadPromptTemplate, HasADefaultForEveryTask) {
  for (const std::string_view task : task_names()) {
    const PromptTemplate prompt = load_prompt_template("default", task);
    const std::string filled = prompt.fill({{"search_documents", "文档"},
                                            {"event", "事件"},
                                            {"beginning_text", "开头"},
                                            {"begin", "开头"},
                                            {"hallu_continue", "续写"},
                                            {"question", "问题"}});
    EXPECT_THAT(filled, ::testing::HasSubstr("文档"));
    EXPECT_THAT(filled, ::testing::HasSubstr("<response>"));
  }
}

TEST(LoadPromptTemplate, TakesUpstreamsFileNames) {
  const TemporaryFolder folder;
  folder.write("quest_answer.txt", "上游 {question} {search_documents}");
  EXPECT_EQ(load_prompt_template(folder.path().string(), "questanswer_2docs")
                .fill({{"question", "问"}, {"search_documents", "文"}}),
            "上游 问 文");
}

TEST(LoadPromptTemplate, SaysWhatItLookedFor) {
  const TemporaryFolder folder;
  EXPECT_ERROR(load_prompt_template(folder.path().string(), "event_summary"),
               ErrorCode::kInvalidConfig, "event_summary.txt or summary.txt");
}

}  // namespace
}  // namespace crudbench
