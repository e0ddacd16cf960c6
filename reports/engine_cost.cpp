#include "reports/engine_cost.h"

#include <algorithm>
#include <array>
#include <span>

namespace crudbench {

namespace {

/// A number of an object; nullopt where it has none of this name.
std::optional<double> number_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? std::optional(found->get<double>())
                                                     : std::nullopt;
}

double rate(std::span<const double> sums) {
  return sums[1] > 0.0 ? sums[0] / sums[1] : 0.0;
}

}  // namespace

void EngineCostColumns::add(const Json& details, std::int64_t completion_tokens) {
  if (!details.is_object() || completion_tokens < 0) {
    return;
  }
  const std::optional<double> busy = number_at(details, "busy_seconds");
  if (!busy || *busy <= 0.0) {
    return;
  }
  tokens_.push_back(static_cast<double>(completion_tokens));
  busy_seconds_.push_back(*busy);
  peak_memory_bytes_ =
      std::max(peak_memory_bytes_,
               static_cast<std::int64_t>(number_at(details, "peak_memory_bytes").value_or(0.0)));
}

std::optional<EngineCost> EngineCostColumns::summarize(bool intervals,
                                                       const ResamplingOptions& options,
                                                       Executor& executor) const {
  if (tokens_.empty()) {
    return std::nullopt;
  }
  const std::array<double, 2> sums{stable_sum(tokens_), stable_sum(busy_seconds_)};
  EngineCost cost{.sample_count = tokens_.size(),
                  .tokens_per_second = rate(sums),
                  .busy_seconds = sums[1],
                  .peak_memory_bytes = peak_memory_bytes_};
  if (intervals) {
    const std::array<std::vector<double>, 2> columns{tokens_, busy_seconds_};
    cost.interval = bootstrap_statistic(columns, rate, options, executor);
  }
  return cost;
}

Json engine_cost_json(const std::optional<EngineCost>& cost) {
  if (!cost) {
    return nullptr;
  }
  return {{"n", cost->sample_count},
          {"tokens_per_second", cost->tokens_per_second},
          {"low", cost->interval ? Json(cost->interval->low) : Json()},
          {"high", cost->interval ? Json(cost->interval->high) : Json()},
          {"busy_seconds", cost->busy_seconds},
          {"peak_memory_bytes", cost->peak_memory_bytes}};
}

}  // namespace crudbench
