#include "reports/system_comparison.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <utility>

#include "harness/core/error.h"
#include "reports/leaderboard.h"

namespace crudbench {

namespace {

/// The runs of one cell on one data set.
struct System {
  TableIdentity identity;
  std::string cell_fingerprint;
  std::string label;
  std::vector<RunRecord> runs;
};

std::vector<System> read_systems(const Store& store, const std::optional<std::string>& experiment) {
  std::vector<System> systems;
  for (RunRecord& run : runs_to_report(store, experiment)) {
    const TableIdentity identity = table_identity(run);
    auto system = std::find_if(systems.begin(), systems.end(), [&](const System& other) {
      return other.identity == identity && other.cell_fingerprint == run.cell_fingerprint;
    });
    if (system == systems.end()) {
      systems.push_back({.identity = identity, .cell_fingerprint = run.cell_fingerprint});
      system = std::prev(systems.end());
    }
    system->runs.push_back(std::move(run));
  }
  std::vector<Json> cells;
  for (const System& system : systems) {
    cells.push_back(system.runs.front().cell);
  }
  const std::vector<std::string> labels = cell_labels(cells);
  for (std::size_t i = 0; i < systems.size(); ++i) {
    systems[i].label = labels[i];
  }
  return systems;
}

bool is_named(const System& system, const std::string& name) {
  return !name.empty() &&
         (system.label == name || system.cell_fingerprint.starts_with(name) ||
          std::any_of(system.runs.begin(), system.runs.end(), [&](const RunRecord& run) {
            return std::to_string(run.run_id) == name || run.fingerprint.starts_with(name);
          }));
}

const System& find_system(const std::vector<System>& systems, const std::string& name) {
  // A run's id is whole; only without it may the name be the start of a fingerprint.
  std::vector<const System*> found;
  for (const System& system : systems) {
    const bool has_run =
        std::any_of(system.runs.begin(), system.runs.end(),
                    [&](const RunRecord& run) { return std::to_string(run.run_id) == name; });
    if (has_run) {
      return system;
    }
    if (is_named(system, name)) {
      found.push_back(&system);
    }
  }
  if (found.size() != 1) {
    throw Error(ErrorCode::kInvalidConfig,
                (found.empty() ? "no system is called '" : "several systems fit '") + name +
                    "': name a row by one of its runs ('crudbench ls' lists them), its label or "
                    "the start of its cell fingerprint");
  }
  return *found.front();
}

void require_comparable(const System& a, const System& b) {
  if (&a == &b) {
    throw Error(ErrorCode::kInvalidConfig, "both names mean the same system, '" + a.label + "'");
  }
  constexpr std::array kParts = {"knowledge-base mode", "corpus", "samples",
                                 "choice among the samples"};
  for (std::size_t i = 0; i < kParts.size(); ++i) {
    if (a.identity[i] != b.identity[i]) {
      throw Error(ErrorCode::kInvalidConfig, "'" + a.label + "' and '" + b.label +
                                                 "' differ in their " + std::string(kParts[i]) +
                                                 ": '" + a.identity[i] + "' and '" + b.identity[i] +
                                                 "' cannot be compared");
    }
  }
}

std::vector<OptionDifference> option_differences(const Json& a, const Json& b) {
  const std::map<std::string, Json> of_a = flatten_options(a);
  const std::map<std::string, Json> of_b = flatten_options(b);
  std::map<std::string, OptionDifference> all;
  for (const auto& [path, value] : of_a) {
    all[path].a = value;
  }
  for (const auto& [path, value] : of_b) {
    all[path].b = value;
  }
  std::vector<OptionDifference> differences;
  for (auto& [path, difference] : all) {
    if (difference.a != difference.b) {
      difference.path = path;
      differences.push_back(std::move(difference));
    }
  }
  return differences;
}

/// The metric by which samples are told apart; the first one if none is of answers.
const MetricDescription& choose_sample_metric(const RunComparison& comparison) {
  const auto of_answers = std::find_if(comparison.comparisons.begin(), comparison.comparisons.end(),
                                       [](const MetricComparison& line) {
                                         return line.metric.needs_answer && line.metric.is_ranked;
                                       });
  return of_answers != comparison.comparisons.end() ? of_answers->metric
                                                    : comparison.comparisons.front().metric;
}

void contrast_samples(const Store& store, std::size_t most, TaskContrast& contrast) {
  struct Values {
    std::string sample_id;
    std::optional<double> a;
    std::optional<double> b;
  };
  std::map<std::int64_t, Values> items;
  const std::string& metric = contrast.sample_metric.name;
  for (std::size_t side = 0; side < 2; ++side) {
    for (const ItemValue& value :
         read_item_values(store, contrast.comparison.runs[side].run_id, metric)) {
      Values& values = items[value.item_id];
      values.sample_id = value.sample_id;
      (side == 0 ? values.a : values.b) = value.value;
    }
  }
  std::vector<SampleContrast> both;
  for (const auto& [item_id, values] : items) {
    if (values.a && values.b) {
      both.push_back({values.sample_id, *values.a, *values.b});
    }
  }
  const double sign = contrast.sample_metric.higher_is_better ? 1.0 : -1.0;
  const auto lead_of_a = [sign](const SampleContrast& sample) {
    return sign * (sample.a - sample.b);
  };
  std::stable_sort(both.begin(), both.end(), [&](const auto& left, const auto& right) {
    return lead_of_a(left) > lead_of_a(right);
  });
  for (const SampleContrast& sample : both) {
    const double lead = lead_of_a(sample);
    ++(lead > 0.0   ? contrast.a_better_count
       : lead < 0.0 ? contrast.b_better_count
                    : contrast.equal_count);
    if (lead > 0.0 && contrast.a_better.size() < most) {
      contrast.a_better.push_back(sample);
    }
  }
  for (auto sample = both.rbegin(); sample != both.rend(); ++sample) {
    if (lead_of_a(*sample) < 0.0 && contrast.b_better.size() < most) {
      contrast.b_better.push_back(*sample);
    }
  }
}

/// One family of hypotheses: all metrics of all tasks.
void correct_p_values(std::vector<TaskContrast>& tasks) {
  std::vector<double> p_values;
  for (const TaskContrast& task : tasks) {
    for (const MetricComparison& line : task.comparison.comparisons) {
      p_values.push_back(line.p_value());
    }
  }
  const std::vector<double> corrected = holm_correction(p_values);
  std::size_t position = 0;
  for (TaskContrast& task : tasks) {
    for (MetricComparison& line : task.comparison.comparisons) {
      line.adjusted_p_value = corrected[position++];
    }
  }
}

Json samples_json(const std::vector<SampleContrast>& samples) {
  Json list = Json::array();
  for (const SampleContrast& sample : samples) {
    list.push_back({{"sample_id", sample.sample_id}, {"a", sample.a}, {"b", sample.b}});
  }
  return list;
}

}  // namespace

SystemComparison compare_systems(const Store& store, const std::string& a, const std::string& b,
                                 const SystemComparisonOptions& options, Executor& executor) {
  const std::vector<System> systems = read_systems(store, options.experiment);
  const System& system_a = find_system(systems, a);
  const System& system_b = find_system(systems, b);
  require_comparable(system_a, system_b);
  SystemComparison result{.label_a = system_a.label,
                          .label_b = system_b.label,
                          .cell_a = system_a.runs.front().cell,
                          .cell_b = system_b.runs.front().cell};
  result.options = option_differences(result.cell_a, result.cell_b);
  std::vector<RunRecord> runs_of_b;
  for (const RunRecord& run : system_a.runs) {
    const auto other =
        std::find_if(system_b.runs.begin(), system_b.runs.end(),
                     [&](const RunRecord& candidate) { return candidate.task == run.task; });
    if (other == system_b.runs.end()) {
      continue;
    }
    TaskContrast contrast{.task = run.task,
                          .comparison = compare_runs(
                              store, {std::to_string(run.run_id), std::to_string(other->run_id)},
                              {.metrics = {}, .resampling = options.resampling}, executor)};
    contrast.sample_metric = choose_sample_metric(contrast.comparison);
    contrast_samples(store, options.sample_count, contrast);
    result.tasks.push_back(std::move(contrast));
    result.runs.push_back(run);
    runs_of_b.push_back(*other);
  }
  if (result.tasks.empty()) {
    throw Error(ErrorCode::kInvalidConfig,
                "'" + system_a.label + "' and '" + system_b.label + "' share no task");
  }
  correct_p_values(result.tasks);
  result.runs.insert(result.runs.end(), runs_of_b.begin(), runs_of_b.end());
  return result;
}

Json system_comparison_json(const SystemComparison& comparison) {
  Json options = Json::array();
  for (const OptionDifference& difference : comparison.options) {
    options.push_back({{"path", difference.path},
                       {"a", difference.a.value_or(Json())},
                       {"b", difference.b.value_or(Json())}});
  }
  Json tasks = Json::array();
  for (const TaskContrast& task : comparison.tasks) {
    tasks.push_back({{"task", task.task},
                     {"comparison", comparison_json(task.comparison)},
                     {"sample_metric", task.sample_metric.name},
                     {"n_a_better", task.a_better_count},
                     {"n_b_better", task.b_better_count},
                     {"n_equal", task.equal_count},
                     {"a_better", samples_json(task.a_better)},
                     {"b_better", samples_json(task.b_better)}});
  }
  return {{"format", "crudbench-system-comparison"},
          {"version", 1},
          {"a", {{"label", comparison.label_a}, {"cell", comparison.cell_a}}},
          {"b", {{"label", comparison.label_b}, {"cell", comparison.cell_b}}},
          {"options", std::move(options)},
          {"tasks", std::move(tasks)}};
}

}  // namespace crudbench
