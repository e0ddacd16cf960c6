#include "reports/regression.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/suggest.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"
#include "reports/run_summary.h"
#include "reports/safe_text.h"
#include "reports/text_table.h"

namespace crudbench {

namespace {

constexpr double kPointsInAShare = 100.0;

double size_of_point(const MetricDescription& metric) {
  return metric.is_share ? 1.0 / kPointsInAShare : 1.0;
}

MetricDescription described(const std::string& name) {
  MetricDescription metric = describe_metric(name);
  metric.name = name;
  return metric;
}

/// One sample under one metric, over its repeats.
struct SampleValue {
  double sum = 0.0;
  double count = 0.0;
  bool has_failed = false;  ///< In any repeat.

  double mean() const { return sum / count; }
};

/// A run with the values of its samples.
struct ValuedRun {
  RunRecord run;
  std::string label;
  std::map<std::string, std::map<std::string, SampleValue>> values;  ///< By metric, by sample.
};

/// A failure is a 0 where that is a penalty.
void add_failure(ValuedRun& run, const std::string& name, const std::string& sample_id) {
  SampleValue& value = run.values[name][sample_id];
  value.has_failed = true;
  value.count += describe_metric(name).higher_is_better ? 1.0 : 0.0;
}

/// Adds what one result says; a value that does not exist (recall without gold documents) says
/// nothing, and neither does a sample's share in a measure of whole runs.
void add_score(ValuedRun& run, const std::string& name, const std::string& sample_id,
               const Json& score) {
  if (score.is_number()) {
    SampleValue& value = run.values[name][sample_id];
    value.sum += score.get<double>();
    value.count += 1.0;
  } else if (score.is_object() && score.contains("failed")) {
    add_failure(run, name, sample_id);
  }
}

void read_samples_of(const Store& store, ValuedRun& run) {
  std::vector<SampleRecord> failed;
  store.visit_samples(
      run.run.run_id,
      [&](const ItemRecord&, SampleRecord&& sample) {
        for (const auto& [name, score] : sample.scores.items()) {
          add_score(run, name, sample.sample_id, score);
        }
        if (sample.failure) {
          failed.push_back(std::move(sample));
        }
      },
      SampleDetail::kScores);
  // A failed sample may have no scores: it then failed in all that the run's answers are scored by.
  for (auto& [name, values] : run.values) {
    for (const SampleRecord& sample : failed) {
      if (!sample.scores.contains(name) && describe_metric(name).needs_answer) {
        add_failure(run, name, sample.sample_id);
      }
    }
  }
}

std::vector<ValuedRun> read_runs(const Store& store, const std::optional<std::string>& experiment) {
  std::vector<RunRecord> records = runs_to_report(store, experiment);
  std::vector<Json> cells;
  for (const RunRecord& record : records) {
    cells.push_back(record.cell);
  }
  const std::vector<std::string> labels = cell_labels(cells);
  std::vector<ValuedRun> runs;
  for (std::size_t i = 0; i < records.size(); ++i) {
    // One that an experiment calls something is known by that name, whatever its options.
    const std::string& name = records[i].label.empty() ? labels[i] : records[i].label;
    runs.push_back({.run = records[i], .label = name, .values = {}});
    read_samples_of(store, runs.back());
  }
  return runs;
}

std::string name_of(const ValuedRun& run) {
  return "task '" + run.run.task + "', " + run.label;
}

/// Positions of the runs on a task.
std::vector<std::size_t> on_task(const std::vector<ValuedRun>& runs, const std::string& task) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].run.task == task) {
      positions.push_back(i);
    }
  }
  return positions;
}

/// What both sides must have been asked. The corpus may differ: it is part of what is checked.
std::vector<std::string> questions_of(const ValuedRun& run) {
  const auto [mode, corpus, samples, selection] = table_identity(run.run);
  return {mode, samples, selection};
}

/// Pairs of runs; the label is empty where the task alone tells which.
struct RunPair {
  const ValuedRun* baseline = nullptr;
  const ValuedRun* candidate = nullptr;
  std::string label;
};

