#include "reports/run_summary.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "metrics/bleu.h"
#include "metrics/metric.h"
#include "reports/score_reader.h"

namespace crudbench {

namespace {

/// In the order of tables. A name that ends in '@' stands for every cutoff, one that ends in '['
/// for every label.
constexpr std::array<std::string_view, 9> kMainMetrics = {
    "bleu_upstream",       "rouge_l", "similarity[", "bertscore[", "quest_clean_f1[",
    "quest_clean_recall[", "hit@",    "recall@",     "mrr"};
/// Those with labels, by which of them go first where there is not room for all.
constexpr std::array<std::string_view, 4> kLabelledMetrics = {"similarity[", "quest_clean_f1[",
                                                              "quest_clean_recall[", "bertscore["};
constexpr std::size_t kMaxMainMetrics = 8;
constexpr std::int64_t kPreferredCutoff = 8;
constexpr std::string_view kFormatMetric = "missing_response_tag";
constexpr std::string_view kJudgeMetric = "judge_parsed[";
constexpr std::string_view kCorpusBleuMetric = "bleu_corpus";

bool is_family(std::string_view main) {
  return main.ends_with('@') || main.ends_with('[');
}

/// Position in `kMainMetrics`, or its size for any other metric.
std::size_t main_rank(std::string_view name) {
  const auto found = std::find_if(kMainMetrics.begin(), kMainMetrics.end(), [&](auto main) {
    return is_family(main) ? name.starts_with(main) : name == main;
  });
  return static_cast<std::size_t>(found - kMainMetrics.begin());
}

/// The k of "hit@k"; 0 for a name without one.
std::int64_t cutoff_of(std::string_view name) {
  std::int64_t cutoff = 0;
  const std::size_t at = name.find('@');
  if (at != std::string_view::npos) {
    std::from_chars(name.data() + at + 1, name.data() + name.size(), cutoff);
  }
  return cutoff;
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

/// The values of one metric, as they come: item by item.
struct MetricColumn {
  MetricSummary summary;
  std::vector<double> values;
  ItemScores items;                       ///< The mean over the repeats of an item.
  std::vector<std::size_t> item_repeats;  ///< By item: how many of `values` are its.
  std::vector<BleuCounts> item_counts;    ///< Of a measure of whole runs instead.
  std::int64_t seen_in_ok = 0;

  void add(const ItemRecord& item, double value) {
    ++summary.valid_count;
    values.push_back(value);
    if (is_new(item)) {
      items.item_ids.push_back(item.item_id);
      items.values.push_back(value);
      item_repeats.push_back(1);
    } else {
      ++item_repeats.back();
      items.values.back() +=
          (value - items.values.back()) / static_cast<double>(item_repeats.back());
    }
  }

  void add_counts(const ItemRecord& item, const BleuCounts& counts) {
    ++summary.valid_count;
    if (is_new(item)) {
      items.item_ids.push_back(item.item_id);
      item_counts.push_back(counts);
    } else {
      item_counts.back() += counts;
    }
  }

  void add_failure(const std::string& failure_class) {
    ++summary.failed_count;
    ++summary.failures[failure_class];
  }

  bool is_new(const ItemRecord& item) const {
    return items.item_ids.empty() || items.item_ids.back() != item.item_id;
  }

  std::vector<std::vector<double>> values_by_item() const {
    std::vector<std::vector<double>> groups;
    groups.reserve(item_repeats.size());
    auto begin = values.begin();
    for (const std::size_t count : item_repeats) {
      const auto end = begin + static_cast<std::ptrdiff_t>(count);
      groups.emplace_back(begin, end);
      begin = end;
    }
    return groups;
  }
};

std::optional<BleuCounts> read_counts(const Json& list) {
  std::vector<std::uint64_t> counts;
  for (const Json& count : list) {
    if (!count.is_number_unsigned()) {
      return std::nullopt;
    }
    counts.push_back(count.get<std::uint64_t>());
  }
  return bleu_counts_from(counts);
}

/// Faults of form need no answer either, but lower is better there.
bool is_retrieval_measure(const MetricDescription& metric) {
  return !metric.needs_answer && metric.is_ranked && metric.higher_is_better;
}

/// The chance that `k` documents drawn from `documents` at random hold none of `gold`: C(documents
/// - gold, k) / C(documents, k).
double chance_of_none(double documents, double gold, double k) {
  double chance = 1.0;
  for (double drawn = 0.0; drawn < k && chance > 0.0; ++drawn) {
    chance *= std::max(0.0, documents - gold - drawn) / (documents - drawn);
  }
  return chance;
}

/// The chance that they hold all of `gold`: C(documents - gold, k - gold) / C(documents, k).
double chance_of_all(double documents, double gold, double k) {
  double chance = 1.0;
  for (double found = 0.0; found < gold; ++found) {
    chance *= std::max(0.0, k - found) / (documents - found);
  }
  return chance;
}

/// What `metric` is expected to be of a random ranking of `documents`, of which `gold` are
/// relevant.
std::optional<double> chance_level(std::string_view metric, double documents, double gold) {
  const double k = std::min(static_cast<double>(cutoff_of(metric)), documents);
  if (documents < 1.0 || gold > documents || k < 1.0) {
    return std::nullopt;
  }
  const std::string_view family = metric.substr(0, metric.find('@'));
  return family == "hit"        ? std::optional(1.0 - chance_of_none(documents, gold, k))
         : family == "all_gold" ? std::optional(chance_of_all(documents, gold, k))
         : family == "recall"   ? std::optional(k / documents)
                                : std::nullopt;
}

/// What the items of a run are, in the order of their samples.
class ItemKinds {
 public:
  void add(const ItemRecord& item) {
    kinds_.push_back({.item_id = item.item_id,
                      .gold_count = item.gold_doc_ids.size(),
                      .type = types_.try_emplace(item.question_type, types_.size()).first->second});
  }

  bool have_types() const {
    return types_.size() > (types_.contains("") ? 1U : 0U) && types_.size() <= kMaxQuestionTypes;
  }

  /// The number of gold documents of each of these items, which come in the same order.
  std::vector<std::size_t> gold_counts(std::span<const std::int64_t> item_ids) const {
    std::vector<std::size_t> counts;
    counts.reserve(item_ids.size());
    visit(item_ids, [&](std::size_t, const Kind& kind) { counts.push_back(kind.gold_count); });
    return counts;
  }

  std::map<std::size_t, std::vector<double>> by_gold_count(const ItemScores& scores) const {
    std::map<std::size_t, std::vector<double>> groups;
    visit(scores.item_ids, [&](std::size_t i, const Kind& kind) {
      groups[kind.gold_count].push_back(scores.values[i]);
    });
    return groups;
  }

  std::map<std::string, std::vector<double>> by_type(const ItemScores& scores) const {
    std::vector<std::vector<double>> values(types_.size());
    visit(scores.item_ids,
          [&](std::size_t i, const Kind& kind) { values[kind.type].push_back(scores.values[i]); });
    std::map<std::string, std::vector<double>> groups;
    for (const auto& [type, position] : types_) {
      if (!values[position].empty()) {
        groups[type] = std::move(values[position]);
      }
    }
    return groups;
  }

 private:
  struct Kind {
    std::int64_t item_id = 0;
    std::size_t gold_count = 0;
    std::size_t type = 0;  ///< Position of its first appearance.
  };

  template <class Visit>
  void visit(std::span<const std::int64_t> item_ids, const Visit& visit_kind) const {
    auto kind = kinds_.begin();
    for (std::size_t i = 0; i < item_ids.size(); ++i) {
      kind = std::find_if(kind, kinds_.end(),
                          [&](const Kind& candidate) { return candidate.item_id == item_ids[i]; });
      visit_kind(i, *kind);
    }
  }

  std::vector<Kind> kinds_;
  std::map<std::string, std::size_t, std::less<>> types_;
};

/// Samples that failed before they were scored, by what a metric says of them.
struct UnscoredSample {
  std::string failure_class;
  bool has_gold = false;
  std::set<std::string, std::less<>> scored;  ///< The metrics that it has nevertheless.
};

class RunAccumulator final : private ScoreVisitor {
 public:
  void add(const ItemRecord& item, const SampleRecord& sample) {
    if (sample.failure) {
      unscored_.push_back(
          {.failure_class = sample.failure->failure_class, .has_gold = !item.gold_doc_ids.empty()});
    }
    item_ = &item;
    is_ok_ = !sample.failure;
    likely_column_ = columns_.begin();
    if (sample.score_text.empty()) {
      read_scores(sample.scores, *this);
    } else {
      read_score_text(sample.score_text, *this);
    }
    if (item.item_id != last_item_id_ || repeat_count_ == 0) {
      kinds_.add(item);
      repeat_count_ = 0;
    }
    ++repeat_count_;
    last_item_id_ = item.item_id;
    max_repeat_count_ = std::max(max_repeat_count_, repeat_count_);
    if (sample.failure) {
      ++failed_count_;
      ++failures_[std::string(to_string(sample.failure->stage)) + "/" +
                  sample.failure->failure_class];
    } else {
      ++ok_count_;
    }
    add_costs(sample);
  }

  ScoredRun finish(const RunRecord& run, const SummaryOptions& options, Executor& executor) {
    RunProfile profile = make_profile();
    RunSummary summary{.run_id = run.run_id,
                       .fingerprint = run.fingerprint,
                       .task = run.task,
                       .created_at = run.created_at,
                       .prompt_sha256 = recorded_text(run.provenance, "prompt_sha256"),
                       .sample_count = run.sample_count,
                       .ok_count = ok_count_,
                       .failed_count = failed_count_,
                       .repeat_count = max_repeat_count_,
                       .failures = std::move(failures_),
                       .record_count = task_count(run.provenance, "records", run.task),
                       .excluded_count = task_count(run.provenance, "excluded", run.task),
                       .document_count = distinct_documents(run.provenance),
                       .retrieval_seconds = retrieval_seconds_,
                       .generation_seconds = generation_seconds_,
                       .prompt_tokens = prompt_tokens_,
                       .completion_tokens = completion_tokens_,
                       .context_tokens = context_tokens_,
                       .truncated_count = truncated_count_,
                       .cached_count = cached_count_,
                       .profile = std::move(profile)};
    for (auto& [name, column] : columns_) {
      if (name == kFormatMetric) {
        summary.format_failure_count = std::llround(stable_sum(column.values));  // Of 0 and 1.
      }
      summary.metrics.push_back(summarize_column(name, column));
    }
    estimate_means_of(summary.metrics, options, executor);
    ScoredRun scored;
    std::size_t position = 0;
    for (auto& [name, column] : columns_) {
      MetricSummary& metric = summary.metrics[position++];
      if (!column.item_counts.empty()) {
        estimate_corpus(metric, column, options, executor);
      }
      if (summary.document_count) {
        metric.chance_level =
            mean_chance_level(metric, static_cast<double>(*summary.document_count));
      }
      if (max_repeat_count_ > 1) {
        metric.variance = variance_components(column.values_by_item());
      }
      if (main_rank(name) < kMainMetrics.size()) {
        scored.item_scores.emplace(name, std::move(column.items));
      }
    }
    summary.money = money_of(run);
    summary.engine = engine_cost_.summarize(options.intervals, options.resampling, executor);
    std::sort(summary.metrics.begin(), summary.metrics.end(),
              [](const MetricSummary& left, const MetricSummary& right) {
                return metric_precedes(left.name, right.name);
              });
    scored.summary = std::move(summary);
    return scored;
  }

 private:
  void on_value(std::string_view metric, double value) override {
    column_of(metric).add(*item_, value);
  }

  void on_other(std::string_view metric, const Json& score) override {
    MetricColumn& column = column_of(metric);
    if (metric == kCorpusBleuMetric && score.is_object() && score.contains("counts")) {
      if (const std::optional<BleuCounts> counts = read_counts(score["counts"])) {
        column.add_counts(*item_, *counts);
      } else {
        column.add_failure("invalid_counts");
      }
    } else if (score.is_object() && score.contains("failed")) {
      column.add_failure(score["failed"].is_string() ? score["failed"].get<std::string>()
                                                     : to_text(score["failed"]));
    } else {
      ++column.summary.undefined_count;
    }
  }

  /// The scores of a sample are sorted by name, and so are the columns: the next score most likely
  /// belongs to the next column.
  MetricColumn& column_of(std::string_view metric) {
    if (likely_column_ == columns_.end() || likely_column_->first != metric) {
      likely_column_ = columns_.find(metric);
      if (likely_column_ == columns_.end()) {
        likely_column_ = columns_.emplace(metric, MetricColumn()).first;
      }
    }
    MetricColumn& column = likely_column_->second;
    ++likely_column_;
    column.seen_in_ok += is_ok_ ? 1 : 0;
    if (!is_ok_) {
      unscored_.back().scored.emplace(metric);
    }
    return column;
  }

  RunProfile make_profile() {
    std::vector<ProfiledMetric> metrics;
    std::vector<std::vector<std::size_t>> gold_counts;
    gold_counts.reserve(columns_.size());
    for (const auto& [name, column] : columns_) {
      const bool is_main = main_rank(name) < kMainMetrics.size();
      gold_counts.push_back(is_main ? kinds_.gold_counts(column.items.item_ids)
                                    : std::vector<std::size_t>());
      metrics.push_back({.name = name,
                         .is_main = is_main,
                         .item_ids = column.items.item_ids,
                         .values = column.items.values,
                         .gold_counts = gold_counts.back()});
    }
    RunProfile profile = profile_run(metrics);
    profile.retrieval_seconds = quantiles_of(std::move(retrieval_times_));
    profile.generation_seconds = quantiles_of(std::move(generation_times_));
    return profile;
  }

  void add_costs(const SampleRecord& sample) {
    retrieval_times_.push_back(sample.retrieval_seconds);
    if (!sample.cached && sample.generation_seconds > 0.0) {
      generation_times_.push_back(sample.generation_seconds);
    }
    retrieval_seconds_ += sample.retrieval_seconds;
    generation_seconds_ += sample.generation_seconds;
    cached_count_ += sample.cached ? 1 : 0;
    truncated_count_ += sample.context_truncated ? 1 : 0;
    if (sample.context_tokens >= 0) {
      context_tokens_ = context_tokens_.value_or(0) + sample.context_tokens;
    }
    engine_cost_.add(sample.details, sample.usage.completion_tokens);
    if (sample.cost) {
      costs_.push_back(*sample.cost);
    } else {
      ++unknown_cost_count_;
    }
    if (sample.saved) {
      savings_.push_back(*sample.saved);
    }
    if (sample.usage.prompt_tokens >= 0) {
      prompt_tokens_ = prompt_tokens_.value_or(0) + sample.usage.prompt_tokens;
    }
    if (sample.usage.completion_tokens >= 0) {
      completion_tokens_ = completion_tokens_.value_or(0) + sample.usage.completion_tokens;
    }
  }

  MoneyTotals money_of(const RunRecord& run) const {
    const auto sum = [](const std::vector<double>& amounts) {
      return amounts.empty() ? std::nullopt : std::optional(stable_sum(amounts));
    };
    const bool has_price = run.provenance.is_object() && run.provenance.contains("price");
    return {.cost = sum(costs_),
            .saved = sum(savings_),
            .unknown_count = costs_.empty() ? 0 : unknown_cost_count_,
            .currency = has_price ? recorded_text(run.provenance.at("price"), "currency") : ""};
  }

  /// All but the interval.
  MetricSummary summarize_column(const std::string& name, MetricColumn& column) const {
    const MetricDescription description = describe_metric(name);
    for (const UnscoredSample& sample : unscored_) {
      if (sample.scored.contains(name)) {
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
    if (counted > 0 && description.higher_is_better && column.item_counts.empty()) {
      summary.mean_failures_as_zero = stable_sum(column.values) / static_cast<double>(counted);
    }
    return summary;
  }

  /// The intervals, and the means by number of gold documents and by question type. `metrics` are
  /// in the order of `columns_`.
  void estimate_means_of(std::vector<MetricSummary>& metrics, const SummaryOptions& options,
                         Executor& executor) const {
    struct Group {
      MeanEstimate* estimate = nullptr;
      std::size_t column = 0;
    };
    std::vector<std::span<const double>> columns;
    columns.reserve(columns_.size());
    for (const auto& [name, column] : columns_) {
      columns.emplace_back(column.items.values);
    }
    std::vector<Group> groups;
    std::deque<std::vector<double>> group_values;
    const auto add_groups = [&](auto parts, std::size_t metric, auto& estimates) {
      for (auto& [key, values] : parts) {
        // A single part is the whole column.
        groups.push_back({&estimates[key], parts.size() > 1 ? columns.size() : metric});
        if (parts.size() > 1) {
          columns.emplace_back(group_values.emplace_back(std::move(values)));
        }
      }
    };
    std::size_t metric = 0;
    for (const auto& [name, column] : columns_) {
      if (is_retrieval_measure(describe_metric(name))) {
        add_groups(kinds_.by_gold_count(column.items), metric, metrics[metric].by_gold_count);
      }
      if (kinds_.have_types() && main_rank(name) < kMainMetrics.size()) {
        add_groups(kinds_.by_type(column.items), metric, metrics[metric].by_question_type);
      }
      ++metric;
    }
    std::vector<std::optional<MeanEstimate>> estimates(columns.size());
    if (options.intervals) {
      estimates = estimate_means(columns, options.resampling, executor);
    }
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      metrics[i].interval = estimates[i] ? estimates[i]->interval : std::nullopt;
    }
    for (const Group& group : groups) {
      const std::span<const double> values = columns[group.column];
      *group.estimate =
          estimates[group.column].value_or(MeanEstimate{.n = values.size(), .mean = mean(values)});
    }
  }

  static void estimate_corpus(MetricSummary& metric, const MetricColumn& column,
                              const SummaryOptions& options, Executor& executor) {
    if (!options.intervals) {
      const std::optional<BleuScore> score = corpus_bleu(column.item_counts);
      metric.mean = score ? std::optional(score->bleu) : std::nullopt;
    } else if (const auto estimate =
                   estimate_corpus_bleu(column.item_counts, options.resampling, executor)) {
      metric.mean = estimate->bleu;
      metric.interval = estimate->interval;
    }
  }

  static std::optional<double> mean_chance_level(const MetricSummary& metric, double documents) {
    double sum = 0.0;
    double count = 0.0;
    for (const auto& [gold_count, estimate] : metric.by_gold_count) {
      const auto level = chance_level(metric.name, documents, static_cast<double>(gold_count));
      if (!level) {
        return std::nullopt;
      }
      sum += *level * static_cast<double>(estimate.n);
      count += static_cast<double>(estimate.n);
    }
    return count > 0.0 ? std::optional(sum / count) : std::nullopt;
  }

  /// Without those whose text another one has: metrics fold them.
  static std::optional<std::int64_t> distinct_documents(const Json& provenance) {
    const auto count_at = [&](const char* key) -> std::optional<std::int64_t> {
      const auto found = provenance.is_object() ? provenance.find(key) : provenance.end();
      return provenance.is_object() && found != provenance.end() && found->is_number_integer()
                 ? std::optional(found->get<std::int64_t>())
                 : std::nullopt;
    };
    const std::optional<std::int64_t> documents = count_at("documents");
    return documents ? std::optional(*documents - count_at("duplicates").value_or(0))
                     : std::nullopt;
  }

  static std::string recorded_text(const Json& provenance, const char* key) {
    const auto found = provenance.is_object() ? provenance.find(key) : provenance.end();
    return provenance.is_object() && found != provenance.end() && found->is_string()
               ? found->get<std::string>()
               : "";
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

  using Columns = std::map<std::string, MetricColumn, std::less<>>;
  Columns columns_;
  const ItemRecord* item_ = nullptr;  ///< Whose scores are read.
  bool is_ok_ = true;                 ///< Its sample did not fail.
  Columns::iterator likely_column_;
  std::vector<UnscoredSample> unscored_;
  std::map<std::string, std::int64_t> failures_;
  std::int64_t ok_count_ = 0;
  std::int64_t failed_count_ = 0;
  std::int64_t cached_count_ = 0;
  std::int64_t truncated_count_ = 0;
  std::optional<std::int64_t> context_tokens_;
  ItemKinds kinds_;
  std::int64_t last_item_id_ = 0;
  std::int64_t repeat_count_ = 0;  ///< Of the last item so far.
  std::int64_t max_repeat_count_ = 1;
  EngineCostColumns engine_cost_;
  std::vector<double> costs_;
  std::vector<double> savings_;
  std::int64_t unknown_cost_count_ = 0;
  std::vector<double> retrieval_times_;
  std::vector<double> generation_times_;  ///< Of samples that were sent to the generator.
  double retrieval_seconds_ = 0.0;
  double generation_seconds_ = 0.0;
  std::optional<std::int64_t> prompt_tokens_;
  std::optional<std::int64_t> completion_tokens_;
};

template <class Value>
Json optional_json(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}

Json low_json(const std::optional<Interval>& interval) {
  return interval ? Json(interval->low) : Json();
}

Json high_json(const std::optional<Interval>& interval) {
  return interval ? Json(interval->high) : Json();
}

Json estimate_json(const MeanEstimate& estimate) {
  return {{"n", estimate.n},
          {"mean", estimate.mean},
          {"low", low_json(estimate.interval)},
          {"high", high_json(estimate.interval)}};
}

Json variance_json(const std::optional<VarianceComponents>& variance) {
  return variance
             ? Json{{"n_samples", variance->sample_count},
                    {"n_values", variance->value_count},
                    {"between_samples", variance->between_samples},
                    {"between_repeats", variance->between_repeats},
                    {"intraclass_correlation", optional_json(variance->intraclass_correlation)}}
             : Json();
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

MetricSummary* RunSummary::metric(std::string_view name) {
  return const_cast<MetricSummary*>(std::as_const(*this).metric(name));
}

RunSummary summarize_run(const Store& store, const RunRecord& run, const SummaryOptions& options,
                         Executor& executor) {
  return read_scored_run(store, run, options, executor).summary;
}

ScoredRun score_run(const RunRecord& run, const SampleSource& samples,
                    const SummaryOptions& options, Executor& executor) {
  RunAccumulator accumulator;
  samples(
      [&](const ItemRecord& item, const SampleRecord& sample) { accumulator.add(item, sample); });
  return accumulator.finish(run, options, executor);
}

ScoredRun read_scored_run(const Store& store, const RunRecord& run, const SummaryOptions& options,
                          Executor& executor) {
  const auto samples = [&](const SampleVisitor& visit) {
    store.visit_samples(run.run_id, visit, SampleDetail::kScoreText);
  };
  ScoredRun scored = score_run(run, samples, options, executor);
  scored.summary.metric_fingerprints = store.scored_metrics(run.run_id);
  const bool is_judged = std::any_of(
      scored.summary.metrics.begin(), scored.summary.metrics.end(),
      [](const MetricSummary& metric) { return metric.name.starts_with(kJudgeMetric); });
  if (is_judged) {
    scored.summary.judges = read_judge_health(store, run.run_id);
  }
  return scored;
}

bool metric_precedes(std::string_view left, std::string_view right) {
  const std::size_t left_rank = main_rank(left);
  const std::size_t right_rank = main_rank(right);
  return left_rank != right_rank ? left_rank < right_rank : natural_less(left, right);
}

std::vector<std::string> main_metrics(const std::vector<std::string>& metrics) {
  std::map<std::string_view, std::vector<std::string>> families;  // By their name in kMainMetrics.
  for (const std::string& name : metrics) {
    if (main_rank(name) < kMainMetrics.size()) {
      families[kMainMetrics[main_rank(name)]].push_back(name);
    }
  }
  const auto cutoff_precedes = [](const std::string& left, const std::string& right) {
    // The preferred cutoff first, then the larger the better.
    const auto key = [](const std::string& name) {
      return std::pair(cutoff_of(name) == kPreferredCutoff, cutoff_of(name));
    };
    return key(left) > key(right);
  };
  std::vector<std::string> chosen;
  for (auto& [family, names] : families) {
    if (!family.ends_with('[')) {
      chosen.push_back(*std::min_element(names.begin(), names.end(), cutoff_precedes));
    }
    std::sort(names.begin(), names.end(), metric_precedes);
  }
  for (std::size_t label = 0; label < metrics.size(); ++label) {
    for (const std::string_view family : kLabelledMetrics) {
      if (chosen.size() < kMaxMainMetrics && families[family].size() > label) {
        chosen.push_back(families[family][label]);
      }
    }
  }
  std::sort(chosen.begin(), chosen.end(), metric_precedes);
  return chosen;
}

Json summary_json(const RunSummary& summary) {
  Json metrics = Json::object();
  for (const MetricSummary& metric : summary.metrics) {
    Json by_gold_count = Json::object();
    for (const auto& [gold_count, estimate] : metric.by_gold_count) {
      by_gold_count[std::to_string(gold_count)] = estimate_json(estimate);
    }
    Json by_question_type = Json::object();
    for (const auto& [type, estimate] : metric.by_question_type) {
      by_question_type[type] = estimate_json(estimate);
    }
    metrics[metric.name] = {{"mean", optional_json(metric.mean)},
                            {"mean_failures_as_zero", optional_json(metric.mean_failures_as_zero)},
                            {"low", low_json(metric.interval)},
                            {"high", high_json(metric.interval)},
                            {"rank", optional_json(metric.rank)},
                            {"better_than", metric.better_than},
                            {"chance_level", optional_json(metric.chance_level)},
                            {"by_gold_count", std::move(by_gold_count)},
                            {"by_question_type", std::move(by_question_type)},
                            {"variance", variance_json(metric.variance)},
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
          {"repeats", summary.repeat_count},
          {"failures", summary.failures},
          {"records", optional_json(summary.record_count)},
          {"excluded", optional_json(summary.excluded_count)},
          {"documents", optional_json(summary.document_count)},
          {"format_failures", optional_json(summary.format_failure_count)},
          {"retrieval_seconds", summary.retrieval_seconds},
          {"generation_seconds", summary.generation_seconds},
          {"prompt_tokens", optional_json(summary.prompt_tokens)},
          {"completion_tokens", optional_json(summary.completion_tokens)},
          {"context_tokens", optional_json(summary.context_tokens)},
          {"truncated_contexts", summary.truncated_count},
          {"cached", summary.cached_count},
          {"engine", engine_cost_json(summary.engine)},
          {"cost", optional_json(summary.money.cost)},
          {"saved", optional_json(summary.money.saved)},
          {"n_cost_unknown", summary.money.unknown_count},
          {"currency", summary.money.currency},
          {"judges", judge_health_json(summary.judges)},
          {"metrics", std::move(metrics)}};
}

}  // namespace crudbench
