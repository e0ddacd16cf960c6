#include "harness/runner/rehearsal.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <stop_token>
#include <string_view>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/random.h"
#include "harness/runner/retrieval_desk.h"
#include "harness/runner/runner.h"
#include "harness/runner/scorer.h"
#include "harness/store/store.h"
#include "harness/tasks/task.h"
#include "retrievers/artifact_store.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRetrievals = 32;
constexpr std::size_t kCells = 48;
constexpr std::array<std::size_t, 2> kCorpusBytes{1'500'000, 6'000'000};
constexpr std::array<std::size_t, 2> kSamples{8, 64};  ///< Of each task.
constexpr std::size_t kQueries = 256;                  ///< Of each task; as in a batch of a run.

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Whether a configuration, at any depth, works on the corpus alone: no model to load, no endpoint
/// or program to ask, no file that was made for the whole corpus.
bool is_self_contained(const Json& config) {
  constexpr std::array<std::string_view, 8> kForeign{
      "model", "base_url", "url", "command", "generator", "chunks_file", "file", "queries_file"};
  if (config.is_object() &&
      std::any_of(kForeign.begin(), kForeign.end(), [&config](std::string_view key) {
        const auto found = config.find(key);
        return found != config.end() && !found->is_null() && *found != "";
      })) {
    return false;
  }
  return !config.is_structured() || std::all_of(config.begin(), config.end(), is_self_contained);
}

Json retrieval_json(const RetrievalConfig& config) {
  return {config.retriever, config.chunker, config.embedder, config.index};
}

/// What stands behind a quantity that was measured at two sizes, as a line through both.
double extrapolate(const std::array<double, 2>& sizes, const std::array<double, 2>& values,
                   double size) {
  if (sizes[1] - sizes[0] < 0.1 * sizes[1]) {
    return sizes[1] > 0 ? values[1] * size / sizes[1] : values[1];
  }
  const double slope = std::max(0.0, (values[1] - values[0]) / (sizes[1] - sizes[0]));
  return std::max(0.0, values[1] + slope * (size - sizes[1]));
}

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) {
    sum += value;
  }
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

/// Tells how long runs took, by task.
class RunTimes final : public RunListener {
 public:
  struct Total {
    double seconds = 0.0;
    double runs = 0.0;
    double samples = 0.0;
  };

  void run_started(const PlannedRun& run, std::size_t /*position*/,
                   std::size_t /*run_count*/) override {
    started_[run.fingerprint] = Clock::now();
  }
  void sample_finished(const PlannedRun& run, const SampleRecord& /*sample*/) override {
    ++totals_[run.task].samples;
  }
  void judging_started(const PlannedRun& /*run*/, const std::string& /*metric*/,
                       std::size_t /*count*/) override {}
  void sample_judged(const PlannedRun& /*run*/) override {}
  void run_finished(const PlannedRun& run, const RunProgress& /*progress*/) override {
    Total& total = totals_[run.task];
    total.seconds += seconds_since(started_.at(run.fingerprint));
    ++total.runs;
  }

  const std::map<std::string, Total>& totals() const { return totals_; }

 private:
  std::map<std::string, Clock::time_point> started_;  // by fingerprint
  std::map<std::string, Total> totals_;
};

/// What an extract of the corpus took.
struct Trial {
  double corpus_bytes = 0.0;
  std::map<std::string, Effort::Stage> stages;  // by the plan's fingerprint
  std::map<std::string, double> chunk_counts;   // the same: what embedders learned from
  std::map<std::size_t, double> open_seconds;   // by position in Plan::retrievals
  std::map<std::pair<std::size_t, std::string>, double> query_seconds;  // the same, and task
  struct MetricEmbedder {
    Effort::Stage built;
    double chunk_count = 0.0;
  };
  std::map<std::size_t, MetricEmbedder> metrics;  // by position in the metrics that are tried
};

