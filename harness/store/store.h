#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/types.h"
#include "harness/store/database.h"
#include "harness/store/prompt_packs.h"
#include "harness/store/workspace.h"

namespace crudbench {

/// What stays the same for a sample in every run over the same data.
struct ItemRecord {
  std::int64_t item_id = 0;
  std::string task;
  std::string sample_id;
  std::string query;
  std::string reference;
  std::vector<std::string> gold_doc_ids;
  std::string question_type;  ///< Where the data has one; else empty.
};

/// One retrieved chunk, as stored.
struct StoredHit {
  std::string doc_id;
  ByteSpan span;
  double score = 0.0;
  bool is_gold = false;

  friend bool operator==(const StoredHit&, const StoredHit&) = default;
};

/// The fate of one sample in one run: ok, or failed with a reason.
struct SampleRecord {
  std::int64_t item_id = 0;
  std::string sample_id;  ///< Filled when read.
  std::int64_t repeat = 0;
  std::optional<Failure> failure;
  std::string prompt_sha256;  ///< Empty where there was no prompt.
  /// What was sent, to be kept under `prompt_sha256`; empty where it is not kept, and when read:
  /// `find_prompt` has it.
  std::string prompt;
  bool prompt_is_kept = false;  ///< Filled with `SampleDetail::kEverything`.
  std::string prediction;       ///< The scored text.
  /// The raw reply; absent where it stands in the completion cache under `completion_key`.
  std::optional<std::string> reply;
  /// What a reasoning model thought; empty if nothing. Kept where the reply is.
  std::string reasoning;
  std::optional<std::string> completion_key;
  std::vector<StoredHit> hits;
  /// Chunks that the gold documents were cut into; -1 where unknown.
  std::int64_t gold_chunk_count = -1;
  std::int64_t context_chars = 0;  ///< Code points of the context.
  /// cl100k tokens of the context, as its limit counts them; -1 where unknown.
  std::int64_t context_tokens = -1;
  /// The context was cut to its limit; false where `context_tokens` is unknown.
  bool context_truncated = false;
  Usage usage;
  double retrieval_seconds = 0.0;
  double generation_seconds = 0.0;
  std::optional<double> first_token_seconds;  ///< Of a streamed reply.
  std::optional<double> inter_token_seconds;  ///< Of a streamed reply: the mean.
  /// Paid for the answer, in the currency of the run's provenance; 0 for one from the cache,
  /// nullopt where price or usage are unknown.
  std::optional<double> cost;
  /// What an answer from the cache would have cost.
  std::optional<double> saved;
  std::int64_t attempt_count = 0;
  /// Array of {seconds, http_status[, request_id][, class, message]}; null where none was made.
  Json attempts;
  std::string finish_reason;
  bool cached = false;
  /// What else the generator told: null, or an object. Its member "routing" is read for
  /// `SampleDetail::kRouting` only.
  Json details;
  /// {"bleu_upstream": 0.25, "recall@8": null (undefined), "bleu": {"failed": "empty_reference"},
  /// "bleu_corpus": {"counts": […]}}
  Json scores = Json::object();
  std::string score_text;  ///< The same, not parsed; filled for `SampleDetail::kScoreText` alone.
  /// What judges asked and answered, by the label of their metric: {"questions", "gold_answers",
  /// "answers", …}.
  Json examinations = Json::object();
};

/// One executed cell: a resolved configuration on one task.
struct RunRecord {
  std::int64_t run_id = 0;
  std::string fingerprint;       ///< Over everything that can change an answer; not the metrics.
  std::string cell_fingerprint;  ///< The same without the task: groups the runs of one row.
  std::string task;
  Json cell;                      ///< The resolved sections: dataset, chunker, …, generator.
  Json provenance;                ///< Versions, hashes, data health, knowledge-base mode.
  std::int64_t sample_count = 0;  ///< Samples the run is to hold, times repeats.
  std::string created_at;
  /// What an experiment calls its cell; filled when read. Of several experiments, the one that was
  /// recorded last and says something.
  std::string label;
  /// Samples of each task after which a search gave its cell up; 0: it did not.
  std::int64_t stopped_after = 0;
};

/// A run as part of an experiment.
struct ExperimentRun {
  std::int64_t run_id = 0;
  std::string label;               ///< What the experiment calls its cell; empty if nothing.
  std::int64_t stopped_after = 0;  ///< See RunRecord.
};

/// Which part of an experiment a workspace holds.
struct ShardRecord {
  std::int64_t number = 1;  ///< From 1 to `count`.
  std::int64_t count = 1;
  std::string split;              ///< Names what was split and how; equal in all parts of a whole.
  std::int64_t sample_count = 0;  ///< Samples that this part is to hold, over all its runs.

