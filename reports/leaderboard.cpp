#include "reports/leaderboard.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/suggest.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

/// Sections of a cell in the order a reader wants them: first the method, then its surroundings.
constexpr std::array<std::string_view, 10> kSectionOrder = {
    "label",    "system", "retriever", "reranker", "chunker",
    "embedder", "index",  "context",   "prompts",  "generator"};

/// What a table always tells about its rows.
constexpr std::array<std::string_view, 6> kFixedAxes = {
    "label", "system", "retriever/type", "generator/type", "generator/model", "stopped"};

/// Upstream's order: Create, Delete, Update, Read are the letters; the keys stand in this order.
constexpr std::array<std::string_view, 6> kTaskOrder = {"event_summary",     "continuing_writing",
                                                        "hallu_modified",    "questanswer_1doc",
                                                        "questanswer_2docs", "questanswer_3docs"};

template <std::size_t size>
std::size_t position_in(const std::array<std::string_view, size>& order, std::string_view name) {
  return static_cast<std::size_t>(std::find(order.begin(), order.end(), name) - order.begin());
}

/// Sorts paths by section, then "type", "model", and the other options by name.
auto axis_key(const std::string& path) {
  const std::string_view view = path;
  const std::string_view section = view.substr(0, view.find('/'));
  const std::string_view option = view.substr(std::min(section.size() + 1, view.size()));
  const int rank = option == "type" ? 0 : option == "model" ? 1 : 2;
  return std::tuple(position_in(kSectionOrder, section), section, rank, view);
}

bool axis_precedes(const std::string& left, const std::string& right) {
  return axis_key(left) < axis_key(right);
}

void flatten(const Json& value, const std::string& path, std::map<std::string, Json>& flat) {
  if (!value.is_object() || value.empty()) {
    flat.emplace(path, value);
    return;
  }
  for (const auto& [key, child] : value.items()) {
    flatten(child, path.empty() ? key : path + "/" + key, flat);
  }
}

std::string text_at(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? plain_text(*found) : "";
}

/// Which of the samples were drawn, by the options of the data set that say so.
std::string selection_of(const Json& cell) {
  const Json dataset = cell.is_object() ? cell.value("dataset", Json()) : Json();
  const std::string limit = text_at(dataset, "limit");
  return limit.empty() || limit == "null" ? ""
                                          : limit + " a task, seed " + text_at(dataset, "seed");
}

using FlatOptions = std::map<std::string, Json>;

std::optional<Json> option_at(const FlatOptions& options, const std::string& path) {
  const auto found = options.find(path);
  return found != options.end() ? std::optional(found->second) : std::nullopt;
}

/// The paths that tell the rows apart: those with two values or more, outside the data set, which
/// is the table's. An option that some rows have
/// and others lack goes with its section's type, so it is taken only where rows would look alike
/// without it.
std::vector<std::string> find_axes(const std::vector<FlatOptions>& rows) {
  std::map<std::string, std::set<Json>> values;
  for (const FlatOptions& row : rows) {
    for (const auto& [path, value] : row) {
      if (!path.starts_with("dataset/")) {
        values[path].insert(value);
      }
    }
  }
  std::vector<std::string> axes;
  std::vector<std::string> spare;
  for (const auto& [path, distinct] : values) {
    const bool fixed = position_in(kFixedAxes, path) < kFixedAxes.size();
    const bool is_hash = path.ends_with("_sha256");  // Of a file that has a name as well.
    (fixed || (distinct.size() > 1 && !is_hash) ? axes : spare).push_back(path);
  }
  std::sort(axes.begin(), axes.end(), axis_precedes);
  std::sort(spare.begin(), spare.end(), axis_precedes);

  const auto shown = [&](const FlatOptions& row) {
    std::vector<std::string> texts;
    for (const std::string& path : axes) {
      const std::optional<Json> value = option_at(row, path);
      texts.push_back(value ? to_text(*value) : "");
    }
    return texts;
  };
  std::map<std::vector<std::string>, const FlatOptions*> looks;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto [twin, is_new] = looks.try_emplace(shown(rows[i]), &rows[i]);
    if (is_new) {
      continue;
    }
    const auto telling = std::find_if(spare.begin(), spare.end(), [&](const std::string& path) {
      return option_at(rows[i], path) != option_at(*twin->second, path);
    });
    if (telling != spare.end()) {
      axes.push_back(*telling);
      spare.erase(telling);
      std::sort(axes.begin(), axes.end(), axis_precedes);
      looks.clear();
      i = static_cast<std::size_t>(-1);  // From the start, with the new axis.
    }
  }
  return axes;
}

