#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/routing_record.h"
#include "harness/store/store.h"

namespace crudbench {

/// The routing of the samples of one run, where its generator told it.
struct RunRouting {
  RoutingRecord sum;  ///< Over the samples.
  std::int64_t sample_count = 0;
};

/// Sums up a run's routing. Absent where no sample has any: a generator without telemetry is not
/// even read for it.
std::optional<RunRouting> read_run_routing(const Store& store, const RunRecord& run);

/// How evenly the choices of one layer fall on its experts.
struct LayerBalance {
  double entropy = 0.0;          ///< Of the shares, in units of that of equal shares: 1 is even.
  double max_share = 0.0;        ///< The busiest expert's share of the choices.
  std::size_t active_count = 0;  ///< Experts that were chosen at all.
};
/// nullopt for a layer that chose none. `counts`: one an expert.
std::optional<LayerBalance> layer_balance(std::span<const std::uint64_t> counts);

/// Jensen-Shannon divergence of the shares of two rows of counts, in bits: 0 for equal shares, 1
/// for no expert in common (Lin, Divergence measures based on the Shannon entropy, 1991). nullopt
/// if one of them has no counts.
std::optional<double> jensen_shannon(std::span<const std::uint64_t> left,
                                     std::span<const std::uint64_t> right);

/// The mean of `jensen_shannon` over the layers that both chose experts in.
std::optional<double> routing_divergence(const RoutingRecord& record, const RoutingPhase& left,
                                         const RoutingPhase& right);

/// The share of choices that a cache of `size` experts a layer would have answered, from
/// `RoutingPhase::recency_ranks` (LRU) or `frequency_ranks` (LFU); nullopt without choices.
std::optional<double> cache_hit_rate(std::span<const std::uint64_t> ranks, std::size_t size);

/// The section "routing" of a row of the leaderboard, from the routing of its runs by task:
/// reports/README.md describes it. Null if there is none.
Json routing_json(const std::map<std::string, RunRouting>& by_task);

/// The same in a few lines of Markdown for each task, and the caches that would have held 50, 80
/// and 95 % of the choices; empty if there is none.
std::string routing_markdown(const std::map<std::string, RunRouting>& by_task);

}  // namespace crudbench
