#pragma once

#include <filesystem>

#include "reports/leaderboard.h"

namespace crudbench {

/// Writes the leaderboard in every form into `folder` (created if need be): report.html,
/// leaderboard.md, leaderboard.csv, leaderboard.json, each whole or not at all. Returns the path of
/// report.html. Throws Error(kIo).
std::filesystem::path write_report(const Leaderboard& leaderboard,
                                   const std::filesystem::path& folder);

/// The same, from the store. Throws what `build_leaderboard` does too.
std::filesystem::path write_report(const Store& store, const LeaderboardOptions& options,
                                   const std::filesystem::path& folder, Executor& executor);

}  // namespace crudbench
