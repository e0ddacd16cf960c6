#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/store/store.h"
#include "metrics/metric.h"
#include "metrics/statistics.h"

namespace crudbench {

/// McNemar's exact test of a binary metric: only samples on which one run alone succeeded count.
struct McNemarTest {
  std::int64_t baseline_alone_count = 0;  ///< Samples on which the baseline alone succeeded.
  std::int64_t system_alone_count = 0;
  double p_value = 1.0;
};

/// One metric of one run against the baseline, over the samples that have a value in both. With
/// repeats, a sample's value is the mean of its valid repeats.
struct MetricComparison {
  MetricDescription metric;
  std::size_t system = 0;  ///< Position in `RunComparison::runs`, >= 1.
  std::int64_t common_count = 0;
  /// Samples with a value in one of the two only: what the comparison cannot see.
  std::int64_t only_baseline_count = 0;
  std::int64_t only_system_count = 0;
  double baseline_mean = 0.0;
  double system_mean = 0.0;
  PairedComparison paired;  ///< System minus baseline.
  /// For a binary metric whose values are all 0 or 1: not where repeats were averaged.
  std::optional<McNemarTest> mcnemar;
  double adjusted_p_value = 1.0;  ///< Holm, over all comparisons of this call.

  /// McNemar's where there is one, else the permutation test's. On differences of -1, 0 and 1 the
  /// two tests are the same; McNemar's value is exact where the other one draws flips at random.
  double p_value() const { return mcnemar ? mcnemar->p_value : paired.p_value; }
};

/// Runs of one task on the same data; the first one is the baseline.
struct RunComparison {
  std::vector<RunRecord> runs;
  std::vector<std::string> labels;            ///< Of each run; never two alike.
  std::vector<MetricComparison> comparisons;  ///< By metric, then by system.
};

struct ComparisonOptions {
  std::vector<std::string> metrics;  ///< Those to compare; empty for the main ones.
  ResamplingOptions resampling;
};

/// `runs` name two runs or more, by fingerprint prefix or id. Throws Error(kInvalidConfig) for an
/// unknown or repeated run, for runs that differ in task, knowledge-base mode, corpus or samples,
/// and for a metric that no two of them share.
RunComparison compare_runs(const Store& store, const std::vector<std::string>& runs,
                           const ComparisonOptions& options, Executor& executor);

/// `colours` switches ANSI sequences on; tables are kept to `columns` of the terminal, 0 for any
/// width.
std::string comparison_terminal(const RunComparison& comparison, bool colours,
                                std::size_t columns = 0);
std::string comparison_markdown(const RunComparison& comparison);

/// The tables in them, of one run against the baseline, and how they are to be read.
std::string comparison_table_terminal(const RunComparison& comparison, std::size_t system,
                                      bool colours, std::size_t columns);
std::string comparison_table_markdown(const RunComparison& comparison, std::size_t system);
std::string comparison_note();

/// What a sample of a run scored in one metric: the mean of its valid repeats.
struct ItemValue {
  std::int64_t item_id = 0;
  std::string sample_id;
  double value = 0.0;
};
/// Of all samples that have a value, ordered by item.
std::vector<ItemValue> read_item_values(const Store& store, std::int64_t run_id,
                                        const std::string& metric);

/// {"format": "crudbench-comparison", "version": 1, "task", "runs": [{"run_id", "fingerprint",
/// "label"}], "comparisons": [{"metric", "run" (position), "n_common", "n_only_baseline",
/// "n_only_run", "baseline_mean", "mean", "difference", "low", "high", "test" ("mcnemar" or
/// "permutation"), "p_value", "p_value_holm", "effect_size" (Cohen's d_z), "smallest_detectable",
/// "mcnemar": {"n_baseline_alone", "n_run_alone", "p_value"}}]}; numbers exact, null for none.
Json comparison_json(const RunComparison& comparison);

}  // namespace crudbench
