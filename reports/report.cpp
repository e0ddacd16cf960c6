#include "reports/report.h"

#include "harness/core/files.h"
#include "reports/renderers.h"

namespace crudbench {

std::filesystem::path write_report(const Leaderboard& leaderboard,
                                   const std::filesystem::path& folder) {
  create_folders(folder);
  write_file_atomically(
      folder / "leaderboard.json",
      leaderboard_json(leaderboard).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  write_file_atomically(folder / "leaderboard.csv", leaderboard_csv(leaderboard));
  write_file_atomically(folder / "leaderboard.md", leaderboard_markdown(leaderboard));
  std::filesystem::path page = folder / "report.html";
  write_file_atomically(page, leaderboard_html(leaderboard));
  return page;
}

std::filesystem::path write_report(const Store& store, const LeaderboardOptions& options,
                                   const std::filesystem::path& folder, Executor& executor) {
  return write_report(build_leaderboard(store, options, executor), folder);
}

}  // namespace crudbench
