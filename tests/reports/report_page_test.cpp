#include "reports/report_page.h"

#include <gtest/gtest.h>

#include "harness/core/files.h"
#include "tests/reports/page_parts.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ReportPageTest : public testing::Test {
 protected:
  ReportPageTest() {
    store_.add({.samples = {{"s1", {{"rouge_l", 0.5}}}, {"s2", {{"rouge_l", 0.7}}}}});
  }

  std::string write(const PageOptions& options) {
    const Leaderboard leaderboard = build_leaderboard(store_.store(), {}, store_.executor());
    return read_file(
        write_report_page(store_.store(), leaderboard, options, folder_, store_.executor()));
  }

  ReportStore store_;
  std::filesystem::path folder_ = store_.folder().path() / "report";
};

TEST_F(ReportPageTest, KeepsFewSamplesInThePage) {
  const std::string page = write({});
  EXPECT_THAT(page, HasSubstr("data-samples=\"items-0-0\""));
  EXPECT_THAT(page, HasSubstr("data-samples=\"run-1\""));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "report_data"));
}

TEST_F(ReportPageTest, PutsManySamplesIntoFilesBesideThePage) {
  const std::string page = write({.max_inline_bytes = 0});
  EXPECT_THAT(page, Not(HasSubstr("data-samples=")));
  const std::string id = overview_of_page(page).at("report_id");
  EXPECT_THAT(read_file(folder_ / "report_data" / "run-1.js"),
              StartsWith("crudbenchSamples(\"" + id + "\",\"run-1\",[\""));
}

TEST_F(ReportPageTest, DoesWithoutPromptsThatAreDamaged) {
  store_.add({.cell = cell_with("/retriever/type", "dense"),
              .samples = {{.sample_id = "s1", .prompt = "问：一？"}}});
  store_.add({.cell = cell_with("/retriever/type", "hybrid"),
              .samples = {{.sample_id = "s1", .prompt = "问：二？"}}});
  Database(Workspace{store_.folder().path() / "workspace"}.database_file(),
           Database::Mode::kReadWrite)
      .execute("UPDATE prompt_packs SET packed = x'00' WHERE id = 1");
  ::testing::internal::CaptureStderr();
  const std::string page = write({});
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              HasSubstr("run 2: 1 prompts are damaged and left out"));
  EXPECT_THAT(page, Not(HasSubstr("data-samples=\"prompts-2\"")));
  EXPECT_THAT(page, HasSubstr("data-samples=\"run-2\""));
  EXPECT_THAT(page, HasSubstr("data-samples=\"prompts-3\""));
}

TEST_F(ReportPageTest, PutsPromptsIntoFilesBeforeSamples) {
  std::string prompt;  // Hardly to be compressed.
  for (std::uint32_t i = 0, state = 1; i < 50'000; ++i) {
    state = state * 1'664'525U + 1'013'904'223U;
    prompt += static_cast<char>('!' + (state >> 24U) % 90U);
  }
  store_.add({.cell = cell_with("/retriever/type", "dense"),
              .samples = {{.sample_id = "s1", .prompt = prompt}}});
  const std::string apart = write({.max_inline_bytes = 40'000});
  EXPECT_THAT(apart, HasSubstr("data-samples=\"run-2\""));
  EXPECT_THAT(apart, Not(HasSubstr("data-samples=\"prompts-2\"")));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "report_data" / "prompts-2.js"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "report_data" / "run-2.js"));
  // Samples and prompts fit, but not both.
  const std::size_t both = [&] {
    const SampleFiles files(store_.store(),
                            build_leaderboard(store_.store(), {}, store_.executor()), {});
    std::size_t bytes = 0;
    for (const std::string& key : files.keys()) {
      const std::optional<SampleFile> file = files.make(key);
      bytes += file ? file->payload.size() : 0;
    }
    return bytes;
  }();
  EXPECT_THAT(write({.max_inline_bytes = both - 1}), Not(HasSubstr("data-samples=\"prompts-2\"")));
  EXPECT_THAT(write({.max_inline_bytes = both}), HasSubstr("data-samples=\"prompts-2\""));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "report_data"));
}

TEST_F(ReportPageTest, RemovesTheFilesOfAnEarlierReportAndNoOthers) {
  write({.max_inline_bytes = 0});
  write_file_atomically(folder_ / "report_data" / "notes.txt", "mine");
  write({});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "report_data" / "run-1.js"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "report_data" / "notes.txt"));
}

TEST_F(ReportPageTest, HasNoSamplesWhereNoneAreWanted) {
  EXPECT_THAT(write({.samples_per_task = 0}), Not(HasSubstr("data-samples=")));
}

TEST(ReportOverview, NamesItsDataByContent) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  const auto id = [&] {
    const Leaderboard leaderboard = build_leaderboard(store.store(), {}, store.executor());
    return report_overview(store.store(), leaderboard).at("report_id").get<std::string>();
  };
  const std::string before = id();
  EXPECT_EQ(id(), before);
  store.add(
      {.cell = cell_with("/retriever/type", "dense"), .samples = {{"s1", {{"rouge_l", 0.6}}}}});
  EXPECT_NE(id(), before);
}

TEST(ReportOverview, HoldsBoundsAndHeadroomByRow) {
  ReportStore store;
  for (const auto& [retriever, score] :
       {std::pair("none", 0.2), std::pair("gold", 0.6), std::pair("bm25", 0.3)}) {
    store.add({.cell = cell_with("/retriever/type", retriever),
               .samples = {{"s1", {{"rouge_l", score}}}}});
  }
  const Leaderboard leaderboard = build_leaderboard(store.store(), {}, store.executor());
  const Json rows = report_overview(store.store(), leaderboard).at("tables").at(0).at("rows");
  EXPECT_EQ(rows.at(0).at("bound"), "closed_book");
  EXPECT_EQ(rows.at(1).at("bound"), "oracle");
  EXPECT_NEAR(rows.at(2).at("headroom").at("rouge_l").at("event_summary").get<double>(), 0.25,
              1e-12);
}

}  // namespace
}  // namespace crudbench