/// A run in which every sample failed may hold no scores at all: each sample counts as failed for
/// the measures of answers that the other runs have.
void add_unscored_metrics(RunSummary& run, const std::vector<MetricDescription>& metrics) {
  if (run.ok_count > 0 || run.failed_count == 0) {
    return;
  }
  for (const MetricDescription& metric : metrics) {
    if (!metric.needs_answer || run.metric(metric.name) != nullptr) {
      continue;
    }
    MetricSummary summary{.name = metric.name, .failed_count = run.failed_count};
    for (const auto& [failure, count] : run.failures) {
      summary.failures[failure.substr(failure.find('/') + 1)] += count;
    }
    if (metric.higher_is_better) {
      summary.mean_failures_as_zero = 0.0;
    }
    run.metrics.push_back(std::move(summary));
  }
  std::sort(run.metrics.begin(), run.metrics.end(),
            [](const MetricSummary& left, const MetricSummary& right) {
              return metric_precedes(left.name, right.name);
            });
}

/// The mean over the tasks; nullopt unless each of them has a value.
template <class Select>
std::optional<double> mean_over_tasks(const LeaderboardRow& row,
                                      const std::vector<std::string>& tasks,
                                      const std::string& metric, const Select& select) {
  double sum = 0.0;
  for (const std::string& task : tasks) {
    const auto run = row.runs.find(task);
    const MetricSummary* summary = run != row.runs.end() ? run->second.metric(metric) : nullptr;
    const std::optional<double> value = summary != nullptr ? select(*summary) : std::nullopt;
    if (!value) {
      return std::nullopt;
    }
    sum += *value;
  }
  return tasks.empty() ? std::nullopt : std::optional(sum / static_cast<double>(tasks.size()));
}

/// Where the standing of a row in a column goes.
struct Standing {
  std::optional<std::size_t>* rank = nullptr;
  std::vector<std::size_t>* better_than = nullptr;
};

/// Around the mean of the means of independent samples, one a task.
std::optional<Interval> average_interval(double average,
                                         const std::vector<const ItemScores*>& tasks) {
  double variance = 0.0;
  for (const ItemScores* task : tasks) {
    if (task == nullptr || task->values.size() < 2) {
      return std::nullopt;
    }
    const double deviation = standard_deviation(task->values);
    variance += deviation * deviation / static_cast<double>(task->values.size());
  }
  const double error = std::sqrt(variance) / static_cast<double>(tasks.size());
  const double reach = normal_quantile(0.975) * error;
  return Interval{.low = average - reach, .high = average + reach};
}

/// The rows of one column and what they scored, item by item.
struct RankedColumn {
  std::vector<Standing> standings;                     ///< Of each row.
  std::vector<std::size_t> positions;                  ///< Of each row, in the table.
  std::vector<std::vector<const ItemScores*>> scores;  ///< By row, then task.
  bool higher_is_better = true;
};

/// All samples, each task weighing the same: then the difference of two rows with values for all
/// samples is that of their averages over the tasks.
void rank_column(const RankedColumn& column) {
  const std::size_t task_count = column.scores.front().size();
  std::vector<std::vector<std::optional<double>>> rows(column.scores.size());
  for (std::size_t task = 0; task < task_count; ++task) {
    std::vector<std::int64_t> item_ids;
    for (const auto& row : column.scores) {
      item_ids.insert(item_ids.end(), row[task]->item_ids.begin(), row[task]->item_ids.end());
    }
    std::sort(item_ids.begin(), item_ids.end());
    item_ids.erase(std::unique(item_ids.begin(), item_ids.end()), item_ids.end());
    const double weight = task_count == 1 ? 1.0 : 1.0 / static_cast<double>(item_ids.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const ItemScores& scores = *column.scores[i][task];
      std::size_t position = 0;
      for (const std::int64_t item_id : item_ids) {
        const bool has_value =
            position < scores.item_ids.size() && scores.item_ids[position] == item_id;
        rows[i].push_back(has_value ? std::optional(weight * scores.values[position])
                                    : std::nullopt);
        position += has_value ? 1 : 0;
      }
    }
  }
  const std::vector<std::vector<std::size_t>> wins =
      significant_wins(rows, column.higher_is_better);
  const std::vector<std::size_t> ranks = significance_ranks(wins);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    *column.standings[i].rank = ranks[i];
    for (const std::size_t worse : wins[i]) {
      column.standings[i].better_than->push_back(column.positions[worse]);
    }
  }
}