  friend bool operator==(const ShardRecord&, const ShardRecord&) = default;
};

/// Runs that an experiment has no names for.
std::vector<ExperimentRun> without_labels(std::span<const std::int64_t> run_ids);

/// How far a run is.
struct RunProgress {
  std::int64_t ok = 0;
  std::int64_t failed = 0;
};

/// Changes whenever samples are added to a run or replaced; not with their scores.
struct SampleMark {
  std::int64_t count = 0;
  std::int64_t newest = 0;

  friend bool operator==(const SampleMark&, const SampleMark&) = default;
};

/// What a run has come to so far, without its scores.
struct RunActivity {
  std::int64_t ok_count = 0;
  std::int64_t failed_count = 0;
  std::map<std::string, std::int64_t> failures;  ///< "generation/timeout" → samples.
  std::int64_t cached_count = 0;
  std::int64_t prompt_tokens = 0;  ///< Sum over the samples that report it.
  std::int64_t completion_tokens = 0;
};

/// What is read of a sample.
enum class SampleDetail {
  kEverything,    ///< But the routing.
  kScores,        ///< Not the texts, hits, attempts and examinations, which are most of the bytes.
  kScoreText,     ///< As `kScores`, with `score_text` in place of `scores`: for millions of them.
  kRouting,       ///< As `kScores`, and the routing of the generator's details.
  kExaminations,  ///< As `kScores`, and the examinations.
};

/// A completed request.
struct CompletionRecord {
  std::string key;
  std::string text;
  std::string reasoning;
  std::string finish_reason;
  Usage usage;
  std::optional<double> first_token_seconds;
  std::optional<double> inter_token_seconds;
  Json contexts;  ///< [[doc_id, text], …] that the system had retrieved; null where unknown.
  double seconds = 0.0;
  Json details;            ///< As in `SampleRecord`, with the routing.
  std::string created_at;  ///< Filled when read.

  friend bool operator==(const CompletionRecord&, const CompletionRecord&) = default;
};

/// What an experiment's requests came to, by model and purpose.
struct SpendingRecord {
  std::string experiment;
  std::string purpose;  ///< "generation" or "judge".
  std::string model;
  std::int64_t requests = 0;
  Usage usage;        ///< Sums; an unknown count adds nothing.
  double cost = 0.0;  ///< In `currency`; 0 where the model has no price.
  std::string currency;

  friend bool operator==(const SpendingRecord&, const SpendingRecord&) = default;
};

/// What the prompts of a workspace take.
struct PromptTotals {
  std::int64_t count = 0;  ///< Different ones.
  std::int64_t packed_bytes = 0;
};

/// Completions to keep, and what they cost.
struct CompletionBatch {
  std::span<const CompletionRecord> completions;
  std::span<const SpendingRecord> spending;  ///< Is added to the experiments' spending.
  /// Whether a completion takes the place of one with its key, which is kept otherwise.
  bool replaces = false;
};

/// What the completion cache holds.
struct CompletionTotals {
  std::int64_t count = 0;
  std::int64_t text_bytes = 0;
  Usage usage;  ///< Sums; an unknown count adds nothing.
  double seconds = 0.0;
  std::string oldest;  ///< Times of the first and the last; empty for none.
  std::string newest;
};

/// The results of a workspace in SQLite: experiments, items, runs, samples, completions.
///
/// Thread-safe: each call holds one lock, a visit only while it reads the next row. Every text is
/// bound as data. Throws Error(kIo), or Error(kInvalidData) for a damaged or newer database.
class Store {
 public:
  /// kReadOnly throws Error(kIo) "no results in 'x'" where there is no database yet.
  Store(const Workspace& workspace, Database::Mode mode);

  /// Records an experiment and the runs it consists of, in the order of its tables; replaces what
  /// was recorded under the same name. A run may stand in it several times, with other labels.
  void put_experiment(const std::string& name, const Json& config,
                      std::span<const ExperimentRun> runs);
  std::vector<std::string> experiments() const;
  /// The configuration file of an experiment; nullopt for an unknown one.
  std::optional<Json> experiment_config(const std::string& name) const;

  /// Says that this workspace holds one part of an experiment that was put.
  void put_shard(const std::string& experiment, const ShardRecord& shard);
  /// nullopt for an experiment that is here whole, or not at all.
  std::optional<ShardRecord> find_shard(const std::string& experiment) const;

  /// Adds items that are new, and question types to those that have none; returns the id of each,
  /// in order. `samples_fingerprint` and `corpus_fingerprint` name the data the items come from.
  std::vector<std::int64_t> put_items(const std::string& samples_fingerprint,
                                      const std::string& corpus_fingerprint,
                                      std::span<const ItemRecord> items);

