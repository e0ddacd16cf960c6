#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/json.h"
#include "harness/store/store.h"
#include "metrics/metric.h"
#include "reports/routing.h"
#include "reports/run_summary.h"

namespace crudbench {

/// The mean over all tasks of a table, each task counting the same.
struct MetricAverage {
  std::optional<double> mean;
  std::optional<double> mean_failures_as_zero;
  /// 95 % interval of `mean` over the draw of each task's samples: normal, from the standard errors
  /// of the tasks' means. Absent if a task has fewer than two values, or without intervals.
  std::optional<Interval> interval;
  /// By significance, among the rows that have an average: over the samples of all tasks, each task
  /// weighing the same.
  std::optional<std::size_t> rank;
  std::vector<std::size_t> better_than;  ///< As in `MetricSummary`.
};

/// One cell: a resolved configuration.
struct LeaderboardRow {
  std::string cell_fingerprint;
  Json cell;
  /// By position in `LeaderboardTable::axes`; nullopt where the cell has no such option.
  std::vector<std::optional<Json>> axis_values;
  std::map<std::string, RunSummary> runs;     ///< By task.
  std::map<std::string, RunRouting> routing;  ///< By task, where there is telemetry.
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
///
/// Rows are ranked per task and main metric, in `MetricSummary::rank`, by what their samples can
/// tell apart: a row's rank is 1 + the number of rows that are significantly better by a paired
/// sign-flip test over the samples that both have a value for (with repeats, the mean of the valid
/// ones), corrected by Holm's method over all pairs of rows, at the level 5 %. Which rows those are
/// stands in `better_than`, by position in `rows`.
struct LeaderboardTable {
  std::string knowledge_base_mode;  ///< "paper", "gold_augmented"; empty if not recorded.
  std::string corpus_fingerprint;
  std::string samples_fingerprint;
  std::string selection;  ///< "200 a task, seed 22"; empty for all samples.
  /// The options that tell the rows apart, as paths into the cell: "chunker/size",
  /// "retriever/type". Labels, the retriever's type and the generator's type and model always
  /// belong here, the system's name where bundles were merged, an option of the data set never: the
  /// table is one data set.
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

/// The same of some of its runs, under no title.
Leaderboard build_leaderboard(const Store& store, const std::vector<RunRecord>& runs,
                              const SummaryOptions& options, Executor& executor);

/// The same of runs that were read already: `scored[i]` is what `runs[i]` came to, and the same
/// item has the same id in all of them. `experiment` is the title.
Leaderboard build_leaderboard(const std::optional<std::string>& experiment,
                              std::span<const RunRecord> runs, std::vector<ScoredRun> scored,
                              Executor& executor);

/// Knowledge-base mode, corpus, samples, selection: runs that differ in one never share a table.
using TableIdentity = std::array<std::string, 4>;
TableIdentity table_identity(const RunRecord& run);

/// The cell of a run, with what an experiment calls it under "label", and, if a search gave it up
/// before its end, when, under "stopped".
Json labelled_cell(const RunRecord& run);

/// The runs of an experiment in its order, their cells with labels; nullopt for all. Throws
/// Error(kInvalidConfig) for an experiment that the store does not have, with the nearest name.
std::vector<RunRecord> runs_to_report(const Store& store,
                                      const std::optional<std::string>& experiment);

/// The description of a metric that the table has.
const MetricDescription& metric_of(const LeaderboardTable& table, const std::string& name);

/// How an axis is headed: "retriever" for its type, else the name of the option, or its path where
/// several axes end in that name.
std::string axis_title(const LeaderboardTable& table, const std::string& axis);

/// A warning beside a table: in a knowledge base so small, a random ranking scores well.
struct ChanceWarning {
  std::string task;
  std::int64_t document_count = 0;
  std::vector<std::pair<std::string, double>> levels;  ///< Main metric → chance level, above 5 %.
};
/// One for each task that needs it. Where rows differ, the highest level counts.
std::vector<ChanceWarning> chance_warnings(const LeaderboardTable& table);
/// The same for all metrics of one run; nullopt if there is nothing to warn of.
std::optional<ChanceWarning> chance_warning(const RunSummary& run);
/// "small knowledge base: a random ranking of its 40 documents is expected to reach hit@8 20.00,
/// recall@8 20.00".
std::string chance_text(const ChanceWarning& warning);

/// The samples of several runs together.
struct SampleTally {
  std::int64_t sample_count = 0;
  std::int64_t ok_count = 0;
  std::int64_t failed_count = 0;
  std::int64_t pending_count = 0;

  /// ok / all; absent where there are none.
  std::optional<double> coverage() const;
};
SampleTally tally_samples(const LeaderboardRow& row);
/// What the answers of a row's runs have cost, together; nullopt where no run has a price, or where
/// their currencies differ.
std::optional<MoneyTotals> total_money(const LeaderboardRow& row);
SampleTally tally_samples(const RunSummary& run);

/// "knowledge base paper, 200 a task, seed 22": what a table's rows were measured on.
std::string data_title(const LeaderboardTable& table);

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