class TableBuilder {
 public:
  explicit TableBuilder(bool with_intervals) : with_intervals_(with_intervals) {}

  void add(const RunRecord& run, ScoredRun scored) {
    // Two runs of one cell and task differ in something outside the cell, such as a prompt file
    // that was edited: each gets a row.
    std::size_t& row_position = next_row_[{run.cell_fingerprint, run.task}];
    std::vector<std::size_t>& rows = rows_of_cell_[run.cell_fingerprint];
    if (row_position == rows.size()) {
      rows.push_back(table_.rows.size());
      table_.rows.push_back({.cell_fingerprint = run.cell_fingerprint, .cell = run.cell});
    }
    const std::size_t row = rows[row_position++];
    table_.rows[row].runs.emplace(run.task, std::move(scored.summary));
    item_scores_.emplace(std::pair(row, run.task), std::move(scored.item_scores));
    if (scored.routing) {
      table_.rows[row].routing.emplace(run.task, std::move(*scored.routing));
    }
    if (std::find(table_.tasks.begin(), table_.tasks.end(), run.task) == table_.tasks.end()) {
      table_.tasks.push_back(run.task);
    }
    count_provenance(run.provenance);
  }

  LeaderboardTable finish(const TableIdentity& identity, Executor& executor) {
    table_.knowledge_base_mode = identity[0];
    table_.corpus_fingerprint = identity[1];
    table_.samples_fingerprint = identity[2];
    table_.selection = identity[3];
    std::stable_sort(table_.tasks.begin(), table_.tasks.end(), [](const auto& a, const auto& b) {
      return position_in(kTaskOrder, a) < position_in(kTaskOrder, b);
    });
    find_metrics();
    find_options();
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      for (auto& [task, run] : table_.rows[row].runs) {
        add_unscored_metrics(run, table_.metrics);
      }
      add_averages(row);
    }
    rank_rows(executor);
    return std::move(table_);
  }

 private:
  void count_provenance(const Json& provenance) {
    for (const auto& [path, value] : flatten_options(provenance)) {
      std::vector<ValueCount>& counts = table_.provenance[path];
      const auto found = std::find_if(counts.begin(), counts.end(), [&](const ValueCount& count) {
        return count.value == value;
      });
      if (found != counts.end()) {
        ++found->run_count;
      } else {
        counts.push_back({.value = value, .run_count = 1});
      }
    }
  }

  void find_metrics() {
    std::set<std::string> names;
    for (const LeaderboardRow& row : table_.rows) {
      for (const auto& [task, run] : row.runs) {
        for (const MetricSummary& metric : run.metrics) {
          names.insert(metric.name);
        }
      }
    }
    std::vector<std::string> ordered(names.begin(), names.end());
    std::sort(ordered.begin(), ordered.end(), metric_precedes);
    for (const std::string& name : ordered) {
      table_.metrics.push_back(describe_metric(name));
      table_.metrics.back().name = name;
    }
    table_.main_metrics = main_metrics(ordered);
  }

  void find_options() {
    std::vector<FlatOptions> rows;
    for (const LeaderboardRow& row : table_.rows) {
      rows.push_back(flatten_options(row.cell));
    }
    table_.axes = find_axes(rows);
    std::set<std::string> differing;  // Options of the data set that left the data the same.
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const std::string& path : table_.axes) {
        table_.rows[i].axis_values.push_back(option_at(rows[i], path));
      }
      for (const auto& [path, value] : rows[i]) {
        if (std::find(table_.axes.begin(), table_.axes.end(), path) == table_.axes.end()) {
          const auto [common, is_new] = table_.common_options.emplace(path, value);
          if (!is_new && common->second != value) {
            differing.insert(path);
          }
        }
      }
    }
    for (const std::string& path : differing) {
      table_.common_options.erase(path);
    }
  }

  void add_averages(std::size_t position) {
    LeaderboardRow& row = table_.rows[position];
    for (const std::string& metric : table_.main_metrics) {
      MetricAverage average{
          .mean = mean_over_tasks(row, table_.tasks, metric,
                                  [](const MetricSummary& summary) { return summary.mean; }),
          .mean_failures_as_zero = mean_over_tasks(
              row, table_.tasks, metric,
              [](const MetricSummary& summary) { return summary.mean_failures_as_zero; })};
      if (average.mean || average.mean_failures_as_zero) {
        if (average.mean && with_intervals_) {
          average.interval = average_interval(*average.mean, scores_of(position, metric));
        }
        row.averages.emplace(metric, average);
      }
    }
  }

  /// Of one row, by task; nullptr where it has none.
  std::vector<const ItemScores*> scores_of(std::size_t row, const std::string& metric) const {
    std::vector<const ItemScores*> scores;
    for (const std::string& task : table_.tasks) {
      const auto of_run = item_scores_.find({row, task});
      const bool has_scores = of_run != item_scores_.end() && of_run->second.contains(metric);
      scores.push_back(has_scores ? &of_run->second.at(metric) : nullptr);
    }
    return scores;
  }

  void rank_rows(Executor& executor) {
    std::vector<RankedColumn> columns;
    for (const std::string& metric : table_.main_metrics) {
      for (const std::string& task : table_.tasks) {
        columns.push_back(ranked_column(metric, {task}, [&](LeaderboardRow& row) {
          const auto run = row.runs.find(task);
          MetricSummary* summary = run != row.runs.end() ? run->second.metric(metric) : nullptr;
          return summary != nullptr ? Standing{&summary->rank, &summary->better_than} : Standing();
        }));
      }
      if (table_.tasks.size() > 1) {
        columns.push_back(ranked_column(metric, table_.tasks, [&](LeaderboardRow& row) {
          const auto average = row.averages.find(metric);
          return average != row.averages.end()
                     ? Standing{&average->second.rank, &average->second.better_than}
                     : Standing();
        }));
      }
    }
    std::erase_if(columns, [](const RankedColumn& column) { return column.standings.empty(); });
    executor.run_all(columns.size(), [&](std::size_t i) { rank_column(columns[i]); });
  }

  /// `standing_of(row)` is empty for a row that has no part in the column.
  template <class StandingOf>
  RankedColumn ranked_column(const std::string& metric, const std::vector<std::string>& tasks,
                             const StandingOf& standing_of) {
    RankedColumn column{.higher_is_better = describe_metric(metric).higher_is_better};
    for (std::size_t row = 0; row < table_.rows.size(); ++row) {
      std::vector<const ItemScores*> scores;
      for (const std::string& task : tasks) {
        const auto of_run = item_scores_.find({row, task});
        if (of_run == item_scores_.end()) {
          break;
        }
        const auto of_metric = of_run->second.find(metric);
        if (of_metric == of_run->second.end() || of_metric->second.values.empty()) {
          break;
        }
        scores.push_back(&of_metric->second);
      }
      const Standing standing = standing_of(table_.rows[row]);
      if (scores.size() == tasks.size() && standing.rank != nullptr) {
        column.standings.push_back(standing);
        column.positions.push_back(row);
        column.scores.push_back(std::move(scores));
      }
    }
    return column;
  }

  bool with_intervals_;
  LeaderboardTable table_;
  std::map<std::pair<std::size_t, std::string>, std::map<std::string, ItemScores>> item_scores_;
  std::map<std::string, std::vector<std::size_t>> rows_of_cell_;
  std::map<std::pair<std::string, std::string>, std::size_t> next_row_;
};