std::vector<RunPair> match_runs(const std::vector<ValuedRun>& baselines,
                                const std::vector<ValuedRun>& candidates) {
  std::vector<RunPair> pairs;
  for (const ValuedRun& baseline : baselines) {
    const std::vector<std::size_t> on_this = on_task(candidates, baseline.run.task);
    if (on_this.size() == 1 && on_task(baselines, baseline.run.task).size() == 1) {
      pairs.push_back({&baseline, &candidates[on_this.front()], {}});
      continue;
    }
    std::vector<std::size_t> same_label;
    std::copy_if(on_this.begin(), on_this.end(), std::back_inserter(same_label),
                 [&](std::size_t i) { return candidates[i].label == baseline.label; });
    if (same_label.size() != 1) {
      throw Error(ErrorCode::kInvalidData,
                  std::string(same_label.empty() ? "nothing new" : "more than one run") +
                      " to compare with the baseline's " + name_of(baseline) +
                      ": give cells a label that stays, or one experiment by --experiment");
    }
    pairs.push_back({&baseline, &candidates[same_label.front()], baseline.label});
  }
  for (const RunPair& pair : pairs) {
    if (questions_of(*pair.baseline) != questions_of(*pair.candidate)) {
      throw Error(ErrorCode::kInvalidData,
                  name_of(*pair.baseline) +
                      ": the two were run on other samples, knowledge-base mode or selection");
    }
  }
  if (pairs.empty()) {
    throw Error(ErrorCode::kInvalidData, "the baseline has no run to compare with");
  }
  return pairs;
}

/// The metrics to check, with the drops that are allowed. Throws for one that no pair has.
std::map<std::string, double> chosen_metrics(const std::vector<RunPair>& pairs,
                                             const RegressionOptions& options) {
  std::set<std::string> known;
  for (const RunPair& pair : pairs) {
    for (const auto& [name, values] : pair.baseline->values) {
      if (pair.candidate->values.contains(name)) {
        known.insert(name);
      }
    }
  }
  const std::vector<std::string> names(known.begin(), known.end());
  for (const auto& [name, drop] : options.max_drops) {
    if (!known.contains(name)) {
      throw Error(ErrorCode::kInvalidConfig,
                  "the runs share no values of metric '" + name + "'" + suggestion(name, names));
    }
  }
  if (!options.max_drops.empty()) {
    return options.max_drops;
  }
  std::map<std::string, double> chosen;
  for (const std::string& name : main_metrics(names)) {
    chosen.emplace(name, 0.0);
  }
  if (chosen.empty()) {
    throw Error(ErrorCode::kInvalidConfig,
                "the runs share no main metric; name one by --max-drop METRIC=POINTS");
  }
  return chosen;
}

/// nullopt where the two have no sample with a value in common.
std::optional<RegressionLine> compare_pair(const RunPair& pair, const std::string& metric,
                                           double max_drop, const ResamplingOptions& options,
                                           Executor& executor) {
  const auto baseline = pair.baseline->values.find(metric);
  const auto candidate = pair.candidate->values.find(metric);
  if (baseline == pair.baseline->values.end() || candidate == pair.candidate->values.end()) {
    return std::nullopt;
  }
  RegressionLine line{
      .task = pair.baseline->run.task, .label = pair.label, .metric = described(metric)};
  std::vector<double> before;
  std::vector<double> after;
  for (const auto& [sample_id, value] : baseline->second) {
    const auto other = candidate->second.find(sample_id);
    if (other == candidate->second.end()) {
      continue;
    }
    line.baseline_failed_count += value.has_failed ? 1 : 0;
    line.failed_count += other->second.has_failed ? 1 : 0;
    if (value.count > 0.0 && other->second.count > 0.0) {
      before.push_back(value.mean());
      after.push_back(other->second.mean());
    }
  }
  const auto paired = compare_paired(after, before, options, executor);
  if (!paired) {
    return std::nullopt;
  }
  line.paired = *paired;
  std::vector<double> changes(before.size());
  std::transform(after.begin(), after.end(), before.begin(), changes.begin(), std::minus<>());
  // Not limited by a number of random flips: with many lines, Holm's factor would exceed it.
  line.paired.p_value = sign_flip_p_value(changes);
  line.sample_count = static_cast<std::int64_t>(before.size());
  line.baseline_mean = stable_sum(before) / static_cast<double>(before.size());
  line.mean = stable_sum(after) / static_cast<double>(after.size());
  line.allowed_drop = max_drop * size_of_point(line.metric);
  return line;
}

