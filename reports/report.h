#pragma once

#include <filesystem>

#include "reports/leaderboard.h"
#include "reports/report_page.h"

namespace crudbench {

/// Writes leaderboard.md, .csv, .json and .tex into `folder` (created if need be), each whole or
/// not at all. Throws Error(kIo).
void write_leaderboard_files(const Leaderboard& leaderboard, const std::filesystem::path& folder);

/// Writes the leaderboard in every form into `folder` (created if need be): report.html with what
/// `write_report_page` puts beside it, and what `write_leaderboard_files` does. Returns the path of
/// report.html. Throws Error(kIo).
std::filesystem::path write_report(const Store& store, const Leaderboard& leaderboard,
                                   const PageOptions& options, const std::filesystem::path& folder,
                                   Executor& executor);

/// The same, with the leaderboard of the store. Throws what `build_leaderboard` does too.
std::filesystem::path write_report(const Store& store, const LeaderboardOptions& options,
                                   const std::filesystem::path& folder, Executor& executor);

}  // namespace crudbench