  /// Finds or creates the run with this fingerprint; returns its id. A run that is there takes the
  /// larger of the two sample counts: repeats may be added to it.
  std::int64_t put_run(const RunRecord& run);
  /// The runs of an experiment in its order, or all runs in order of creation.
  std::vector<RunRecord> runs(const std::optional<std::string>& experiment = std::nullopt) const;
  /// The run whose fingerprint starts with `prefix`, or whose id is `prefix`; Error(kInvalidConfig)
  /// if none or several match.
  RunRecord find_run(std::string_view prefix) const;
  RunProgress progress(std::int64_t run_id) const;
  RunActivity activity(std::int64_t run_id) const;
  /// Of all runs that have samples; read from an index, so it is quick.
  std::map<std::int64_t, SampleMark> sample_marks() const;
  /// Another number whenever somebody else has committed to the database.
  std::int64_t data_version() const;

  /// (item, repeat) pairs that have a fate. With `ok_only`, failed ones are left out.
  std::vector<std::pair<std::int64_t, std::int64_t>> finished(std::int64_t run_id,
                                                              bool ok_only) const;
  /// Writes samples of a run, and prompts that are not there yet, in one transaction; an earlier
  /// row of the same item is replaced. The same transaction keeps `batch`, with which come the
  /// completions that the samples name.
  void put_samples(std::int64_t run_id, std::span<const SampleRecord> samples,
                   const CompletionBatch& batch = {});
  /// Replaces the scores and examinations of samples, and nothing else, in one transaction.
  void put_scores(std::int64_t run_id, std::span<const SampleRecord> samples);
  /// Calls `visit` for every sample of a run, ordered by task item; the reply comes from the
  /// completion cache where it stands there. Items that `wanted` refuses are passed over unread.
  /// Neither function may call the store.
  void visit_samples(std::int64_t run_id,
                     const std::function<void(const ItemRecord&, SampleRecord&&)>& visit,
                     SampleDetail detail = SampleDetail::kEverything,
                     const std::function<bool(std::int64_t item_id)>& wanted = {}) const;

  /// The prompt with this SHA-256; nullopt where it was not kept. `PromptReader` finds many faster.
  std::optional<std::string> find_prompt(std::string_view sha256) const;
  PromptTotals prompt_totals() const;

  /// Which metrics every finished sample of a run has: type → fingerprint.
  std::map<std::string, std::string> scored_metrics(std::int64_t run_id) const;
  /// Replaces what `scored_metrics` says.
  void put_scored_metrics(std::int64_t run_id, const std::map<std::string, std::string>& metrics);

  /// Keeps what a judge's question bank of a run was like when it was read; replaces what was kept
  /// under the judge's label.
  void put_bank(std::int64_t run_id, std::string_view label, const Json& bank);
  /// By label; nothing for judges without a bank.
  std::map<std::string, Json> banks(std::int64_t run_id) const;

  /// The questions that a judge made for a reference, as JSON; nullopt if it did not yet. `key`
  /// names judge, prompts and reference.
  std::optional<Json> find_questions(std::string_view key) const;
  /// Keeps questions for good; a key that is there already keeps what it has.
  void put_questions(std::string_view key, const Json& questions);

  std::optional<CompletionRecord> find_completion(std::string_view key) const;
  /// Keeps completions, and adds what they cost to the experiment's spending, in one transaction:
  /// committed when it returns, so that no completed request is ever sent again. A key that is
  /// there keeps its completion, unless `replace`.
  void put_completions(std::span<const CompletionRecord> completions,
                       std::span<const SpendingRecord> spending = {}, bool replace = false);
  /// Calls `visit` for every completion in order of its key. `visit` must not call the store.
  void visit_completions(const std::function<void(CompletionRecord&&)>& visit) const;
  /// Calls `visit` for the key of every completion, in no order. `visit` must not call the store.
  void visit_completion_keys(const std::function<void(std::string_view key)>& visit) const;
  CompletionTotals completion_totals() const;
  /// What the experiment's requests came to, failed runs and judges included.
  std::vector<SpendingRecord> spending(const std::string& experiment) const;

 private:
  friend class PromptReader;

  /// Where a prompt stands.
  struct PromptPlace {
    std::int64_t pack_id = 0;
    std::int64_t begin = 0;
    std::optional<std::int64_t> size;  ///< nullopt: to the end of the pack.
  };

  std::vector<PromptPack> pack_new_prompts(std::span<const SampleRecord> samples) const;
  std::optional<PromptPlace> find_prompt_place(std::string_view sha256) const;
  std::string packed_prompts(std::int64_t pack_id) const;

  mutable std::mutex mutex_;  ///< Guards `database_`.
  mutable Database database_;
};

/// Finds prompts one after another: those that were packed together, as they mostly are when they
/// were sent together, are unpacked once.
class PromptReader {
 public:
  explicit PromptReader(const Store& store) : store_(store) {}

  /// The prompt with this SHA-256; nullopt where it was not kept. Throws Error(kInvalidData) for
  /// one that is damaged.
  std::optional<std::string> find(std::string_view sha256);

 private:
  const Store& store_;
  std::optional<std::int64_t> pack_id_;
  std::string texts_;  ///< Of that pack.
};

}  // namespace crudbench
