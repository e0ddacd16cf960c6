#include "harness/runner/search.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/core/suggest.h"
#include "harness/generators/generator_traits.h"
#include "harness/runner/prices.h"
#include "metrics/metric.h"

namespace crudbench {

namespace {

/// The mean of a metric over the first samples of a run; nullopt without any value. `names` gathers
/// what the samples are scored by.
std::optional<double> mean_of_first(const Store& store, std::int64_t run_id,
                                    const std::string& metric, std::size_t sample_count,
                                    std::set<std::string>& names) {
  const MetricDescription description = describe_metric(metric);
  std::set<std::int64_t> items;
  double sum = 0.0;
  double count = 0.0;
  store.visit_samples(
      run_id,
      [&](const ItemRecord& item, SampleRecord&& sample) {
        items.insert(item.item_id);
        if (items.size() > sample_count) {
          return;
        }
        for (const auto& [name, score] : sample.scores.items()) {
          names.insert(name);
        }
        const Json score = sample.scores.value(metric, Json());
        const bool is_missing = !sample.scores.contains(metric);
        const bool has_failed = (is_missing && sample.failure && description.needs_answer) ||
                                (score.is_object() && score.contains("failed"));
        if (score.is_number()) {
          sum += score.get<double>();
          count += 1.0;
        } else if (has_failed && description.higher_is_better) {
          count += 1.0;
        }
      },
      SampleDetail::kScores);
  return count > 0.0 ? std::optional(sum / count) : std::nullopt;
}

/// What the answers of a run have cost, those from the cache included, and how many they are.
struct RunCost {
  double money = 0.0;
  std::size_t samples = 0;
};

RunCost cost_of_run(const Store& store, std::int64_t run_id) {
  RunCost cost;
  store.visit_samples(
      run_id,
      [&cost](const ItemRecord&, SampleRecord&& sample) {
        cost.money += sample.cost.value_or(0.0) + sample.saved.value_or(0.0);
        ++cost.samples;
      },
      SampleDetail::kScores);
  return cost;
}

void require_prices(const Experiment& experiment) {
  for (const Cell& cell : experiment.cells) {
    const bool is_remote = traits_of(cell.generator.at("type").get<std::string>()).is_remote;
    if (is_remote && !experiment.prices.of(cell.generator)) {
      throw Error(
          ErrorCode::kInvalidConfig,
          experiment.file + ": /search/max_cost: /prices/models has no price for the model '" +
              cell.generator.value("model", cell.generator.at("type")).get<std::string>() + "'");
    }
  }
}

/// One search; an object per call of `run_search`.
class Halving {
 public:
  using Round = std::function<ExperimentOutcome(const RunOptions& options)>;

  Halving(const Experiment& experiment, const Dataset& dataset, const Store& store,
          const RunOptions& options, Round round)
      : search_(experiment.search),
        repeats_(experiment.repeats),
        currency_(experiment.prices.currency),
        store_(store),
        options_(options),
        round_(std::move(round)) {
    for (const std::string& task : tasks_of(dataset)) {
      task_sizes_.push_back(samples_of(dataset, task).size());
    }
    options_.active_cells.assign(experiment.cells.size(), true);
    options_.stopped_after.assign(experiment.cells.size(), 0);
  }

  ExperimentOutcome run() {
    const std::size_t all = *std::max_element(task_sizes_.begin(), task_sizes_.end());
    std::size_t before = 0;
    std::size_t spent = 0;
    for (std::size_t samples = std::min(search_.min_samples, all);;) {
      const std::size_t cost = cost_of_round(before, samples);
      if (search_.max_samples != 0 && spent + cost > search_.max_samples) {
        return give_all_up(before, cost);
      }
      if (search_.max_cost > 0.0 && before > 0 && money_after(samples) > search_.max_cost) {
        log_info("search", "the budget of " + format_money(search_.max_cost, currency_) +
                               " does not reach for another round");
        return give_all_up(before);
      }
      spent += cost;
      options_.samples_per_task = samples;
      ExperimentOutcome outcome = round_(options_);
      if (outcome.interrupted || samples == all) {
        return outcome;
      }
      run_ids_ = outcome.run_ids;
      drop_worst(outcome, samples);
      before = samples;
      samples = alive().size() == 1 ? all : std::min(samples * search_.eta, all);
    }
  }

 private:
  std::vector<std::size_t> alive() const {
    std::vector<std::size_t> cells;
    for (std::size_t cell = 0; cell < options_.active_cells.size(); ++cell) {
      if (options_.active_cells[cell]) {
        cells.push_back(cell);
      }
    }
    return cells;
  }

  /// The samples that a round adds to those of the round before.
  std::size_t cost_of_round(std::size_t before, std::size_t samples) const {
    std::size_t of_cell = 0;
    for (const std::size_t size : task_sizes_) {
      of_cell += std::min(samples, size) - std::min(before, size);
    }
    return of_cell * repeats_ * alive().size();
  }

