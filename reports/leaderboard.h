#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/json.h"
#include "harness/store/store.h"
#include "metrics/metric.h"
#include "reports/run_summary.h"

namespace crudbench {

/// The mean over all tasks of a table, each task counting the same.
struct MetricAverage {
  std::optional<double> mean;
  std::optional<double> mean_failures_as_zero;
};

/// One cell: a resolved configuration.
struct LeaderboardRow {
  std::string cell_fingerprint;
  Json cell;
  /// By position in `LeaderboardTable::axes`; nullopt where the cell has no such option.
  std::vector<std::optional<Json>> axis_values;
  std::map<std::string, RunSummary> runs;  ///< By task.
  /// Of the main metrics; only those that every task of the table has a mean of.
  std::map<std::string, MetricAverage> averages;
};

/// How often a value occurs among the runs of a table.
struct ValueCount {
  Json value;
  std::int64_t run_count = 0;
};

/// Rows that may be compared: same knowledge-base mode, same corpus, same samples, and the same
/// choice among them.
struct LeaderboardTable {
  std::string knowledge_base_mode;  ///< "paper", "gold_augmented"; empty if not recorded.
  std::string corpus_fingerprint;
  std::string samples_fingerprint;
  std::string selection;  ///< "200 a task, seed 22"; empty for all samples.
  /// The options that tell the rows apart, as paths into the cell: "chunker/size",
  /// "retriever/type". The retriever's type and the generator's type and model always belong here,
  /// an option of the data set never: the table is one data set.
  std::vector<std::string> axes;
  std::vector<std::string> tasks;
  std::vector<MetricDescription> metrics;  ///< In the order of `metric_precedes`.
  std::vector<std::string> main_metrics;
  std::vector<LeaderboardRow> rows;  ///< In the order of the experiment.
  /// Options that all rows which have them share, by path.
  std::map<std::string, Json> common_options;
  /// What is recorded about the making of the runs, by path into the provenance, with every value
  /// that occurs: a path with several says that the runs were not made alike.
  std::map<std::string, std::vector<ValueCount>> provenance;
};

/// What all renderers show.
struct Leaderboard {
  std::optional<std::string> experiment;  ///< nullopt: all runs of the workspace.
  std::vector<LeaderboardTable> tables;
};

struct LeaderboardOptions {
  std::optional<std::string> experiment;  ///< Its runs only; nullopt for all.
  SummaryOptions summary;
};

/// Reads the store. A workspace without runs gives no tables. Throws Error(kInvalidConfig) for an
/// experiment that the store does not have, with the nearest name.
Leaderboard build_leaderboard(const Store& store, const LeaderboardOptions& options,
                              Executor& executor);

/// How an axis is headed: "retriever" for its type, else the name of the option, or its path where
/// several axes end in that name.
std::string axis_title(const LeaderboardTable& table, const std::string& axis);

/// The samples of several runs together.
struct SampleTally {
  std::int64_t sample_count = 0;
  std::int64_t ok_count = 0;
  std::int64_t failed_count = 0;
  std::int64_t pending_count = 0;
};
SampleTally tally_samples(const LeaderboardRow& row);

/// "bm25 · top_k 8 · size 128 · extractive": the axis values of a row in one line; the names of
/// options are left out where they are "type" or "model".
std::string row_label(const LeaderboardTable& table, const LeaderboardRow& row);

/// The same for cells that stand in no table: what tells them apart, and always the retriever and
/// the generator.
std::vector<std::string> cell_labels(const std::vector<Json>& cells);

/// The options of a cell by path: {"retriever": {"top_k": 8}} is "retriever/top_k" → 8. Arrays are
/// values. An empty object is a value too.
std::map<std::string, Json> flatten_options(const Json& cell);

}  // namespace crudbench
