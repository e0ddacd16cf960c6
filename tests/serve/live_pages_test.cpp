#include "harness/serve/live_pages.h"

#include <gmock/gmock.h>

#include "reports/leaderboard.h"
#include "reports/report_page.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using ::testing::HasSubstr;
using ::testing::Not;

Workspace workspace_of(const ReportStore& store) {
  return {store.folder().path() / "workspace"};
}

TEST(LivePages, AreThereBeforeTheWorkspaceIs) {
  const TemporaryFolder folder;
  SerialExecutor executor;
  LivePages pages({folder.path() / "later"}, std::nullopt, executor);
  EXPECT_THAT(pages.page("")->content, HasSubstr("<script src=\"live.js\" defer>"));
  EXPECT_EQ(pages.state(), "{\"runs\":[]}");
  EXPECT_FALSE(pages.page("report.html"));
}

TEST(LivePages, LetTheirPolicyForbidAllButTheirOwnFiles) {
  const TemporaryFolder folder;
  SerialExecutor executor;
  LivePages pages({folder.path()}, std::nullopt, executor);
  const ServedPage page = *pages.page("");
  EXPECT_THAT(page.content_security_policy, HasSubstr("default-src 'none'; script-src 'self'"));
  EXPECT_THAT(page.content_security_policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(page.content, Not(HasSubstr("<script>"))) << "no inline script";
  for (const char* name : {"live.css", "live.js"}) {
    EXPECT_FALSE(pages.page(name)->content.empty());
  }
}

TEST(LivePages, ShowTheReportOfWhatIsStoredNow) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  LivePages pages(workspace_of(store), std::nullopt, store.executor());
  EXPECT_THAT(pages.page("leaderboard.csv")->content, HasSubstr(",rouge_l,,,0.5,"));
  EXPECT_THAT(pages.page("report.html")->content, HasSubstr("<html"));
  store.add(
      {.cell = cell_with("/retriever/type", "dense"), .samples = {{"s1", {{"rouge_l", 0.25}}}}});
  EXPECT_THAT(pages.page("leaderboard.csv")->content, HasSubstr(",rouge_l,,,0.25,"));
  EXPECT_THAT(pages.state(), HasSubstr("\"task\":\"event_summary\""));
}

TEST(LivePages, HandOverTheSamplesOfTheReport) {
  ReportStore store;
  store.add({.samples = {{.sample_id = "s1", .scores = {{"rouge_l", 0.5}}, .prompt = "a prompt"}}});
  LivePages pages(workspace_of(store), std::nullopt, store.executor());
  EXPECT_FALSE(pages.page("report_data/run-1.js")) << "there is no report yet";
  ASSERT_TRUE(pages.page("report.html"));
  const std::string id =
      report_overview(store.store(), build_leaderboard(store.store(), {}, store.executor()))
          .at("report_id");
  for (const std::string key : {"items-0-0", "run-1", "prompts-1"}) {
    const std::optional<ServedPage> samples = pages.page("report_data/" + key + ".js");
    ASSERT_TRUE(samples) << key;
    EXPECT_THAT(samples->content_type, HasSubstr("javascript"));
    EXPECT_THAT(samples->content,
                ::testing::StartsWith("crudbenchSamples(\"" + id + "\",\"" + key + "\",[\""));
  }
  for (const char* path :
       {"report_data/run-2.js", "report_data/prompts-2.js", "report_data/run-1", "report_data/",
        "report_data/../crudbench.db", "report_data/run-1.js.js"}) {
    EXPECT_FALSE(pages.page(path)) << path;
  }
}

TEST(LivePages, HaveNoOthers) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  LivePages pages(workspace_of(store), std::nullopt, store.executor());
  for (const char* path :
       {"crudbench.db", "../workspace/crudbench.db", "/etc/passwd", "report", "report.html/"}) {
    EXPECT_FALSE(pages.page(path)) << path;
  }
}

TEST(LivePages, LeaveAStrangeExperimentOut) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  LivePages pages(workspace_of(store), "not yet", store.executor());
  EXPECT_FALSE(pages.page("report.html"));
}

}  // namespace
}  // namespace crudbench
