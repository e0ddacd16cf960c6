#include "reports/run_summary.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "metrics/metric.h"

namespace crudbench {

namespace {

constexpr std::array<std::string_view, 5> kMainMetrics = {"bleu_upstream", "rouge_l", "hit@",
                                                          "recall@", "mrr"};
constexpr std::int64_t kPreferredCutoff = 8;
constexpr std::string_view kFormatMetric = "missing_response_tag";

/// Position in `kMainMetrics`, or its size for any other metric. A name that ends in '@' stands for
/// every cutoff.
std::size_t main_rank(std::string_view name) {
  const auto found = std::find_if(kMainMetrics.begin(), kMainMetrics.end(), [&](auto main) {
    return main.ends_with('@') ? name.starts_with(main) : name == main;
  });
  return static_cast<std::size_t>(found - kMainMetrics.begin());
}

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

/// Takes the digits at the front of `text`, without leading zeros.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits;
}

/// Lexicographic, but a group of digits counts as one number.
bool natural_less(std::string_view left, std::string_view right) {
  const auto whole = std::pair(left, right);
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const std::string_view left_number = take_digits(left);
      const std::string_view right_number = take_digits(right);
      if (left_number != right_number) {
        return left_number.size() != right_number.size() ? left_number.size() < right_number.size()
                                                         : left_number < right_number;
      }
    } else if (left.front() != right.front()) {
      return left.front() < right.front();
    } else {
      left.remove_prefix(1);
      right.remove_prefix(1);
    }
  }
  return left.empty() == right.empty() ? whole.first < whole.second : left.empty();
}

/// The values of one metric, as they come.
struct MetricColumn {
  MetricSummary summary;
  std::vector<double> values;
  std::vector<double> item_means;  ///< Over the repeats of an item.
  std::int64_t last_item_id = 0;
  double last_item_count = 0.0;
  std::int64_t seen_in_ok = 0;

  void add(std::int64_t item_id, double value) {
    ++summary.valid_count;
    values.push_back(value);
    if (item_means.empty() || last_item_id != item_id) {
      item_means.push_back(value);
      last_item_id = item_id;
      last_item_count = 1.0;
    } else {
      last_item_count += 1.0;
      item_means.back() += (value - item_means.back()) / last_item_count;
    }
  }

  void add_failure(const std::string& failure_class) {
    ++summary.failed_count;
    ++summary.failures[failure_class];
  }
};

/// Samples that failed before they were scored, by what a metric says of them.
struct UnscoredSample {
  std::string failure_class;
  bool has_gold = false;
  Json scores;
};

class RunAccumulator {
 public:
  void add(const ItemRecord& item, const SampleRecord& sample) {
    for (const auto& [name, score] : sample.scores.items()) {
      add_score(name, item.item_id, score, !sample.failure);
    }
    if (sample.failure) {
      ++failed_count_;
      ++failures_[std::string(to_string(sample.failure->stage)) + "/" +
                  sample.failure->failure_class];
      unscored_.push_back({.failure_class = sample.failure->failure_class,
                           .has_gold = !item.gold_doc_ids.empty(),
                           .scores = sample.scores});
    } else {
      ++ok_count_;
    }
    add_costs(sample);
  }

  RunSummary finish(const RunRecord& run, const SummaryOptions& options, Executor& executor) {
    RunSummary summary{.run_id = run.run_id,
                       .fingerprint = run.fingerprint,
                       .task = run.task,
                       .created_at = run.created_at,
                       .sample_count = run.sample_count,
                       .ok_count = ok_count_,
                       .failed_count = failed_count_,
                       .failures = std::move(failures_),
                       .record_count = task_count(run.provenance, "records", run.task),
                       .excluded_count = task_count(run.provenance, "excluded", run.task),
                       .retrieval_seconds = retrieval_seconds_,
                       .generation_seconds = generation_seconds_,
                       .prompt_tokens = prompt_tokens_,
                       .completion_tokens = completion_tokens_,
                       .cached_count = cached_count_};
    for (auto& [name, column] : columns_) {
      if (name == kFormatMetric) {
        summary.format_failure_count = std::llround(stable_sum(column.values));  // Of 0 and 1.
      }
      summary.metrics.push_back(summarize_column(name, column));
    }
    if (options.intervals) {
      add_intervals(summary.metrics, options.resampling, executor);
    }
    std::sort(summary.metrics.begin(), summary.metrics.end(),
              [](const MetricSummary& left, const MetricSummary& right) {
                return metric_precedes(left.name, right.name);
              });
    return summary;
  }