  /// What all answers will have cost after a round up to so many samples of a task.
  double money_after(std::size_t samples) const {
    const std::size_t tasks = task_sizes_.size();
    double money = 0.0;
    for (std::size_t i = 0; i < run_ids_.size(); ++i) {
      const RunCost cost = cost_of_run(store_, run_ids_[i]);
      money += cost.money;
      if (options_.active_cells[i / tasks] && cost.samples > 0) {
        const std::size_t all = std::min(samples, task_sizes_[i % tasks]) * repeats_;
        money += cost.money / static_cast<double>(cost.samples) *
                 static_cast<double>(all - std::min(all, cost.samples));
      }
    }
    return money;
  }

  /// The budget is spent: what is left stays where it is.
  ExperimentOutcome give_all_up(std::size_t samples, std::size_t cost) {
    if (samples == 0) {
      throw Error(ErrorCode::kInvalidConfig, "/search/max_samples: the first round alone takes " +
                                                 std::to_string(cost) + " samples, the budget is " +
                                                 std::to_string(search_.max_samples));
    }
    log_info("search", "the budget of " + std::to_string(search_.max_samples) +
                           " samples does not reach for another round");
    return give_all_up(samples);
  }

  ExperimentOutcome give_all_up(std::size_t samples) {
    for (const std::size_t cell : alive()) {
      options_.stopped_after[cell] = static_cast<std::int64_t>(samples);
    }
    return round_(options_);  // Nothing is left to do in it; it records how the search ended.
  }

  void drop_worst(const ExperimentOutcome& outcome, std::size_t samples) {
    const std::vector<std::size_t> cells = alive();
    const std::size_t tasks = task_sizes_.size();
    std::vector<std::optional<double>> scores;
    std::set<std::string> names;
    for (const std::size_t cell : cells) {
      double sum = 0.0;
      std::size_t found = 0;
      for (std::size_t task = 0; task < tasks; ++task) {
        const auto mean = mean_of_first(store_, outcome.run_ids.at(cell * tasks + task),
                                        search_.metric, samples, names);
        sum += mean.value_or(0.0);
        found += mean ? 1 : 0;
      }
      scores.push_back(found > 0 ? std::optional(sum / static_cast<double>(found)) : std::nullopt);
    }
    if (std::none_of(scores.begin(), scores.end(), [](const auto& score) { return score; })) {
      const std::vector<std::string> known(names.begin(), names.end());
      throw Error(ErrorCode::kInvalidConfig, "/search/metric: no run has values of '" +
                                                 search_.metric + "'" +
                                                 suggestion(search_.metric, known));
    }
    const std::size_t kept = (cells.size() + search_.eta - 1) / search_.eta;
    const std::vector<std::size_t> best =
        best_positions(scores, kept, describe_metric(search_.metric).higher_is_better);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (!std::binary_search(best.begin(), best.end(), i)) {
        options_.active_cells[cells[i]] = false;
        options_.stopped_after[cells[i]] = static_cast<std::int64_t>(samples);
      }
    }
    log_info("search", "after " + std::to_string(samples) + " samples a task, " +
                           std::to_string(best.size()) + " of " + std::to_string(cells.size()) +
                           " cells go on");
  }

  const Search& search_;
  std::size_t repeats_;
  const std::string& currency_;
  const Store& store_;
  RunOptions options_;
  Round round_;
  std::vector<std::size_t> task_sizes_;  // [task] samples
  std::vector<std::int64_t> run_ids_;    // [cell x task] of the rounds before
};

}  // namespace

std::vector<std::size_t> best_positions(const std::vector<std::optional<double>>& scores,
                                        std::size_t count, bool higher_is_better) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    if (!scores[left] || !scores[right]) {
      return scores[left].has_value() && !scores[right].has_value();
    }
    return higher_is_better ? *scores[left] > *scores[right] : *scores[left] < *scores[right];
  });
  order.resize(std::min(count, order.size()));
  std::sort(order.begin(), order.end());
  return order;
}

ExperimentOutcome run_search(const Experiment& experiment, const Dataset& dataset,
                             const Catalog& catalog, Store& store, const Workspace& workspace,
                             Executor& executor, const RunOptions& options, RunListener& listener,
                             const std::stop_token& stop) {
  if (options.shard) {
    throw Error(ErrorCode::kInvalidConfig,
                "a search by successive halving cannot be split into shards: each round needs the "
                "scores of the one before");
  }
  if (experiment.search.max_cost > 0.0) {
    require_prices(experiment);
  }
  const auto round = [&](const RunOptions& of_round) {
    return run_experiment(experiment, dataset, catalog, store, workspace, executor, of_round,
                          listener, stop);
  };
  return Halving(experiment, dataset, store, options, round).run();
}

}  // namespace crudbench