/// The store hands out one run at a time, so while one is read the others are resampled.
std::vector<ScoredRun> read_scored_runs(const Store& store, const std::vector<RunRecord>& runs,
                                        const SummaryOptions& options, Executor& executor) {
  std::vector<ScoredRun> scored(runs.size());
  const auto read = [&](std::size_t i, Executor& resampling) {
    scored[i] = read_scored_run(store, runs[i], options, resampling);
    scored[i].routing = read_run_routing(store, runs[i]);
  };
  if (runs.size() < executor.concurrency()) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      read(i, executor);
    }
    return scored;
  }
  executor.run_all(runs.size(), [&](std::size_t i) {
    SerialExecutor serial;
    read(i, serial);
  });
  return scored;
}

/// The value of an axis with the part of its path that says what it is.
std::string labelled_value(const std::string& path, const Json& value) {
  const std::string option = path.substr(path.rfind('/') + 1);
  if (option == "model" && value.is_string() && value.get<std::string>().ends_with(".gguf")) {
    const auto file = value.get<std::string>();
    return file.substr(file.rfind('/') + 1);
  }
  return option == "type" || option == "model" || option == path ? plain_text(value)
                                                                 : option + " " + plain_text(value);
}

std::string join_label(const std::vector<std::string>& parts) {
  std::string label;
  for (const std::string& part : parts) {
    label += (label.empty() ? "" : " · ") + part;
  }
  return label;
}

}  // namespace