 private:
  void add_score(const std::string& name, std::int64_t item_id, const Json& score, bool ok) {
    MetricColumn& column = columns_[name];
    column.seen_in_ok += ok ? 1 : 0;
    if (score.is_number()) {
      column.add(item_id, score.get<double>());
    } else if (score.is_object() && score.contains("failed")) {
      column.add_failure(score["failed"].is_string() ? score["failed"].get<std::string>()
                                                     : to_text(score["failed"]));
    } else {
      ++column.summary.undefined_count;
    }
  }

  void add_costs(const SampleRecord& sample) {
    retrieval_seconds_ += sample.retrieval_seconds;
    generation_seconds_ += sample.generation_seconds;
    cached_count_ += sample.cached ? 1 : 0;
    if (sample.usage.prompt_tokens >= 0) {
      prompt_tokens_ = prompt_tokens_.value_or(0) + sample.usage.prompt_tokens;
    }
    if (sample.usage.completion_tokens >= 0) {
      completion_tokens_ = completion_tokens_.value_or(0) + sample.usage.completion_tokens;
    }
  }

  /// All but the interval.
  MetricSummary summarize_column(const std::string& name, MetricColumn& column) const {
    const MetricDescription description = describe_metric(name);
    for (const UnscoredSample& sample : unscored_) {
      if (sample.scores.contains(name)) {
        continue;
      }
      // A measure of retrieval has no value without gold documents, whatever happened.
      if (!description.needs_answer && !sample.has_gold) {
        ++column.summary.undefined_count;
      } else {
        column.add_failure(sample.failure_class);
      }
    }
    MetricSummary summary = std::move(column.summary);
    summary.name = name;
    summary.missing_count = ok_count_ - column.seen_in_ok;
    if (!column.values.empty()) {
      summary.mean = mean(column.values);
    }
    const std::int64_t counted = summary.valid_count + summary.failed_count;
    if (counted > 0 && description.higher_is_better) {
      summary.mean_failures_as_zero = stable_sum(column.values) / static_cast<double>(counted);
    }
    return summary;
  }

  /// `metrics` are in the order of `columns_`.
  void add_intervals(std::vector<MetricSummary>& metrics, const ResamplingOptions& options,
                     Executor& executor) const {
    std::vector<std::span<const double>> columns;
    columns.reserve(columns_.size());
    for (const auto& [name, column] : columns_) {
      columns.emplace_back(column.item_means);
    }
    const auto estimates = estimate_means(columns, options, executor);
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      metrics[i].interval = estimates[i] ? estimates[i]->interval : std::nullopt;
    }
  }

  static std::optional<std::int64_t> task_count(const Json& provenance, const char* key,
                                                const std::string& task) {
    if (!provenance.is_object() || !provenance.contains(key) || !provenance[key].is_object()) {
      return std::nullopt;
    }
    const Json& counts = provenance[key];
    const auto found = counts.find(task);
    return found != counts.end() && found->is_number_integer()
               ? std::optional(found->get<std::int64_t>())
               : std::nullopt;
  }

  std::map<std::string, MetricColumn> columns_;
  std::vector<UnscoredSample> unscored_;
  std::map<std::string, std::int64_t> failures_;
  std::int64_t ok_count_ = 0;
  std::int64_t failed_count_ = 0;
  std::int64_t cached_count_ = 0;
  double retrieval_seconds_ = 0.0;
  double generation_seconds_ = 0.0;
  std::optional<std::int64_t> prompt_tokens_;
  std::optional<std::int64_t> completion_tokens_;
};

