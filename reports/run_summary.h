#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/store/store.h"
#include "metrics/statistics.h"
#include "reports/engine_cost.h"
#include "reports/judge_health.h"
#include "reports/routing.h"
#include "reports/run_profile.h"

namespace crudbench {

/// One metric value over the samples of one run.
///
/// Every finished sample falls into one of four groups. *Valid*: it has a value. *Undefined*: the
/// measure does not exist for it (recall without gold documents). *Failed*: the metric failed, or
/// the sample failed and so was never scored. *Missing*: the sample is ok, but was not scored by
/// this metric (yet).
struct MetricSummary {
  std::string name;
  std::int64_t valid_count = 0;
  std::int64_t undefined_count = 0;
  std::int64_t failed_count = 0;
  std::int64_t missing_count = 0;
  std::map<std::string, std::int64_t> failures;  ///< Failure class → samples.

  std::optional<double> mean;  ///< Over valid samples: upstream's way.
  /// Over valid and failed samples, a failed one counting 0. Absent where lower is better: there a
  /// failure would be a reward.
  std::optional<double> mean_failures_as_zero;
  std::optional<Interval> interval;  ///< 95 % bootstrap interval of `mean`.

  /// For measures of retrieval: the mean over the items with so many gold documents, each item with
  /// the mean of its valid repeats.
  std::map<std::size_t, MeanEstimate> by_gold_count;
  /// For the main metrics: the same by question type, "" for items without one; empty where the
  /// run's items have no types, or more than `kMaxQuestionTypes` of them.
  std::map<std::string, MeanEstimate> by_question_type;
  /// What a random ranking of the knowledge base's documents is expected to score on the valid
  /// samples; known for hit@k, recall@k and all_gold@k, where the run recorded its documents.
  std::optional<double> chance_level;
  /// How the values vary between samples and between the repeats of a sample; absent without
  /// repeats.
  std::optional<VarianceComponents> variance;
  /// Among the rows of a leaderboard, by significance; absent elsewhere and for other than main
  /// metrics.
  std::optional<std::size_t> rank;
  /// The rows of the leaderboard that this one is significantly better than, ascending; empty where
  /// there is no rank.
  std::vector<std::size_t> better_than;
};

/// What the answers of a run have cost.
struct MoneyTotals {
  std::optional<double> cost;      ///< Sum of what was paid; absent if no sample tells.
  std::optional<double> saved;     ///< What the cached answers would have cost.
  std::int64_t unknown_count = 0;  ///< Samples that do not tell, where others do.
  std::string currency;            ///< Empty where the model has no price.
};

/// More of them name questions, not kinds of questions.
inline constexpr std::size_t kMaxQuestionTypes = 30;

/// From this chance level on, reports warn that a metric says little.
inline constexpr double kHighChanceLevel = 0.05;

/// What one run came to.
struct RunSummary {
  std::int64_t run_id = 0;
  std::string fingerprint;
  std::string task;
  std::string created_at;
  std::string prompt_sha256;  ///< Of the prompt template; empty if not recorded.
  /// Metrics that every sample was scored by: options → fingerprint of code and parameters.
  std::map<std::string, std::string> metric_fingerprints;
  std::int64_t sample_count = 0;  ///< Samples the run is to hold.
  std::int64_t ok_count = 0;
  std::int64_t failed_count = 0;
  std::int64_t repeat_count = 1;                 ///< The most results that an item has.
  std::map<std::string, std::int64_t> failures;  ///< "generation/timeout" → samples.
  /// Records of the task's data file, and those left out as unusable; from the run's provenance.
  std::optional<std::int64_t> record_count;
  std::optional<std::int64_t> excluded_count;
  /// Different documents of the knowledge base, from the run's provenance.
  std::optional<std::int64_t> document_count;

  std::vector<MetricSummary> metrics;  ///< In the order of `metric_precedes`.
  /// Replies without the `<response>` tag that the prompt asked for; absent if not looked at.
  std::optional<std::int64_t> format_failure_count;

  double retrieval_seconds = 0.0;   ///< Sum over samples.
  double generation_seconds = 0.0;  ///< Sum over samples; requests overlap, so not elapsed time.
  std::optional<std::int64_t> prompt_tokens;      ///< Sum; absent if no sample reports it.
  std::optional<std::int64_t> completion_tokens;  ///< Sum; absent if no sample reports it.
  std::optional<std::int64_t> context_tokens;     ///< Sum; absent if no sample reports it.
  std::int64_t truncated_count = 0;               ///< Samples whose context was cut to its limit.
  std::int64_t cached_count = 0;                  ///< Samples whose completion came from the cache.
  std::optional<EngineCost> engine;               ///< Of a local model.
  MoneyTotals money;

  std::map<std::string, JudgeHealth> judges;  ///< By label; filled by who reads the store.

  RunProfile profile;

  /// Samples without a fate: the run was interrupted or goes on.
  std::int64_t pending_count() const;
  /// ok / sample_count; absent for a run that is to hold nothing.
  std::optional<double> coverage() const;
  /// nullptr if no sample has it.
  const MetricSummary* metric(std::string_view name) const;
  MetricSummary* metric(std::string_view name);
};

struct SummaryOptions {
  bool intervals = true;
  ResamplingOptions resampling{.resamples = 1000};
};

/// Reads the samples of a run once, in the order of the task's items, so the same store gives the
/// same bits. With repeats, the unit that is resampled is the item with the mean of its valid
/// repeats. A measure of whole runs (corpus BLEU) is taken over the counts of all valid samples,
/// and resampled by items with all their repeats.
RunSummary summarize_run(const Store& store, const RunRecord& run, const SummaryOptions& options,
                         Executor& executor);

/// What the items of a run scored in one metric, each with the mean of its valid repeats.
struct ItemScores {
  std::vector<std::int64_t> item_ids;  ///< Ascending.
  std::vector<double> values;          ///< By position in `item_ids`.
};

/// A summary, and what it was made of as far as rows are compared by it.
struct ScoredRun {
  RunSummary summary;
  std::map<std::string, ItemScores> item_scores;  ///< Of all metrics that can be main ones.
  std::optional<RunRouting> routing;              ///< Filled in by who reads the store.
};

/// Hands over the samples of a run, ordered by item.
using SampleVisitor = std::function<void(const ItemRecord&, const SampleRecord&)>;
using SampleSource = std::function<void(const SampleVisitor&)>;

/// What `samples` came to, as `summarize_run` counts; nothing is read of the items but their id,
/// type and number of gold documents, of the samples neither texts nor hits.
ScoredRun score_run(const RunRecord& run, const SampleSource& samples,
                    const SummaryOptions& options, Executor& executor);

/// `summarize_run` with the scores, in the same one reading.
ScoredRun read_scored_run(const Store& store, const RunRecord& run, const SummaryOptions& options,
                          Executor& executor);

/// The order of metrics in every output: the main ones first, then by name with numbers compared
/// as numbers (recall@2 before recall@10).
bool metric_precedes(std::string_view left, std::string_view right);

/// The few of `metrics` that a narrow table shows, at most 8 and in the order of `metric_precedes`:
/// BLEU and ROUGE-L as upstream computes them, hit@k and recall@k at one cutoff (8 if there, else
/// the largest), MRR; and, as far as there is room, sentence similarity, question answering (F1,
/// recall) and BERTScore, each under its first label before any of them under a second one.
std::vector<std::string> main_metrics(const std::vector<std::string>& metrics);

/// The summary as JSON; the fields are described in reports/README.md.
Json summary_json(const RunSummary& summary);

}  // namespace crudbench