Leaderboard build_leaderboard(const Store& store, const LeaderboardOptions& options,
                              Executor& executor) {
  const std::vector<RunRecord> runs = runs_to_report(store, options.experiment);
  return build_leaderboard(options.experiment, runs,
                           read_scored_runs(store, runs, options.summary, executor), executor);
}

Leaderboard build_leaderboard(const Store& store, const std::vector<RunRecord>& runs,
                              const SummaryOptions& options, Executor& executor) {
  return build_leaderboard(std::nullopt, runs, read_scored_runs(store, runs, options, executor),
                           executor);
}

Leaderboard build_leaderboard(const std::optional<std::string>& experiment,
                              std::span<const RunRecord> runs, std::vector<ScoredRun> scored,
                              Executor& executor) {
  const bool with_intervals = std::any_of(scored.begin(), scored.end(), [](const ScoredRun& run) {
    return std::any_of(run.summary.metrics.begin(), run.summary.metrics.end(),
                       [](const MetricSummary& metric) { return metric.interval.has_value(); });
  });
  std::vector<TableIdentity> identities;  // In order of first appearance.
  std::map<TableIdentity, TableBuilder> builders;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunRecord& run = runs[i];
    const TableIdentity identity = table_identity(run);
    const auto [builder, is_new] = builders.try_emplace(identity, with_intervals);
    if (is_new) {
      identities.push_back(identity);
    }
    builder->second.add(run, std::move(scored[i]));
  }
  Leaderboard leaderboard{.experiment = experiment};
  for (const auto& identity : identities) {
    leaderboard.tables.push_back(builders.at(identity).finish(identity, executor));
  }
  return leaderboard;
}

TableIdentity table_identity(const RunRecord& run) {
  return {text_at(run.provenance, "knowledge_base_mode"),
          text_at(run.provenance, "corpus_fingerprint"),
          text_at(run.provenance, "samples_fingerprint"), selection_of(run.cell)};
}

std::vector<RunRecord> runs_to_report(const Store& store,
                                      const std::optional<std::string>& experiment) {
  if (experiment) {
    const std::vector<std::string> known = store.experiments();
    if (std::find(known.begin(), known.end(), *experiment) == known.end()) {
      throw Error(ErrorCode::kInvalidConfig, "the workspace has no experiment '" + *experiment +
                                                 "'" + suggestion(*experiment, known));
    }
  }
  std::vector<RunRecord> runs = store.runs(experiment);
  for (RunRecord& run : runs) {
    run.cell = labelled_cell(run);
  }
  return runs;
}

Json labelled_cell(const RunRecord& run) {
  Json cell = run.cell;
  if (!run.label.empty() && cell.is_object()) {
    cell["label"] = run.label;
  }
  if (run.stopped_after > 0 && cell.is_object()) {
    cell["stopped"] = "after " + std::to_string(run.stopped_after) + " samples a task";
  }
  return cell;
}

const MetricDescription& metric_of(const LeaderboardTable& table, const std::string& name) {
  return *std::find_if(table.metrics.begin(), table.metrics.end(),
                       [&](const MetricDescription& metric) { return metric.name == name; });
}

std::string axis_title(const LeaderboardTable& table, const std::string& axis) {
  const auto option_of = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
  const std::string option = option_of(axis);
  if (option == "type" && std::count(axis.begin(), axis.end(), '/') == 1) {
    return axis.substr(0, axis.find('/'));
  }
  const auto same_name =
      std::count_if(table.axes.begin(), table.axes.end(),
                    [&](const std::string& other) { return option_of(other) == option; });
  return same_name == 1 ? option : axis;
}