template <class Value>
Json optional_json(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

std::int64_t RunSummary::pending_count() const {
  return std::max<std::int64_t>(0, sample_count - ok_count - failed_count);
}

std::optional<double> RunSummary::coverage() const {
  return sample_count > 0
             ? std::optional(static_cast<double>(ok_count) / static_cast<double>(sample_count))
             : std::nullopt;
}

const MetricSummary* RunSummary::metric(std::string_view name) const {
  const auto found =
      std::find_if(metrics.begin(), metrics.end(),
                   [&](const MetricSummary& summary) { return summary.name == name; });
  return found != metrics.end() ? &*found : nullptr;
}

RunSummary summarize_run(const Store& store, const RunRecord& run, const SummaryOptions& options,
                         Executor& executor) {
  RunAccumulator accumulator;
  store.visit_samples(run.run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
    accumulator.add(item, sample);
  });
  return accumulator.finish(run, options, executor);
}

bool metric_precedes(std::string_view left, std::string_view right) {
  const std::size_t left_rank = main_rank(left);
  const std::size_t right_rank = main_rank(right);
  return left_rank != right_rank ? left_rank < right_rank : natural_less(left, right);
}

std::vector<std::string> main_metrics(const std::vector<std::string>& metrics) {
  const auto distance = [](std::string_view name) {
    const std::string_view digits = name.substr(name.find('@') + 1);
    std::int64_t cutoff = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), cutoff);
    // The preferred cutoff first, then the larger the better.
    return cutoff == kPreferredCutoff ? std::numeric_limits<std::int64_t>::max() : cutoff;
  };
  std::vector<std::string> chosen;
  for (const std::string_view main : kMainMetrics) {
    const std::string* best = nullptr;
    for (const std::string& name : metrics) {
      if (main_rank(name) < kMainMetrics.size() && kMainMetrics[main_rank(name)] == main &&
          (best == nullptr || distance(name) > distance(*best))) {
        best = &name;
      }
    }
    if (best != nullptr) {
      chosen.push_back(*best);
    }
  }
  return chosen;
}

Json summary_json(const RunSummary& summary) {
  Json metrics = Json::object();
  for (const MetricSummary& metric : summary.metrics) {
    metrics[metric.name] = {{"mean", optional_json(metric.mean)},
                            {"mean_failures_as_zero", optional_json(metric.mean_failures_as_zero)},
                            {"low", metric.interval ? Json(metric.interval->low) : Json()},
                            {"high", metric.interval ? Json(metric.interval->high) : Json()},
                            {"n_valid", metric.valid_count},
                            {"n_undefined", metric.undefined_count},
                            {"n_failed", metric.failed_count},
                            {"n_missing", metric.missing_count},
                            {"failures", metric.failures}};
  }
  return {{"run_id", summary.run_id},
          {"fingerprint", summary.fingerprint},
          {"task", summary.task},
          {"created_at", summary.created_at},
          {"samples", summary.sample_count},
          {"ok", summary.ok_count},
          {"failed", summary.failed_count},
          {"pending", summary.pending_count()},
          {"coverage", optional_json(summary.coverage())},
          {"failures", summary.failures},
          {"records", optional_json(summary.record_count)},
          {"excluded", optional_json(summary.excluded_count)},
          {"format_failures", optional_json(summary.format_failure_count)},
          {"retrieval_seconds", summary.retrieval_seconds},
          {"generation_seconds", summary.generation_seconds},
          {"prompt_tokens", optional_json(summary.prompt_tokens)},
          {"completion_tokens", optional_json(summary.completion_tokens)},
          {"cached", summary.cached_count},
          {"metrics", std::move(metrics)}};
}

}  // namespace crudbench
