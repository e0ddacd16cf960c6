#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "reports/leaderboard.h"

namespace crudbench {

/// Rows that say what the others could reach at worst and at best.
enum class Bound {
  kNo,
  kClosedBook,  ///< Retriever `none`: what the generator knows by itself.
  kOracle,      ///< Retriever `gold`: what it makes of the right documents.
  kFloor,       ///< Generator `extractive`, in a table that has others: what every model must beat.
};

/// "closed_book", "oracle", "floor"; empty for `kNo`.
std::string_view to_string(Bound bound) noexcept;

Bound bound_of(const LeaderboardTable& table, const LeaderboardRow& row);

/// The share of what retrieval can add to a generator that this row's retrieval adds: (row - closed
/// book) / (oracle - closed book), each the mean over valid samples; below 0 where retrieval does
/// harm, above 1 where it does better than the gold documents. The bounds are those rows of the
/// table that have the row's generator; of several, those that share the most of its other options.
///
/// `task` nullopt: of the averages over all tasks. nullopt for a bound itself, without both bounds,
/// and where the oracle is not better than the closed book.
std::optional<double> captured_headroom(const LeaderboardTable& table, std::size_t row,
                                        const std::string& metric,
                                        const std::optional<std::string>& task);

}  // namespace crudbench
