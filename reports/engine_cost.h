#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "metrics/statistics.h"

namespace crudbench {

/// What answers of a local model took of the machine.
struct EngineCost {
  std::size_t sample_count = 0;  ///< Samples that tell.
  /// Tokens written a second of computing, the reading of prompts included: the sum of tokens over
  /// the sum of the samples' shares of the engine's time.
  double tokens_per_second = 0.0;
  std::optional<Interval> interval;  ///< 95 % bootstrap interval over samples.
  double busy_seconds = 0.0;
  std::int64_t peak_memory_bytes = 0;  ///< The most the engine's process held.
};

/// Gathers it from the details of samples.
class EngineCostColumns {
 public:
  /// `details` as in `SampleRecord`; one without "busy_seconds" tells nothing.
  void add(const Json& details, std::int64_t completion_tokens);
  /// nullopt where no sample tells. `intervals`: whether to compute one.
  std::optional<EngineCost> summarize(bool intervals, const ResamplingOptions& options,
                                      Executor& executor) const;

 private:
  std::vector<double> tokens_;
  std::vector<double> busy_seconds_;
  std::int64_t peak_memory_bytes_ = 0;
};

/// {"n", "tokens_per_second", "low", "high", "busy_seconds", "peak_memory_bytes"}; null for
/// nullopt.
Json engine_cost_json(const std::optional<EngineCost>& cost);

}  // namespace crudbench