std::vector<ChanceWarning> chance_warnings(const LeaderboardTable& table) {
  std::vector<ChanceWarning> warnings;
  for (const std::string& task : table.tasks) {
    ChanceWarning warning{.task = task};
    for (const std::string& metric : table.main_metrics) {
      double highest = 0.0;
      for (const LeaderboardRow& row : table.rows) {
        const auto run = row.runs.find(task);
        const MetricSummary* summary = run != row.runs.end() ? run->second.metric(metric) : nullptr;
        if (summary != nullptr && summary->chance_level.value_or(0.0) > highest) {
          highest = *summary->chance_level;
          warning.document_count = *run->second.document_count;
        }
      }
      if (highest > kHighChanceLevel) {
        warning.levels.emplace_back(metric, highest);
      }
    }
    if (!warning.levels.empty()) {
      warnings.push_back(std::move(warning));
    }
  }
  return warnings;
}

std::optional<ChanceWarning> chance_warning(const RunSummary& run) {
  ChanceWarning warning{.task = run.task, .document_count = run.document_count.value_or(0)};
  for (const MetricSummary& metric : run.metrics) {
    if (metric.chance_level.value_or(0.0) > kHighChanceLevel) {
      warning.levels.emplace_back(metric.name, *metric.chance_level);
    }
  }
  return warning.levels.empty() ? std::nullopt : std::optional(std::move(warning));
}

std::string chance_text(const ChanceWarning& warning) {
  std::string levels;
  for (const auto& [metric, level] : warning.levels) {
    levels += (levels.empty() ? "" : ", ") + metric + " " + fixed_number(level * 100.0, 2);
  }
  return "small knowledge base: a random ranking of its " + std::to_string(warning.document_count) +
         " documents is expected to reach " + levels;
}

std::optional<double> SampleTally::coverage() const {
  return sample_count > 0
             ? std::optional(static_cast<double>(ok_count) / static_cast<double>(sample_count))
             : std::nullopt;
}

SampleTally tally_samples(const RunSummary& run) {
  return {.sample_count = run.sample_count,
          .ok_count = run.ok_count,
          .failed_count = run.failed_count,
          .pending_count = run.pending_count()};
}

std::optional<MoneyTotals> total_money(const LeaderboardRow& row) {
  std::optional<MoneyTotals> total;
  const auto add = [](std::optional<double>& sum, const std::optional<double>& amount) {
    sum = amount ? std::optional(sum.value_or(0.0) + *amount) : sum;
  };
  for (const auto& [task, run] : row.runs) {
    if (run.money.currency.empty()) {
      continue;
    }
    if (!total) {
      total.emplace().currency = run.money.currency;
    } else if (total->currency != run.money.currency) {
      return std::nullopt;
    }
    add(total->cost, run.money.cost);
    add(total->saved, run.money.saved);
    total->unknown_count += run.money.unknown_count;
  }
  return total;
}

SampleTally tally_samples(const LeaderboardRow& row) {
  SampleTally tally;
  for (const auto& [task, run] : row.runs) {
    tally.sample_count += run.sample_count;
    tally.ok_count += run.ok_count;
    tally.failed_count += run.failed_count;
    tally.pending_count += run.pending_count();
  }
  return tally;
}

std::string data_title(const LeaderboardTable& table) {
  return "knowledge base " +
         (table.knowledge_base_mode.empty() ? "not recorded" : table.knowledge_base_mode) +
         (table.selection.empty() ? "" : ", " + table.selection);
}

std::string row_label(const LeaderboardTable& table, const LeaderboardRow& row) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < table.axes.size(); ++i) {
    if (row.axis_values[i]) {
      parts.push_back(labelled_value(table.axes[i], *row.axis_values[i]));
    }
  }
  return join_label(parts);
}

std::vector<std::string> cell_labels(const std::vector<Json>& cells) {
  std::vector<FlatOptions> options;
  for (const Json& cell : cells) {
    options.push_back(flatten_options(cell));
  }
  const std::vector<std::string> axes = find_axes(options);
  std::vector<std::string> labels;
  for (const FlatOptions& cell : options) {
    std::vector<std::string> parts;
    for (const std::string& axis : axes) {
      if (const std::optional<Json> value = option_at(cell, axis)) {
        parts.push_back(labelled_value(axis, *value));
      }
    }
    labels.push_back(join_label(parts));
  }
  return labels;
}

std::map<std::string, Json> flatten_options(const Json& cell) {
  std::map<std::string, Json> flat;
  if (cell.is_object()) {
    for (const auto& [section, value] : cell.items()) {
      flatten(value, section, flat);
    }
  }
  return flat;
}

}  // namespace crudbench
