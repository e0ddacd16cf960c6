#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/json.h"
#include "harness/store/store.h"

namespace crudbench {

/// How far the runs of a workspace are, read again only where something has changed. Not
/// thread-safe.
class LiveStatus {
 public:
  using Clock = std::chrono::steady_clock;

  /// {"runs": [{"run_id", "experiments" (names), "task", "label", "samples", "ok", "failed",
  /// "pending", "failures": {"stage/class": n}, "cached", "prompt_tokens", "completion_tokens"}],
  /// "samples", "ok", "failed", "pending", "samples_per_second", "completion_tokens_per_second",
  /// "seconds_left", "spending": [{"experiment", "purpose", "model", "requests", "cost",
  /// "currency"}] (of models that have a price)}. Rates are over the last minute that this object
  /// has seen at `now`; null where nothing is known.
  Json read(const Store& store, Clock::time_point now);

 private:
  struct Run {
    RunRecord record;
    std::string label;
    SampleMark mark;
    RunActivity activity;
  };
  struct Observation {
    Clock::time_point at;
    std::int64_t done = 0;
    std::int64_t completion_tokens = 0;
  };

  void refresh(const Store& store);
  void observe(Clock::time_point now);
  Json rates_json() const;

  std::optional<std::int64_t> data_version_;
  std::vector<Run> runs_;
  std::map<std::int64_t, std::vector<std::string>> experiments_;  ///< By run id.
  Json spending_ = Json::array();
  std::deque<Observation> observations_;  ///< Of the last minute, oldest first.
};

}  // namespace crudbench
