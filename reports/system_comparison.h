#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/store/store.h"
#include "reports/comparison.h"
#include "reports/report_page.h"

/// Two rows of a leaderboard side by side: `crudbench report --compare A B`.
namespace crudbench {

/// An option in which two systems differ; nullopt for one that does not have it.
struct OptionDifference {
  std::string path;
  std::optional<Json> a;
  std::optional<Json> b;
};

/// A sample with a value from both systems.
struct SampleContrast {
  std::string sample_id;
  double a = 0.0;
  double b = 0.0;
};

/// Two systems on one task.
struct TaskContrast {
  std::string task;
  RunComparison comparison;  ///< Of two runs; its p-values are corrected over all tasks.
  /// By which samples are told apart: the first metric of answers among those compared.
  MetricDescription sample_metric;
  std::int64_t a_better_count = 0;
  std::int64_t b_better_count = 0;
  std::int64_t equal_count = 0;
  /// Where one beats the other most, the widest difference first.
  std::vector<SampleContrast> a_better;
  std::vector<SampleContrast> b_better;
};

struct SystemComparison {
  std::string label_a;
  std::string label_b;
  Json cell_a;
  Json cell_b;
  std::vector<OptionDifference> options;
  std::vector<TaskContrast> tasks;  ///< Those that both have, in the order of the leaderboard.
  std::vector<RunRecord> runs;      ///< What is compared: A's of these tasks, then B's.
};

struct SystemComparisonOptions {
  std::optional<std::string> experiment;  ///< Looks for the systems in its runs only.
  std::size_t sample_count = 5;           ///< Of each list of samples.
  ResamplingOptions resampling;
};

/// `a` and `b` each name a row: by its label, by the start of its cell fingerprint, or by one of
/// its runs (id or the start of the fingerprint). Throws Error(kInvalidConfig) for a name that fits
/// no row or several, for one row named twice, and for rows of different data.
SystemComparison compare_systems(const Store& store, const std::string& a, const std::string& b,
                                 const SystemComparisonOptions& options, Executor& executor);

/// "by rouge_l: A ahead on 12 samples, B on 30, equal on 5"
std::string tally_text(const TaskContrast& task);

/// `colours` switches ANSI sequences on; lines are kept to `columns`, 0 for any width.
std::string system_comparison_terminal(const SystemComparison& comparison, bool colours,
                                       std::size_t columns);
std::string system_comparison_markdown(const SystemComparison& comparison);
/// {"format": "crudbench-system-comparison", "version": 1, "a": {"label", "cell"}, "b": …,
/// "options":
/// [{"path", "a", "b"}], "tasks": [{"task", "comparison" (as `comparison_json`), "sample_metric",
/// "n_a_better", "n_b_better", "n_equal", "a_better": [{"sample_id", "a", "b"}], "b_better"}]}
Json system_comparison_json(const SystemComparison& comparison);

/// Writes comparison.html (the report of the two systems, the comparison in front, with the samples
/// that `options` allow), comparison.md and comparison.json into `folder` (created if need be);
/// returns the paths. Throws Error(kIo).
std::vector<std::filesystem::path> write_system_comparison(const Store& store,
                                                           const SystemComparison& comparison,
                                                           const PageOptions& options,
                                                           const std::filesystem::path& folder,
                                                           Executor& executor);

}  // namespace crudbench
