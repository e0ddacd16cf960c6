#include <array>
#include <cstdio>
#include <gtest/gtest.h>

#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "reports/renderers.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::HasSubstr;
using testing::Not;

/// Texts that attack a page, each of which would leave `data-attacked` on the root if it ran.
const std::array<std::string, 8> kHostileTexts = {
    "<script>document.documentElement.dataset.attacked=1</script>",
    "</script><script>document.documentElement.dataset.attacked=2</script>",
    "<img src=x onerror=\"document.documentElement.dataset.attacked=3\">",
    "\"}],\"x\":{{data}} {{script}}",
    "line\u2028separator\u2029<!--<script>",
    "\u202Eoverride \u2066isolate",
    "&lt;b&gt; &amp; </textarea></title><svg onload=document.documentElement.dataset.attacked=4>",
    std::string(100'000, 'x'),
};

void fill_with_hostile_texts(ReportStore& store) {
  for (const std::string& text : kHostileTexts) {
    TestRun run{
        .task = "task " + text,
        .cell = cell_with("/generator/model", text),
        .samples = {{"s1", {{"rouge_l", 0.5}, {text, 0.5}}},
                    {"s2", Json::object(),
                     Failure{.stage = Stage::kGeneration, .failure_class = text, .message = text}}},
        .provenance = {{text, text}, {"git", text}, {"__proto__", text}}};
    run.cell[text] = text;
    store.add(run);
    run.mode = text;
    store.add(run);
  }
}

std::string page_of(ReportStore& store) {
  return leaderboard_html(build_leaderboard(store.store(), {}, store.executor()));
}

/// What stands between two marks of the page.
std::string between(const std::string& page, const std::string& open, const std::string& close) {
  const std::size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find(close, begin) - begin);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

/// The page's elements after its script has run; empty without a browser.
std::string dump_page(const TemporaryFolder& folder, const std::string& page) {
  const std::string browser = CRUDBENCH_CHROMIUM;
  if (browser.empty()) {
    return "";
  }
  const auto file = folder.write("page.html", page);
  const std::string command =
      "'" + browser +
      "' --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
      " --disable-component-update --disable-sync --user-data-dir='" +
      (folder.path() / "profile").string() + "' --dump-dom 'file://" + file.string() + "' 2>'" +
      (folder.path() / "log").string() + "'";
  std::string output;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 65536> buffer{};
  while (const std::size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), size);
  }
  ::pclose(pipe);
  return output;
}

TEST(LeaderboardHtml, HoldsTheWholeLeaderboardAsJson) {
  ReportStore store;
  fill_with_hostile_texts(store);
  const Leaderboard leaderboard = build_leaderboard(store.store(), {}, store.executor());
  const std::string data =
      between(leaderboard_html(leaderboard),
              "<script type=\"application/json\" id=\"leaderboard\">", "</script>");
  EXPECT_EQ(Json::parse(data), leaderboard_json(leaderboard));
}

TEST(LeaderboardHtml, HasNoMarkupFromTheStore) {
  ReportStore store;
  fill_with_hostile_texts(store);
  const std::string page = page_of(store);
  EXPECT_EQ(count(page, "<script"), 2U);
  EXPECT_EQ(count(page, "</script"), 2U);
  EXPECT_EQ(count(page, "<img"), 0U);
  EXPECT_EQ(count(page, "<svg"), 0U);
}

TEST(LeaderboardHtml, ForbidsEverythingButItsOwnStyleAndScript) {
  ReportStore store;
  const std::string page = page_of(store);
  const std::string policy = between(page, "Content-Security-Policy\" content=\"", "\"");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(page, Not(HasSubstr("http://")));
  EXPECT_THAT(page, Not(HasSubstr("https://")));
}

