#include <array>
#include <gtest/gtest.h>

#include "reports/renderers.h"
#include "reports/report_page.h"
#include "tests/reports/page_parts.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::HasSubstr;
using testing::Not;

const std::array<std::string, 5> kHostileTexts = {
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(2)>",
    "\"}],\"x\":{{overview}} {{script}}", "line\u2028separator<!--<script>", "__proto__"};

void fill_with_hostile_texts(ReportStore& store) {
  for (const std::string& text : kHostileTexts) {
    TestRun run{.task = "task " + text,
                .cell = cell_with("/generator/model", text),
                .samples = {{"s1" + text, {{"rouge_l", 0.5}, {text, 0.5}}}},
                .provenance = {{text, text}}};
    run.samples.front().prediction = text;
    store.add(run);
  }
}

std::string page_of(ReportStore& store) {
  const Leaderboard leaderboard = build_leaderboard(store.store(), {}, store.executor());
  return page_html({.overview = report_overview(store.store(), leaderboard)});
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST(PageHtml, HoldsTheWholeLeaderboard) {
  ReportStore store;
  fill_with_hostile_texts(store);
  const Leaderboard leaderboard = build_leaderboard(store.store(), {}, store.executor());
  EXPECT_EQ(overview_of_page(page_of(store)).at("leaderboard"), leaderboard_json(leaderboard));
}

TEST(PageHtml, HasNoMarkupFromTheStore) {
  ReportStore empty;
  ReportStore store;
  fill_with_hostile_texts(store);
  EXPECT_EQ(count(page_of(store), "<"), count(page_of(empty), "<"));
}

TEST(PageHtml, ForbidsEverythingButItsOwnStyleAndScripts) {
  ReportStore store;
  const std::string page = page_of(store);
  const std::string policy = between(page, "Content-Security-Policy\" content=\"", "\"");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("self")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
}

TEST(PageHtml, LetsDataFilesInWhereThereAreAny) {
  const std::string page =
      page_html({.overview = Json::object(), .data_folder = std::string("report_data")});
  EXPECT_THAT(between(page, "Content-Security-Policy\" content=\"", "\""),
              HasSubstr("'self' file:"));
  EXPECT_EQ(overview_of_page(page).at("data_folder"), "report_data");
}

TEST(PageHtml, HoldsSamplesAsTheyAreGiven) {
  const std::string page = page_html(
      {.overview = Json::object(), .inline_samples = {{.key = "run-7", .payload = "[\"AA==\"]"}}});
  EXPECT_EQ(between(page, "data-samples=\"run-7\">", "</script>"), "[\"AA==\"]");
}

TEST(PageHtml, IsTheSameTwice) {
  ReportStore store;
  fill_with_hostile_texts(store);
  EXPECT_EQ(page_of(store), page_of(store));
}

}  // namespace
}  // namespace crudbench
