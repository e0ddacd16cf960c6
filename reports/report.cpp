#include "reports/report.h"

#include "harness/core/files.h"
#include "reports/renderers.h"

namespace crudbench {

void write_leaderboard_files(const Leaderboard& leaderboard, const std::filesystem::path& folder) {
  create_folders(folder);
  write_file_atomically(
      folder / "leaderboard.json",
      leaderboard_json(leaderboard).dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
  write_file_atomically(folder / "leaderboard.csv", leaderboard_csv(leaderboard));
  write_file_atomically(folder / "leaderboard.md", leaderboard_markdown(leaderboard));
  write_file_atomically(folder / "leaderboard.tex", leaderboard_latex(leaderboard));
}

std::filesystem::path write_report(const Store& store, const Leaderboard& leaderboard,
                                   const PageOptions& options, const std::filesystem::path& folder,
                                   Executor& executor) {
  write_leaderboard_files(leaderboard, folder);
  return write_report_page(store, leaderboard, options, folder, executor);
}

std::filesystem::path write_report(const Store& store, const LeaderboardOptions& options,
                                   const std::filesystem::path& folder, Executor& executor) {
  return write_report(store, build_leaderboard(store, options, executor), {}, folder, executor);
}

}  // namespace crudbench
