#include "reports/comparison.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/suggest.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"
#include "reports/safe_text.h"
#include "reports/text_table.h"

namespace crudbench {

namespace {

constexpr double kSignificanceLevel = 0.05;

/// The mean of the valid repeats of each item, by metric and then item.
using ItemValues = std::map<std::int64_t, double>;
using RunValues = std::map<std::string, ItemValues>;

RunValues read_values(const Store& store, std::int64_t run_id) {
  struct Sum {
    double sum = 0.0;
    double count = 0.0;
  };
  std::map<std::string, std::map<std::int64_t, Sum>> sums;
  store.visit_samples(
      run_id,
      [&](const ItemRecord& item, SampleRecord&& sample) {
        for (const auto& [name, score] : sample.scores.items()) {
          if (score.is_number()) {
            Sum& sum = sums[name][item.item_id];
            sum.sum += score.get<double>();
            sum.count += 1.0;
          }
        }
      },
      SampleDetail::kScores);
  RunValues values;
  for (const auto& [name, items] : sums) {
    for (const auto& [item_id, sum] : items) {
      values[name].emplace(item_id, sum.sum / sum.count);
    }
  }
  return values;
}

void require_same(const RunRecord& baseline, const RunRecord& run, const std::string& what,
                  const std::string& baseline_value, const std::string& value) {
  if (baseline_value != value) {
    const auto shown = [](const std::string& text) {
      return text.empty() ? std::string("not recorded") : "'" + text + "'";
    };
    throw Error(ErrorCode::kInvalidConfig,
                "runs must share their " + what + " to be compared: run " +
                    std::to_string(baseline.run_id) + " has " + shown(baseline_value) + ", run " +
                    std::to_string(run.run_id) + " has " + shown(value));
  }
}

std::string recorded(const RunRecord& run, const char* key) {
  return run.provenance.is_object() && run.provenance.contains(key)
             ? plain_text(run.provenance[key])
             : "";
}

std::vector<RunRecord> find_runs(const Store& store, const std::vector<std::string>& names) {
  if (names.size() < 2) {
    throw Error(ErrorCode::kInvalidConfig,
                "a comparison needs two runs or more, got " + std::to_string(names.size()));
  }
  std::vector<RunRecord> runs;
  for (const std::string& name : names) {
    RunRecord run = store.find_run(name);
    for (const RunRecord& earlier : runs) {
      if (earlier.run_id == run.run_id) {
        throw Error(ErrorCode::kInvalidConfig,
                    "run " + std::to_string(run.run_id) + " is named twice");
      }
    }
    if (!runs.empty()) {
      require_same(runs.front(), run, "task", runs.front().task, run.task);
      for (const auto& [key, what] : {std::pair("knowledge_base_mode", "knowledge-base mode"),
                                      std::pair("corpus_fingerprint", "corpus"),
                                      std::pair("samples_fingerprint", "samples")}) {
        require_same(runs.front(), run, what, recorded(runs.front(), key), recorded(run, key));
      }
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

/// What tells the runs apart, as a leaderboard would say it.
std::vector<std::string> label_runs(const std::vector<RunRecord>& runs) {
  std::vector<Json> cells;
  for (const RunRecord& run : runs) {
    cells.push_back(labelled_cell(run));
  }
  const std::vector<std::string> labels = cell_labels(cells);
  std::vector<std::string> unique;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const bool is_unique =
        !labels[i].empty() && std::count(labels.begin(), labels.end(), labels[i]) == 1;
    unique.push_back(is_unique ? labels[i]
                               : labels[i] + (labels[i].empty() ? "run " : " · run ") +
                                     std::to_string(runs[i].run_id));
  }
  return unique;
}

std::vector<std::string> choose_metrics(const std::vector<RunValues>& values,
                                        const ComparisonOptions& options) {
  std::set<std::string> known;
  for (const auto& [name, items] : values.front()) {
    const bool shared = std::any_of(values.begin() + 1, values.end(),
                                    [&name = name](auto& other) { return other.contains(name); });
    if (shared) {
      known.insert(name);
    }
  }
  std::vector<std::string> names(known.begin(), known.end());
  std::sort(names.begin(), names.end(), metric_precedes);
  if (names.empty()) {
    throw Error(ErrorCode::kInvalidConfig,
                "the runs share no metric with a value; 'crudbench show RUN' lists what they have");
  }
  for (const std::string& wanted : options.metrics) {
    if (!known.contains(wanted)) {
      throw Error(ErrorCode::kInvalidConfig, "the runs share no values of metric '" + wanted + "'" +
                                                 suggestion(wanted, names));
    }
  }
  if (!options.metrics.empty()) {
    return options.metrics;
  }
  std::vector<std::string> main = main_metrics(names);
  return main.empty() ? names : main;
}

/// nullopt unless the metric is binary and every value 0 or 1.
std::optional<McNemarTest> mcnemar_test(const MetricDescription& metric,
                                        const std::vector<double>& baseline,
                                        const std::vector<double>& system) {
  const auto is_binary = [](double value) { return value == 0.0 || value == 1.0; };
  if (!metric.is_binary || !std::all_of(baseline.begin(), baseline.end(), is_binary) ||
      !std::all_of(system.begin(), system.end(), is_binary)) {
    return std::nullopt;
  }
  McNemarTest test;
  for (std::size_t i = 0; i < baseline.size(); ++i) {
    if (baseline[i] != system[i]) {
      const bool system_is_better = (system[i] > baseline[i]) == metric.higher_is_better;
      ++(system_is_better ? test.system_alone_count : test.baseline_alone_count);
    }
  }
  test.p_value = mcnemar_p_value(static_cast<std::size_t>(test.baseline_alone_count),
                                 static_cast<std::size_t>(test.system_alone_count));
  return test;
}

std::optional<MetricComparison> compare_metric(const std::string& metric, const RunValues& baseline,
                                               const RunValues& system,
                                               const ResamplingOptions& options,
                                               Executor& executor) {
  const auto baseline_items = baseline.find(metric);
  const auto system_items = system.find(metric);
  if (baseline_items == baseline.end() || system_items == system.end()) {
    return std::nullopt;
  }
  std::vector<double> baseline_values;
  std::vector<double> system_values;
  for (const auto& [item_id, value] : baseline_items->second) {
    const auto pair = system_items->second.find(item_id);
    if (pair != system_items->second.end()) {
      baseline_values.push_back(value);
      system_values.push_back(pair->second);
    }
  }
  auto paired = compare_paired(system_values, baseline_values, options, executor);
  if (!paired) {
    return std::nullopt;
  }
  MetricComparison comparison{.metric = describe_metric(metric)};
  comparison.metric.name = metric;
  comparison.common_count = static_cast<std::int64_t>(baseline_values.size());
  comparison.only_baseline_count =
      static_cast<std::int64_t>(baseline_items->second.size() - baseline_values.size());
  comparison.only_system_count =
      static_cast<std::int64_t>(system_items->second.size() - baseline_values.size());
  comparison.baseline_mean = mean(baseline_values);
  comparison.system_mean = mean(system_values);
  comparison.paired = *paired;
  comparison.mcnemar = mcnemar_test(comparison.metric, baseline_values, system_values);
  return comparison;
}

std::string interval_text(const std::optional<Interval>& interval,
                          const MetricDescription& metric) {
  return interval ? "[" + difference_text(interval->low, metric) + ", " +
                        difference_text(interval->high, metric) + "]"
                  : "–";
}

/// A column of numbers, for all text forms.
struct NumberColumn {
  std::string title;
  std::string (*text)(const MetricComparison& line);
};

/// The columns after the metric's name, the corrected p-value last; those that say nothing about
/// any of the lines are left out.
std::vector<NumberColumn> number_columns(const RunComparison& comparison) {
  using Line = const MetricComparison&;
  const auto any = [&](const auto& predicate) {
    return std::any_of(comparison.comparisons.begin(), comparison.comparisons.end(), predicate);
  };
  std::vector<NumberColumn> columns = {
      {"n", [](Line line) { return std::to_string(line.common_count); }}};
  if (any([](Line line) { return line.only_baseline_count > 0 || line.only_system_count > 0; })) {
    columns.push_back({"only A/B", [](Line line) {
                         return std::to_string(line.only_baseline_count) + "/" +
                                std::to_string(line.only_system_count);
                       }});
  }
  columns.insert(
      columns.end(),
      {{"A", [](Line line) { return mean_text(line.baseline_mean, line.metric); }},
       {"B", [](Line line) { return mean_text(line.system_mean, line.metric); }},
       {"B - A", [](Line line) { return difference_text(line.paired.difference, line.metric); }},
       {"95 % interval",
        [](Line line) { return interval_text(line.paired.interval, line.metric); }},
       {"detectable",
        [](Line line) { return mean_text(line.paired.smallest_detectable, line.metric); }},
       {"d_z", [](Line line) { return fixed_number(line.paired.effect_size, 2); }}});
  if (any([](Line line) { return line.mcnemar.has_value(); })) {
    columns.push_back({"alone A/B", [](Line line) {
                         return line.mcnemar
                                    ? std::to_string(line.mcnemar->baseline_alone_count) + "/" +
                                          std::to_string(line.mcnemar->system_alone_count)
                                    : std::string("–");
                       }});
  }
  columns.insert(columns.end(),
                 {{"p", [](Line line) { return p_value_text(line.p_value()); }},
                  {"p (Holm)", [](Line line) { return p_value_text(line.adjusted_p_value); }}});
  return columns;
}

constexpr const char* kReadingNote =
    "n: samples with a value in both runs; only A/B: samples with a value in one of them. Shares "
    "in %. detectable: the smallest true difference that this n finds 8 times in 10; d_z: mean "
    "difference / its standard deviation. p, two-sided: paired permutation test, or, where "
    "alone A/B counts the samples on which A alone and B alone succeeded, McNemar's exact test; "
    "Holm over all lines.";

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json mcnemar_json(const std::optional<McNemarTest>& test) {
  return test ? Json{{"n_baseline_alone", test->baseline_alone_count},
                     {"n_run_alone", test->system_alone_count},
                     {"p_value", test->p_value}}
              : Json();
}

}  // namespace

RunComparison compare_runs(const Store& store, const std::vector<std::string>& runs,
                           const ComparisonOptions& options, Executor& executor) {
  RunComparison result{.runs = find_runs(store, runs)};
  result.labels = label_runs(result.runs);
  std::vector<RunValues> values;
  for (const RunRecord& run : result.runs) {
    values.push_back(read_values(store, run.run_id));
  }
  std::vector<double> p_values;
  for (const std::string& metric : choose_metrics(values, options)) {
    for (std::size_t system = 1; system < values.size(); ++system) {
      auto comparison =
          compare_metric(metric, values.front(), values[system], options.resampling, executor);
      if (comparison) {
        comparison->system = system;
        p_values.push_back(comparison->p_value());
        result.comparisons.push_back(std::move(*comparison));
      }
    }
  }
  const std::vector<double> adjusted = holm_correction(p_values);
  for (std::size_t i = 0; i < adjusted.size(); ++i) {
    result.comparisons[i].adjusted_p_value = adjusted[i];
  }
  return result;
}

std::string comparison_terminal(const RunComparison& comparison, bool colours,
                                std::size_t columns) {
  std::string output =
      emphasized(printable_line(comparison.runs.front().task), Emphasis::kBold, colours) +
      "\nA: " + printable_line(comparison.labels.front()) + "\n";
  for (std::size_t system = 1; system < comparison.runs.size(); ++system) {
    output += "\nB: " + printable_line(comparison.labels[system]) + "\n" +
              comparison_table_terminal(comparison, system, colours, columns);
  }
  return output + "\n" + kReadingNote + "\n";
}

std::string comparison_markdown(const RunComparison& comparison) {
  std::string output = "# " + markdown_cell(comparison.runs.front().task) +
                       "\n\nA: " + markdown_cell(comparison.labels.front()) + "\n";
  for (std::size_t system = 1; system < comparison.runs.size(); ++system) {
    output += "\n## B: " + markdown_cell(comparison.labels[system]) + "\n\n" +
              comparison_table_markdown(comparison, system);
  }
  return output + "\n" + kReadingNote + "\n";
}

std::string comparison_table_terminal(const RunComparison& comparison, std::size_t system,
                                      bool colours, std::size_t columns) {
  const std::vector<NumberColumn> numbers = number_columns(comparison);
  std::vector<TextColumn> titles = {{.title = "metric"}};
  for (const NumberColumn& number : numbers) {
    titles.push_back({.title = number.title, .right_aligned = true});
  }
  TextTable table(std::move(titles));
  for (const MetricComparison& line : comparison.comparisons) {
    if (line.system != system) {
      continue;
    }
    std::vector<TextCell> cells = {{.text = line.metric.name}};
    for (const NumberColumn& number : numbers) {
      cells.push_back({.text = number.text(line)});
    }
    if (line.adjusted_p_value < kSignificanceLevel) {
      cells.back().emphasis = Emphasis::kBold;
    }
    table.add_row(std::move(cells));
  }
  return table.to_string(colours, columns);
}

std::string comparison_table_markdown(const RunComparison& comparison, std::size_t system) {
  const std::vector<NumberColumn> numbers = number_columns(comparison);
  std::string output = "| metric |";
  for (const NumberColumn& number : numbers) {
    output += " " + markdown_cell(number.title) + " |";
  }
  output += "\n| --- |";
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    output += " ---: |";
  }
  output += "\n";
  for (const MetricComparison& line : comparison.comparisons) {
    if (line.system != system) {
      continue;
    }
    output += "| " + markdown_cell(line.metric.name) + " |";
    for (const NumberColumn& number : numbers) {
      output += " " + markdown_cell(number.text(line)) + " |";
    }
    output += "\n";
  }
  return output;
}

std::string comparison_note() {
  return kReadingNote;
}

std::vector<ItemValue> read_item_values(const Store& store, std::int64_t run_id,
                                        const std::string& metric) {
  std::vector<ItemValue> values;
  std::size_t repeats = 0;  // Of the last item.
  store.visit_samples(
      run_id,
      [&](const ItemRecord& item, SampleRecord&& sample) {
        const auto score = sample.scores.find(metric);
        if (score == sample.scores.end() || !score->is_number()) {
          return;
        }
        if (values.empty() || values.back().item_id != item.item_id) {
          values.push_back({item.item_id, item.sample_id, 0.0});
          repeats = 0;
        }
        ++repeats;
        double& mean = values.back().value;
        mean += (score->get<double>() - mean) / static_cast<double>(repeats);
      },
      SampleDetail::kScores);
  return values;
}

Json comparison_json(const RunComparison& comparison) {
  Json runs = Json::array();
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    runs.push_back({{"run_id", comparison.runs[i].run_id},
                    {"fingerprint", comparison.runs[i].fingerprint},
                    {"label", comparison.labels[i]}});
  }
  Json lines = Json::array();
  for (const MetricComparison& line : comparison.comparisons) {
    const PairedComparison& paired = line.paired;
    lines.push_back({{"metric", line.metric.name},
                     {"run", line.system},
                     {"n_common", line.common_count},
                     {"n_only_baseline", line.only_baseline_count},
                     {"n_only_run", line.only_system_count},
                     {"baseline_mean", line.baseline_mean},
                     {"mean", line.system_mean},
                     {"difference", paired.difference},
                     {"low", paired.interval ? Json(paired.interval->low) : Json()},
                     {"high", paired.interval ? Json(paired.interval->high) : Json()},
                     {"test", line.mcnemar ? "mcnemar" : "permutation"},
                     {"p_value", line.p_value()},
                     {"p_value_holm", line.adjusted_p_value},
                     {"effect_size", optional_json(paired.effect_size)},
                     {"smallest_detectable", optional_json(paired.smallest_detectable)},
                     {"mcnemar", mcnemar_json(line.mcnemar)}});
  }
  return {{"format", "crudbench-comparison"},
          {"version", 1},
          {"task", comparison.runs.front().task},
          {"runs", std::move(runs)},
          {"comparisons", std::move(lines)}};
}

}  // namespace crudbench