const char* verdict(const RegressionLine& line, double alpha) {
  if (line.is_regression) {
    return "WORSE";
  }
  if (line.drop() <= 0.0) {
    return "ok";
  }
  return line.adjusted_p_value > alpha ? "ok, within chance" : "worse, allowed";
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

double RegressionLine::drop() const {
  return metric.higher_is_better ? -paired.difference : paired.difference;
}

RegressionCheck check_regression(const Store& baseline, const Store& candidate,
                                 const RegressionOptions& options, Executor& executor) {
  const std::vector<ValuedRun> before = read_runs(baseline, options.experiment);
  const std::vector<ValuedRun> after = read_runs(candidate, options.experiment);
  const std::vector<RunPair> pairs = match_runs(before, after);
  RegressionCheck check{.lines = {}, .alpha = options.alpha};
  const std::map<std::string, double> metrics = chosen_metrics(pairs, options);
  std::vector<std::string> names;
  for (const auto& [name, max_drop] : metrics) {
    names.push_back(name);
  }
  std::sort(names.begin(), names.end(), metric_precedes);
  std::vector<double> p_values;
  for (const RunPair& pair : pairs) {
    for (const std::string& name : names) {
      if (auto line = compare_pair(pair, name, metrics.at(name), options.resampling, executor)) {
        p_values.push_back(line->paired.p_value);
        check.lines.push_back(std::move(*line));
      }
    }
  }
  const std::vector<double> adjusted = holm_correction(p_values);
  for (std::size_t i = 0; i < adjusted.size(); ++i) {
    RegressionLine& line = check.lines[i];
    line.adjusted_p_value = adjusted[i];
    line.is_regression = line.drop() > line.allowed_drop && adjusted[i] <= options.alpha;
    check.has_regression = check.has_regression || line.is_regression;
  }
  return check;
}

std::string regression_terminal(const RegressionCheck& check, bool colours) {
  const bool has_labels = std::any_of(check.lines.begin(), check.lines.end(),
                                      [](const auto& line) { return !line.label.empty(); });
  std::vector<TextColumn> columns = {{.title = "task"}};
  if (has_labels) {
    columns.push_back({.title = "cell"});
  }
  columns.push_back({.title = "metric"});
  for (const char* title :
       {"n", "failed", "baseline", "new", "change", "allowed", "detectable", "p (Holm)"}) {
    columns.push_back({.title = title, .right_aligned = true});
  }
  columns.push_back({.title = "verdict"});
  TextTable table(std::move(columns));
  for (const RegressionLine& line : check.lines) {
    std::vector<TextCell> cells = {{.text = line.task}};
    if (has_labels) {
      cells.push_back({.text = line.label});
    }
    const std::vector<std::string> texts = {
        line.metric.name,
        std::to_string(line.sample_count),
        std::to_string(line.baseline_failed_count) + "/" + std::to_string(line.failed_count),
        mean_text(line.baseline_mean, line.metric),
        mean_text(line.mean, line.metric),
        difference_text(line.paired.difference, line.metric),
        mean_text(line.allowed_drop, line.metric),
        mean_text(line.paired.smallest_detectable, line.metric),
        p_value_text(line.adjusted_p_value)};
    for (const std::string& text : texts) {
      cells.push_back({.text = text});
    }
    cells.push_back({.text = verdict(line, check.alpha),
                     .emphasis = line.is_regression ? Emphasis::kWarning : Emphasis::kNone});
    table.add_row(std::move(cells));
  }
  return table.to_string(colours) +
         "\nn: samples with a value in both; failed: samples that failed, before/now, counted as 0 "
         "where higher is better. detectable: the smallest true change that this n finds 8 times "
         "in 10. p, two-sided: paired sign-flip test, Holm over all lines; WORSE is a drop of "
         "more than allowed with p at most " +
         exact_number(check.alpha) + ".\n";
}

Json regression_json(const RegressionCheck& check) {
  Json lines = Json::array();
  for (const RegressionLine& line : check.lines) {
    const PairedComparison& paired = line.paired;
    lines.push_back({{"task", line.task},
                     {"label", line.label},
                     {"metric", line.metric.name},
                     {"n", line.sample_count},
                     {"n_failed_baseline", line.baseline_failed_count},
                     {"n_failed", line.failed_count},
                     {"baseline_mean", line.baseline_mean},
                     {"mean", line.mean},
                     {"difference", paired.difference},
                     {"low", paired.interval ? Json(paired.interval->low) : Json()},
                     {"high", paired.interval ? Json(paired.interval->high) : Json()},
                     {"p_value", paired.p_value},
                     {"p_value_holm", line.adjusted_p_value},
                     {"smallest_detectable", optional_json(paired.smallest_detectable)},
                     {"max_drop", line.allowed_drop},
                     {"regression", line.is_regression}});
  }
  return {{"format", "crudbench-check"},
          {"version", 1},
          {"alpha", check.alpha},
          {"regression", check.has_regression},
          {"lines", std::move(lines)}};
}

}  // namespace crudbench
