#include "reports/report.h"

#include <gtest/gtest.h>

#include "harness/core/files.h"
#include "reports/renderers.h"
#include "tests/reports/page_parts.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

TEST(WriteReport, WritesEveryFormAndReturnsThePage) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  const std::filesystem::path folder = store.folder().path() / "new" / "report";
  EXPECT_EQ(write_report(store.store(), {}, folder, store.executor()), folder / "report.html");
  const Leaderboard leaderboard = build_leaderboard(store.store(), {}, store.executor());
  EXPECT_EQ(overview_of_page(read_file(folder / "report.html")).at("leaderboard"),
            leaderboard_json(leaderboard));
  EXPECT_EQ(read_file(folder / "leaderboard.csv"), leaderboard_csv(leaderboard));
  EXPECT_EQ(read_file(folder / "leaderboard.md"), leaderboard_markdown(leaderboard));
  EXPECT_EQ(Json::parse(read_file(folder / "leaderboard.json")), leaderboard_json(leaderboard));
}

TEST(WriteReport, WritesTheSameBytesTwice) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}, {"s2", {{"rouge_l", 0.7}}}}});
  const auto page = write_report(store.store(), {}, store.folder().path() / "a", store.executor());
  const auto again = write_report(store.store(), {}, store.folder().path() / "b", store.executor());
  EXPECT_EQ(read_file(page), read_file(again));
}

TEST(WriteReport, RefusesAFolderThatIsAFile) {
  ReportStore store;
  const auto file = store.folder().write("taken", "x");
  EXPECT_ERROR(write_report(store.store(), {}, file, store.executor()), ErrorCode::kIo, "taken");
}

}  // namespace
}  // namespace crudbench