class Rehearsal {
 public:
  Rehearsal(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
            const Plan& plan, const KnowledgeBase& knowledge_base, Executor& executor)
      : experiment_(experiment),
        dataset_(dataset),
        catalog_(catalog),
        plan_(plan),
        knowledge_base_(knowledge_base),
        executor_(executor),
        scratch_(std::filesystem::temp_directory_path() / "crudbench-rehearsal") {
    experiment_of_metrics();
    find_pending();
    choose();
  }

  Effort estimate() {
    if (pending_runs_.empty()) {
      return {};
    }
    std::array<Dataset, 2> extracts;
    std::array<Trial, 2> trials;
    for (std::size_t size = 0; size < extracts.size(); ++size) {
      extracts[size] = extract(kCorpusBytes[size], size);
      trials[size] = try_retrievals(extracts[size]);
    }
    add_stages(trials);
    add_searches(trials);
    add_answers(extracts[1], trials[1]);
    return std::move(effort_);
  }

 private:
  /// Metrics that need nobody's answers.
  void experiment_of_metrics() {
    for (const Json& metric : experiment_.metrics) {
      if (!is_judged(metric, catalog_) && is_self_contained(metric)) {
        metrics_.push_back(metric);
      }
    }
    if (metrics_.size() < experiment_.metrics.size()) {
      effort_.untimed.emplace_back("metrics that ask a judge or load a model");
    }
  }

  void find_pending() {
    std::set<std::string> seen;
    for (const PlannedRun& run : plan_.runs) {
      const auto done = static_cast<std::size_t>(run.progress.ok + run.progress.failed);
      if (done < run.sample_count && seen.insert(run.fingerprint).second) {
        pending_runs_.push_back(&run);
        pending_cells_.insert(run.cell);
      }
    }
  }

  void choose() {
    std::vector<std::size_t> local;
    bool is_all = true;
    for (std::size_t i = 0; i < plan_.retrievals.size(); ++i) {
      const std::vector<std::size_t>& cells = plan_.retrievals[i].cells;
      if (std::none_of(cells.begin(), cells.end(),
                       [this](std::size_t cell) { return pending_cells_.contains(cell); })) {
        continue;
      }
      const RetrievalConfig& config = experiment_.cells[cells.front()].retrieval;
      if (is_self_contained(retrieval_json(config))) {
        local.push_back(i);
      } else {
        is_all = false;
      }
      pending_retrievals_.insert(i);
    }
    if (!is_all) {
      effort_.untimed.emplace_back(
          "knowledge bases and retrieval that ask an endpoint or a program, load a model or read "
          "what was made elsewhere");
    }
    local_retrievals_ = {local.begin(), local.end()};
    for (const std::size_t position : sample_positions(local.size(), kRetrievals, 0)) {
      tried_retrievals_.push_back(local[position]);
    }
    std::vector<std::size_t> cells;
    for (const std::size_t retrieval : tried_retrievals_) {
      for (const std::size_t cell : plan_.retrievals[retrieval].cells) {
        if (pending_cells_.contains(cell) && is_self_contained(experiment_.cells[cell].generator)) {
          cells.push_back(cell);
        }
      }
    }
    std::sort(cells.begin(), cells.end());
    for (const std::size_t position : sample_positions(cells.size(), kCells, 0)) {
      tried_cells_.push_back(cells[position]);
    }
  }

  /// Documents spread over the corpus, about `bytes` of them, and some samples with their golds.
  Dataset extract(std::size_t bytes, std::size_t number) const {
    const Corpus& whole = dataset_.corpus;
    Dataset part;
    const std::size_t count =
        whole.size_bytes() <= bytes
            ? whole.size()
            : std::max<std::size_t>(whole.size() * bytes / whole.size_bytes(), 1);
    for (const std::size_t position : sample_positions(whole.size(), count, 0)) {
      const auto document = static_cast<DocumentIndex>(position);
      part.corpus.add_named(whole.doc_id(document), whole.text(document));
    }
    for (const std::string& task : plan_.tasks) {
      const std::vector<std::size_t> samples = samples_of(dataset_, task);
      for (const std::size_t position : sample_positions(samples.size(), kSamples.back(), 0)) {
        Sample sample = dataset_.samples[samples[position]];
        for (DocumentIndex& gold : sample.gold_documents) {
          const std::string_view text = whole.text(gold);
          const std::optional<DocumentIndex> known = part.corpus.find(text);
          gold = known ? *known : part.corpus.add_named(whole.doc_id(gold), text);
        }
        part.samples.push_back(std::move(sample));
      }
    }
    part.knowledge_base_mode = dataset_.knowledge_base_mode;
    part.corpus_fingerprint = "rehearsal " + std::to_string(number);
    part.samples_fingerprint = part.corpus_fingerprint;
    return part;
  }

