#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/store/store.h"
#include "metrics/metric.h"
#include "metrics/statistics.h"

namespace crudbench {

/// One metric of one run against the same run of a baseline, sample by sample. A sample whose run
/// failed counts as 0 where higher is better, so that an outage is a drop.
struct RegressionLine {
  std::string task;
  std::string label;  ///< Of the cell; empty where the task has one.
  MetricDescription metric;
  std::int64_t sample_count = 0;  ///< Samples with a value in both, failures included.
  std::int64_t baseline_failed_count = 0;
  std::int64_t failed_count = 0;
  double baseline_mean = 0.0;
  double mean = 0.0;
  PairedComparison paired;        ///< New minus baseline; its p-value is `sign_flip_p_value`'s.
  double adjusted_p_value = 1.0;  ///< Holm, over all lines.
  double allowed_drop = 0.0;      ///< In units of the value: 0.005 for half a per cent.
  bool is_regression = false;     ///< Worse by more than allowed, and significantly so.

  /// How much worse it is, whichever direction is worse; negative if better.
  double drop() const;
};

struct RegressionOptions {
  /// Metric → the drop that is allowed, in points as tables show them (per cent for shares). These
  /// are checked and no others; empty: the main metrics, with no drop allowed.
  std::map<std::string, double> max_drops;
  double alpha = 0.05;
  std::optional<std::string> experiment;  ///< Its runs only, in both; nullopt for all.
  ResamplingOptions resampling;
};

/// What checking a new state against a baseline came to.
struct RegressionCheck {
  std::vector<RegressionLine> lines;  ///< By run of the baseline, then metric.
  double alpha = 0.05;
  bool has_regression = false;
};

/// Compares every run of `baseline` with that of `candidate` on the same task: the one whose cell
/// has the same label or options, or the only one there is. The corpus may differ, the samples may
/// not. Throws Error(kInvalidData) for a run that has no counterpart or other samples, and
/// Error(kInvalidConfig) for a metric that no run has.
RegressionCheck check_regression(const Store& baseline, const Store& candidate,
                                 const RegressionOptions& options, Executor& executor);

/// `colours` switches ANSI sequences on.
std::string regression_terminal(const RegressionCheck& check, bool colours);
/// {"format": "crudbench-check", "version": 1, "alpha", "regression": bool, "lines": [{"task",
/// "label", "metric", "n", "n_failed_baseline", "n_failed", "baseline_mean", "mean", "difference",
/// "low", "high", "p_value", "p_value_holm", "smallest_detectable", "max_drop", "regression"}]};
/// numbers exact, null for none.
Json regression_json(const RegressionCheck& check);

}  // namespace crudbench
