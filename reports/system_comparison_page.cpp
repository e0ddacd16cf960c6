#include <string>
#include <utility>

#include "harness/core/files.h"
#include "reports/leaderboard.h"
#include "reports/system_comparison.h"

namespace crudbench {

namespace {

constexpr const char* kPageFile = "comparison.html";

/// The report of the two systems alone, with the comparison in front.
void write_page(const Store& store, const SystemComparison& comparison, const PageOptions& options,
                const std::filesystem::path& folder, Executor& executor) {
  const Leaderboard leaderboard = build_leaderboard(store, comparison.runs, {}, executor);
  Json overview = report_overview(store, leaderboard);
  overview["comparison"] = system_comparison_json(comparison);
  write_report_page(store, leaderboard, std::move(overview), options, folder / kPageFile, executor);
}

}  // namespace

std::vector<std::filesystem::path> write_system_comparison(const Store& store,
                                                           const SystemComparison& comparison,
                                                           const PageOptions& options,
                                                           const std::filesystem::path& folder,
                                                           Executor& executor) {
  write_page(store, comparison, options, folder, executor);
  const std::vector<std::filesystem::path> paths = {folder / kPageFile, folder / "comparison.md",
                                                    folder / "comparison.json"};
  write_file_atomically(paths[1], system_comparison_markdown(comparison));
  write_file_atomically(
      paths[2],
      system_comparison_json(comparison).dump(1, ' ', false, Json::error_handler_t::replace) +
          "\n");
  return paths;
}

}  // namespace crudbench
