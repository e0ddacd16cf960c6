#include <gtest/gtest.h>

#include "harness/tasks/builtin_tasks.h"
#include "harness/tasks/task.h"

namespace crudbench {
namespace {

TEST(ExtractResponse, TakesWhatStandsBetweenTheLastTags) {
  EXPECT_EQ(extract_response("<response>示例</response> 好的：<response>\n 答案 \n</response>尾"),
            "答案");
}

TEST(ExtractResponse, TakesTheWholeReplyWithoutTags) {
  EXPECT_EQ(extract_response("  答案\n"), "答案");
}

TEST(ExtractResponse, TakesTheRestWhereATagIsMissing) {
  EXPECT_EQ(extract_response("想一想<response>答案"), "答案");
  EXPECT_EQ(extract_response("答案</response>尾"), "答案");
}

// Python: 'x</response>y<response>z'.split('<response>')[-1].split('</response>')[0] == 'z'.
TEST(ExtractResponse, CutsAtTheCloseAfterTheLastOpen) {
  EXPECT_EQ(extract_response("x</response>y<response>z"), "z");
}

TEST(ExtractResponse, StripsAsPythonDoes) {
  EXPECT_EQ(extract_response("\u3000答案\u00a0"), "答案");
}

TEST(ExtractResponse, IsEmptyForAnEmptyAnswer) {
  EXPECT_EQ(extract_response("<response> </response>"), "");
}

TEST(CrudTasks, KnowTheirFields) {
  Catalog catalog;
  add_builtin_tasks(catalog);
  const Sample sample{.sample_id = "1",
                      .task = "hallu_modified",
                      .fields = {{"newsBeginning", "开头"},
                                 {"hallucinatedContinuation", "续写"},
                                 {"hallucinatedMod", "改正"}}};
  const auto task = catalog.tasks.build({{"type", "hallu_modified"}});
  EXPECT_EQ(task->query(sample), "开头");
  EXPECT_EQ(task->reference(sample), "改正");
  EXPECT_EQ(task->prompt_fields(sample), (Fields{{"begin", "开头"}, {"hallu_continue", "续写"}}));
}

TEST(CrudTasks, AreRegisteredUnderUpstreamsNames) {
  Catalog catalog;
  add_builtin_tasks(catalog);
  ASSERT_EQ(catalog.tasks.entries().size(), task_names().size());
  for (const std::string_view name : task_names()) {
    EXPECT_TRUE(catalog.tasks.entries().contains(std::string(name))) << name;
  }
}

}  // namespace
}  // namespace crudbench
