#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <vector>

#include "harness/runner/runner.h"

namespace crudbench {

/// Successive halving (Jamieson and Talwalkar 2016): all cells on the first `min_samples` samples
/// of every task, then the best one in `eta` on `eta` times as many, and so on until those left
/// have seen all samples, or the next round would go beyond `max_samples`, or beyond `max_cost` at
/// what the answers of the cells that are left have cost so far (those from the completion cache at
/// the price they had). Cells are ranked by the
/// mean over tasks of the metric, failures as 0 where higher is better; of equal ones the earlier
/// goes on. The store records after how many samples a cell was given up.
///
/// Depends on configuration and data alone, so an interrupted search continues as it would have
/// gone on. Throws Error(kInvalidConfig) for a metric without values, for a budget that the first
/// round exceeds, for `max_cost` without a price of every endpoint's model, and together with a
/// shard.
ExperimentOutcome run_search(const Experiment& experiment, const Dataset& dataset,
                             const Catalog& catalog, Store& store, const Workspace& workspace,
                             Executor& executor, const RunOptions& options, RunListener& listener,
                             const std::stop_token& stop);

/// The positions of the `count` best scores, ascending; those without one come last.
std::vector<std::size_t> best_positions(const std::vector<std::optional<double>>& scores,
                                        std::size_t count, bool higher_is_better);

}  // namespace crudbench