TEST(LeaderboardHtml, ShowsItsTablesAndRunsNothingFromTheStoreInABrowser) {
  ReportStore store;
  fill_with_hostile_texts(store);
  const std::string dom = dump_page(store.folder(), page_of(store));
  if (dom.empty()) {
    GTEST_SKIP() << "no Chromium found: install the package chromium";
  }
  const std::string root = between(dom, "<html", ">");
  EXPECT_THAT(root, HasSubstr("data-built=\"true\""));
  EXPECT_THAT(root, Not(HasSubstr("data-attacked")));
  // One table for the shared mode, one for each hostile mode; a row a hostile text in the first.
  EXPECT_EQ(count(dom, "<section class=\"board\""), 1 + kHostileTexts.size());
  EXPECT_EQ(count(dom, "<tr class=\"row\""), 2 * kHostileTexts.size());
}

TEST(LeaderboardHtml, SaysSoInABrowserWhenThereAreNoRuns) {
  ReportStore store;
  const std::string dom = dump_page(store.folder(), page_of(store));
  if (dom.empty()) {
    GTEST_SKIP() << "no Chromium found: install the package chromium";
  }
  EXPECT_THAT(dom, HasSubstr("No runs yet."));
}

TEST(LeaderboardHtml, MarksTheBestGroupAndShowsDetailsInABrowser) {
  ReportStore store;
  for (const auto& [retriever, level] :
       {std::pair("bm25", 0.5), std::pair("dense", 0.5), std::pair("none", 0.25)}) {
    TestRun run{.cell = cell_with("/retriever/type", retriever), .provenance = {{"documents", 40}}};
    for (int i = 0; i < 20; ++i) {
      for (const std::int64_t repeat : {0, 1}) {
        TestSample sample{
            .sample_id = "s" + std::to_string(i),
            .scores = {{"similarity[<b>lsa]", level + 0.01 * (i % 3)}, {"hit@8", 1.0}},
            .repeat = repeat};
        sample.gold_doc_ids.resize(1 + static_cast<std::size_t>(i) % 2, "gold");
        run.samples.push_back(sample);
      }
    }
    store.add(run);
  }
  std::string page = page_of(store);
  const std::string policy = between(page, "Content-Security-Policy\" content=\"", "\"");
  page.replace(page.find(policy), policy.size(), "default-src 'unsafe-inline'");
  page.insert(page.find("</body>"),
              "<script>document.querySelector('[data-row=\"0\"]').click()</script>");
  const std::string dom = dump_page(store.folder(), page);
  if (dom.empty()) {
    GTEST_SKIP() << "no Chromium found: install the package chromium";
  }
  EXPECT_EQ(count(dom, "class=\"number first-number best\""), 2U);
  EXPECT_THAT(dom, HasSubstr("similarity<wbr>[&lt;b&gt;lsa]"));
  EXPECT_THAT(dom, HasSubstr("a random ranking of its 40 documents"));
  EXPECT_EQ(count(dom, "2 repeats"), 3U);
  EXPECT_THAT(dom, HasSubstr("Retrieval by number of gold documents"));
  EXPECT_THAT(dom, HasSubstr("Standard deviations with repeats"));
}

TEST(LeaderboardHtml, SortsByAColumnInABrowser) {
  ReportStore store;
  for (const auto& [retriever, value] :
       {std::pair("bm25", 0.2), std::pair("dense", 0.9), std::pair("hybrid", 0.5)}) {
    store.add({.cell = cell_with("/retriever/type", retriever),
               .samples = {{"s1", {{"rouge_l", value}}}}});
  }
  // The policy lets no second script in, so the test's click replaces the policy.
  std::string page = page_of(store);
  const std::string policy = between(page, "Content-Security-Policy\" content=\"", "\"");
  page.replace(page.find(policy), policy.size(), "default-src 'unsafe-inline'");
  page.insert(page.find("</body>"),
              "<script>document.querySelector('[data-key=\"metric rouge_l\"]').click()</script>");
  const std::string dom = dump_page(store.folder(), page);
  if (dom.empty()) {
    GTEST_SKIP() << "no Chromium found: install the package chromium";
  }
  EXPECT_THAT(dom, HasSubstr("aria-sort=\"descending\""));
  const std::string body = between(dom, "<tbody>", "</tbody>");
  EXPECT_LT(body.find("dense"), body.find("hybrid"));
  EXPECT_LT(body.find("hybrid"), body.find("bm25"));
}

}  // namespace
}  // namespace crudbench
