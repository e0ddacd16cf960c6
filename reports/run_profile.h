#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/core/json.h"

namespace crudbench {

/// How many values of a share lie in each twentieth of [0, 1], the last one closed.
using ShareHistogram = std::array<std::int64_t, 20>;

/// The mean score of items whose predictions are about as long.
struct LengthGroup {
  std::size_t n = 0;
  double mean_length_chars = 0.0;
  double mean_score = 0.0;
};

struct GroupMean {
  std::size_t n = 0;
  double mean = 0.0;
};

struct Quantiles {
  double p50 = 0.0;
  double p95 = 0.0;
};

/// What the figures of a report show of one run: how its scores are spread, which a mean hides.
/// The unit is the item, with the mean of its valid repeats.
struct RunProfile {
  std::map<std::string, ShareHistogram> distributions;  ///< Of the main metrics that are shares.
  /// Of the main metrics that score answers: up to 8 groups of equal size, shortest first; empty
  /// where the lengths of predictions are not among the metrics.
  std::map<std::string, std::vector<LengthGroup>> score_by_length;
  /// Of the same metrics, by the number of gold documents.
  std::map<std::string, std::map<std::size_t, GroupMean>> by_gold_count;
  /// [i]: items whose first gold document is document i + 1 of the ranking. Read off the reciprocal
  /// ranks, so empty without the metric "mrr".
  std::vector<std::int64_t> first_gold_ranks;
  std::int64_t without_gold_hit = 0;            ///< Items whose gold documents the ranking lacks.
  std::optional<Quantiles> retrieval_seconds;   ///< Over samples; absent without any.
  std::optional<Quantiles> generation_seconds;  ///< Over samples not answered from the cache.
};

/// The values of one metric by item; all of one size, `item_ids` ascending.
struct ProfiledMetric {
  std::string name;
  bool is_main = false;
  std::span<const std::int64_t> item_ids;
  std::span<const double> values;
  std::span<const std::size_t> gold_counts;
};

/// Everything but the times.
RunProfile profile_run(std::span<const ProfiledMetric> metrics);

/// Nearest-rank quantiles; nullopt without values.
std::optional<Quantiles> quantiles_of(std::vector<double> values);

/// The fields of `RunProfile` under their names; histograms as lists of counts.
Json profile_json(const RunProfile& profile);

}  // namespace crudbench