  Workspace workspace(const std::string& name) const {
    return {.folder = scratch_.path() / name, .shared_knowledge_bases = scratch_.path() / "kb"};
  }

  /// Builds, opens and searches; the retrievals of one chunker in one knowledge base, as runs do.
  Trial try_retrievals(const Dataset& part) const {
    Trial trial{.corpus_bytes = static_cast<double>(part.corpus.size_bytes())};
    std::map<std::string, std::vector<std::size_t>> by_chunker;
    for (const std::size_t retrieval : tried_retrievals_) {
      const Cell& cell = experiment_.cells[plan_.retrievals[retrieval].cells.front()];
      by_chunker[knowledge_base_key(cell)].push_back(retrieval);
    }
    for (const auto& [chunker, retrievals] : by_chunker) {
      Bench bench(*this, part);
      for (const std::size_t retrieval : retrievals) {
        try_retrieval(retrieval, bench, trial);
      }
    }
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      if (metrics_[i].contains("embedder") && !has_embedder(metrics_[i])) {
        trial.metrics[i] = try_metric(metrics_[i], part);
      }
    }
    return trial;
  }

  Trial::MetricEmbedder try_metric(const Json& metric, const Dataset& part) const {
    Bench bench(*this, part);
    bench.base.embedder(metric.at("chunker"), metric.at("embedder"));
    const std::map<std::string, double> bytes = artifact_sizes();
    Trial::MetricEmbedder tried{
        .chunk_count = static_cast<double>(bench.base.chunks(metric.at("chunker")).size())};
    for (const auto& [fingerprint, seconds] : bench.built) {
      tried.built.seconds += seconds;
      tried.built.bytes += bytes.at(fingerprint);
    }
    return tried;
  }

  /// Whether the embedder of a metric stands already.
  bool has_embedder(const Json& metric) const {
    const std::vector<KnowledgeBaseStage> stages =
        knowledge_base_.stages({.retriever = {{"type", "dense"}},
                                .chunker = metric.at("chunker"),
                                .embedder = metric.at("embedder"),
                                .index = {{"type", "flat"}}});
    return std::any_of(stages.begin(), stages.end(), [](const KnowledgeBaseStage& stage) {
      return stage.kind == "embedder" && stage.cached;
    });
  }

  /// A knowledge base over an extract that tells what was built.
  struct Bench {
    Bench(const Rehearsal& rehearsal, const Dataset& part)
        : base(rehearsal.workspace("trial").knowledge_base_folder(), part.corpus,
               part.corpus_fingerprint, rehearsal.catalog_, rehearsal.executor_) {
      base.on_built(
          [this](const std::string& fingerprint, double seconds) { built[fingerprint] = seconds; });
    }

    KnowledgeBase base;
    std::map<std::string, double> built;  // by fingerprint, in seconds
  };

  void try_retrieval(std::size_t position, Bench& bench, Trial& trial) const {
    const PlannedRetrieval& planned = plan_.retrievals[position];
    const RetrievalConfig& config = experiment_.cells[planned.cells.front()].retrieval;
    const std::set<std::string> before = keys_of(bench.built);
    const auto start = Clock::now();
    const std::unique_ptr<Retriever> retriever = bench.base.open(config);
    double opened = seconds_since(start);
    const std::vector<KnowledgeBaseStage> stages = bench.base.stages(config);
    const std::map<std::string, double> bytes = artifact_sizes();
    for (std::size_t i = 0; i < stages.size(); ++i) {
      const std::string& fingerprint = stages[i].fingerprint;
      const auto built = bench.built.find(fingerprint);
      if (built == bench.built.end() || before.contains(fingerprint)) {
        continue;
      }
      const std::string& planned_as = plan_.stages[planned.stages[i]].fingerprint;
      trial.chunk_counts[planned_as] = static_cast<double>(retriever->chunks().size());
      double seconds = built->second;
      opened -= stages[i].kind == "distances" ? 0.0 : seconds;  // Built within the chunks.
      if (stages[i].kind == "chunks" && !stages[i].parent.empty()) {
        const auto parent = bench.built.find(stages[i].parent);
        seconds -= parent == bench.built.end() ? 0.0 : parent->second;
      }
      trial.stages[planned_as] = {.seconds = std::max(0.0, seconds),
                                  .bytes = bytes.at(fingerprint)};
    }
    trial.open_seconds[position] = std::max(0.0, opened);
    for (const std::string& task : plan_.tasks) {
      trial.query_seconds[{position, task}] = time_queries(*retriever, planned.top_k, task);
    }
  }

  static std::set<std::string> keys_of(const std::map<std::string, double>& values) {
    std::set<std::string> keys;
    for (const auto& [key, value] : values) {
      keys.insert(key);
    }
    return keys;
  }

  std::map<std::string, double> artifact_sizes() const {
    std::map<std::string, double> sizes;
    for (const StoredArtifact& artifact :
         ArtifactStore(workspace("trial").knowledge_base_folder()).list()) {
      sizes[artifact.fingerprint] = static_cast<double>(artifact.size_bytes);
    }
    return sizes;
  }

  /// Seconds a query in a batch, the best of several.
  double time_queries(const Retriever& retriever, std::size_t top_k,
                      const std::string& task) const {
    constexpr std::size_t kFewestTrials = 3;
    constexpr double kLongEnough = 0.05;
    const auto member = catalog_.tasks.build({{"type", task}});
    const std::vector<std::size_t> samples = samples_of(dataset_, task);
    std::vector<Query> queries;
    for (const std::size_t position : sample_positions(samples.size(), kQueries, 0)) {
      queries.push_back(
          {.text = member->query(dataset_.samples[samples[position]]), .gold_documents = {}});
    }
    double best = 0.0;
    double total = 0.0;
    for (std::size_t trial = 0; trial < kFewestTrials || total < kLongEnough; ++trial) {
      const auto start = Clock::now();
      retriever.retrieve(queries, top_k, executor_);
      const double seconds = seconds_since(start);
      best = trial == 0 ? seconds : std::min(best, seconds);
      total += seconds;
    }
    return best / static_cast<double>(std::max<std::size_t>(queries.size(), 1));
  }

  double at_full_size(const std::array<Trial, 2>& trials, double small, double large) const {
    return extrapolate({trials[0].corpus_bytes, trials[1].corpus_bytes}, {small, large},
                       static_cast<double>(dataset_.corpus.size_bytes()));
  }

  /// The same for an artifact. An embedder that learns from so many chunks at most
  /// ("train_chunks") takes no longer for more.
  Effort::Stage full_stage(const std::array<Trial, 2>& trials,
                           const std::array<Effort::Stage, 2>& built,
                           const std::array<double, 2>& chunk_counts, const Json& embedder) const {
    const Json limit = embedder.value("train_chunks", Json());
    if (!limit.is_number()) {
      return {.seconds = at_full_size(trials, built[0].seconds, built[1].seconds),
              .bytes = at_full_size(trials, built[0].bytes, built[1].bytes)};
    }
    const auto learned = [&](double count) { return std::min(count, limit.get<double>()); };
    const std::array<double, 2> sizes{learned(chunk_counts[0]), learned(chunk_counts[1])};
    const double all = learned(at_full_size(trials, chunk_counts[0], chunk_counts[1]));
    return {.seconds = extrapolate(sizes, {built[0].seconds, built[1].seconds}, all),
            .bytes = extrapolate(sizes, {built[0].bytes, built[1].bytes}, all)};
  }

  void add_stages(const std::array<Trial, 2>& trials) {
    std::set<std::size_t> wanted;
    for (const std::size_t retrieval : local_retrievals_) {
      const std::vector<std::size_t>& stages = plan_.retrievals[retrieval].stages;
      wanted.insert(stages.begin(), stages.end());
    }
    std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> by_kind;
    for (const std::size_t position : wanted) {
      const KnowledgeBaseStage& stage = plan_.stages[position];
      const auto small = trials[0].stages.find(stage.fingerprint);
      const auto large = trials[1].stages.find(stage.fingerprint);
      if (small == trials[0].stages.end() || large == trials[1].stages.end()) {
        continue;
      }
      const Effort::Stage full =
          full_stage(trials, {small->second, large->second},
                     {trials[0].chunk_counts.at(stage.fingerprint),
                      trials[1].chunk_counts.at(stage.fingerprint)},
                     stage.kind == "embedder" ? stage.parameters.at("embedder") : Json::object());
      by_kind[stage.kind].first.push_back(full.seconds);
      by_kind[stage.kind].second.push_back(full.bytes);
      if (!stage.cached) {
        effort_.stages[stage.fingerprint] = full;
      }
    }
    for (const std::size_t position : wanted) {  // Those that were not tried are as the others.
      const KnowledgeBaseStage& stage = plan_.stages[position];
      if (!stage.cached && !effort_.stages.contains(stage.fingerprint)) {
        const auto& [seconds, bytes] = by_kind[stage.kind];
        effort_.stages[stage.fingerprint] = {.seconds = mean_of(seconds), .bytes = mean_of(bytes)};
      }
    }
    for (const auto& [fingerprint, stage] : effort_.stages) {
      effort_.build_seconds += stage.seconds;
      effort_.artifact_bytes += stage.bytes;
    }
    for (const auto& [metric, large] : trials[1].metrics) {
      const Trial::MetricEmbedder& small = trials[0].metrics.at(metric);
      const Effort::Stage full =
          full_stage(trials, {small.built, large.built}, {small.chunk_count, large.chunk_count},
                     metrics_[metric].at("embedder"));
      effort_.build_seconds += full.seconds;
      effort_.artifact_bytes += full.bytes;
    }
  }

  void add_searches(const std::array<Trial, 2>& trials) {
    std::map<std::pair<std::string, std::string>, std::size_t> left;  // by retrieval and task
    for (const PlannedRun* run : pending_runs_) {
      const auto done = static_cast<std::size_t>(run->progress.ok + run->progress.failed);
      std::size_t& most = left[{run->retrieval_fingerprint, run->task}];
      most = std::max(most, (run->sample_count - done) / experiment_.repeats);
    }
    std::vector<double> tried;
    for (const std::size_t retrieval : tried_retrievals_) {
      double seconds = at_full_size(trials, trials[0].open_seconds.at(retrieval),
                                    trials[1].open_seconds.at(retrieval));
      for (const std::string& task : plan_.tasks) {
        const auto count = left.find({plan_.retrievals[retrieval].fingerprint, task});
        const std::pair key(retrieval, task);
        seconds += count == left.end() ? 0.0
                                       : static_cast<double>(count->second) *
                                             at_full_size(trials, trials[0].query_seconds.at(key),
                                                          trials[1].query_seconds.at(key));
      }
      tried.push_back(seconds);
    }
    effort_.search_seconds = mean_of(tried) * static_cast<double>(local_retrievals_.size());
  }

  /// Runs cells on few and on more samples; what they differ by is what samples take, the rest is
  /// what a run takes.
  void add_answers(const Dataset& part, const Trial& trial) {
    double untimed = 0.0;
    for (const std::size_t cell : pending_cells_) {
      untimed += is_self_contained(experiment_.cells[cell].generator) ? 0.0 : 1.0;
    }
    if (untimed > 0) {
      effort_.untimed.emplace_back("answers of models and programs, and scoring them");
    }
    if (tried_cells_.empty()) {
      return;
    }
    double opening = 0.0;
    for (const auto& [retrieval, seconds] : trial.open_seconds) {
      opening += seconds;
    }
    std::array<std::map<std::string, RunTimes::Total>, 2> times;
    std::array<double, 2> bytes{};
    for (std::size_t size = 0; size < kSamples.size(); ++size) {
      const Workspace of_size = workspace("samples-" + std::to_string(kSamples[size]));
      times[size] = run_cells(part, of_size, kSamples[size]);
      bytes[size] = static_cast<double>(std::filesystem::file_size(of_size.database_file()));
    }
    std::map<std::string, double> of_sample;  // by task
    RunTimes::Total all;
    double in_samples = 0.0;
    std::array<double, 2> sample_counts{};
    for (const auto& [task, large] : times[1]) {
      const RunTimes::Total& small = times[0].at(task);
      sample_counts[0] += small.samples;
      sample_counts[1] += large.samples;
      of_sample[task] =
          large.samples > small.samples
              ? std::max(0.0, (large.seconds - small.seconds) / (large.samples - small.samples))
              : large.seconds / std::max(1.0, large.samples);
      in_samples += of_sample[task] * small.samples;
      all.seconds += small.seconds;
      all.runs += small.runs;
    }
    const double of_run =
        std::max(0.0, (all.seconds - opening - in_samples) / std::max(1.0, all.runs));
    double samples = 0.0;
    for (const PlannedRun* run : pending_runs_) {
      if (!is_self_contained(experiment_.cells[run->cell].generator)) {
        continue;
      }
      const auto left = static_cast<double>(run->sample_count) -
                        static_cast<double>(run->progress.ok + run->progress.failed);
      const auto found = of_sample.find(run->task);
      effort_.answer_seconds += of_run + (found == of_sample.end() ? 0.0 : found->second * left);
      samples += left;
    }
    effort_.store_bytes = extrapolate(sample_counts, bytes, samples);
  }

  std::map<std::string, RunTimes::Total> run_cells(const Dataset& part, const Workspace& workspace,
                                                   std::size_t samples) const {
    Experiment rehearsed{
        .name = "rehearsal", .file = experiment_.file, .dataset = experiment_.dataset};
    rehearsed.metrics = metrics_;
    for (const std::size_t cell : tried_cells_) {
      rehearsed.cells.push_back(experiment_.cells[cell]);
    }
    RunTimes times;
    create_folders(workspace.folder);
    Store store(workspace, Database::Mode::kReadWrite);
    RunOptions options;
    options.jobs = 1;
    options.samples_per_task = samples;
    run_experiment(rehearsed, part, catalog_, store, workspace, executor_, options, times,
                   std::stop_token());
    return times.totals();
  }

  const Experiment& experiment_;
  const Dataset& dataset_;
  const Catalog& catalog_;
  const Plan& plan_;
  const KnowledgeBase& knowledge_base_;
  Executor& executor_;
  const AtomicFolder scratch_;  ///< Never committed, hence removed.

  std::vector<Json> metrics_;
  std::vector<const PlannedRun*> pending_runs_;  ///< Each fingerprint once.
  std::set<std::size_t> pending_cells_;
  std::set<std::size_t> pending_retrievals_;  ///< Positions in Plan::retrievals.
  std::set<std::size_t> local_retrievals_;    ///< Those of them that are self-contained.
  std::vector<std::size_t> tried_retrievals_;
  std::vector<std::size_t> tried_cells_;
  Effort effort_;
};

}  // namespace

Effort rehearse(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
                const Plan& plan, const KnowledgeBase& knowledge_base, Executor& executor) {
  try {
    return Rehearsal(experiment, dataset, catalog, plan, knowledge_base, executor).estimate();
  } catch (const std::filesystem::filesystem_error& error) {
    throw io_error("use", error.path1().string(), error.code().value());
  }
}

}  // namespace crudbench
