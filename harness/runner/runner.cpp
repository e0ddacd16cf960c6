#include "harness/runner/runner.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "harness/core/fingerprint.h"
#include "harness/core/log.h"
#include "harness/generators/caching_generator.h"
#include "harness/generators/generator_traits.h"
#include "harness/generators/llama_host.h"
#include "harness/llama/memory_check.h"
#include "harness/net/rate_control.h"
#include "harness/runner/context_tokens.h"
#include "harness/runner/judging.h"
#include "harness/runner/metered_generator.h"
#include "harness/runner/preflight.h"
#include "harness/runner/provenance.h"
#include "harness/runner/retrieval_desk.h"
#include "harness/runner/run_execution.h"
#include "harness/runner/run_jobs.h"
#include "harness/runner/search.h"
#include "harness/runner/stored_completions.h"
#include "harness/runner/task_items.h"
#include "harness/runner/thread_pool.h"
#include "harness/tasks/builtin_tasks.h"

namespace crudbench {

namespace {

/// The configuration of a generator for one repeat: the first is as written, later ones have the
/// seed raised where the generator takes one.
Json with_seed(const Json& config, std::size_t repeat, const Catalog& catalog) {
  if (repeat == 0) {
    return config;
  }
  const Json written = config.value("seed", Json());
  Json seeded = config;
  seeded["seed"] = (written.is_number_integer() ? written.get<std::int64_t>() : 0) +
                   static_cast<std::int64_t>(repeat);
  try {
    return catalog.generators.resolve(seeded, "repeat " + std::to_string(repeat), "/generator");
  } catch (const Error&) {  // It takes no seed.
    return config;
  }
}

/// What messages call a generator: its type, model and place.
std::string generator_name(const Json& config) {
  std::string name = config.at("type").get<std::string>();
  for (const char* key : {"model", "base_url", "url"}) {
    if (const Json value = config.value(key, Json()); value.is_string()) {
      name += " " + value.get<std::string>();
    }
  }
  return name;
}

/// Executes an experiment; one object per call of `run_experiment`.
class ExperimentRunner {
 public:
  ExperimentRunner(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
                   Store& store, const Workspace& workspace, Executor& executor,
                   const RunOptions& options, RunListener& listener)
      : experiment_(experiment),
        dataset_(dataset),
        catalog_(catalog),
        store_(store),
        workspace_(workspace),
        executor_(executor),
        options_(options),
        listener_(listener),
        completions_(store, options.refresh),
        budget_(options.budget != nullptr ? *options.budget : unlimited_) {}

  ExperimentOutcome run(const std::stop_token& stop) {
    Plan plan = make_plan(experiment_, dataset_, catalog_, *new_knowledge_base(executor_), &store_);
    require_same_shard();
    const std::optional<ShardRecord> shard = choose_shard(plan);
    const ItemKeeper keeper(store_, dataset_, item_parts(plan));
    prepare_scorers(plan);
    ExperimentOutcome summary{.run_ids = put_runs(plan)};
    if (shard) {
      store_.put_shard(experiment_.name, *shard);
    }
    restrict_counts(plan);
    execute_all(plan, summary.run_ids, stop);
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      const RunProgress progress = store_.progress(summary.run_ids[i]);
      summary.ok += progress.ok;
      summary.failed += progress.failed;
      summary.total += std::max(static_cast<std::int64_t>(plan.runs[i].sample_count),
                                progress.ok + progress.failed);
    }
    const bool is_unfinished =
        summary.ok + summary.failed < summary.total || judging_is_unfinished_;
    summary.over_budget = budget_.is_used_up() && is_unfinished;
    summary.interrupted = summary.over_budget || (stop.stop_requested() && is_unfinished);
    return summary;
  }

  ExperimentOutcome score(const std::vector<ExternalPrediction>& predictions,
                          const std::string& name, const std::stop_token& stop) {
    std::map<std::string, PredictionsById> by_task = belonging(predictions);
    Plan plan;
    for (const auto& [task, of_task] : by_task) {
      plan.tasks.push_back(task);
    }
    const ItemKeeper keeper(store_, dataset_, item_parts(plan));
    prepare_scorers(plan);
    ExperimentOutcome outcome;
    for (const std::string_view task : task_names()) {
      const auto of_task = by_task.find(std::string(task));
      if (of_task == by_task.end()) {
        continue;
      }
      const TaskItems& items = items_.at(of_task->first);
      const RunRecord record = external_run(of_task->first, of_task->second, name);
      const std::int64_t run_id = store_.put_run(record);
      outcome.run_ids.push_back(run_id);
      if (store_.finished(run_id, false).size() < items.ids.size()) {
        store_.put_samples(run_id, external_records(items, of_task->second));
      }
      const bool hits_are_known =
          std::any_of(of_task->second.begin(), of_task->second.end(),
                      [](const auto& entry) { return entry.second->contexts.has_value(); });
      update_scores(run_id, of_task->first, false, hits_are_known);
      judge({.task = of_task->first}, run_id, stop);
      const RunProgress progress = store_.progress(run_id);
      outcome.ok += progress.ok;
      outcome.failed += progress.failed;
      outcome.total += record.sample_count;
    }
    store_.put_experiment(name, {{"experiment", name}, {"metrics", experiment_.metrics}},
                          without_labels(outcome.run_ids));
    outcome.interrupted = judging_is_unfinished_;
    return outcome;
  }

 private:
  using PredictionsById = std::map<std::string, const ExternalPrediction*, std::less<>>;

  /// The predictions that belong to samples of the data, by task.
  std::map<std::string, PredictionsById> belonging(
      const std::vector<ExternalPrediction>& predictions) const {
    std::set<std::pair<std::string, std::string>> known;
    for (const Sample& sample : dataset_.samples) {
      known.emplace(sample.task, sample.sample_id);
    }
    std::map<std::string, PredictionsById> by_task;
    std::vector<std::string> unknown;
    for (const ExternalPrediction& prediction : predictions) {
      if (known.contains({prediction.task, prediction.sample_id})) {
        by_task[prediction.task].emplace(prediction.sample_id, &prediction);
      } else {
        unknown.push_back(prediction.task + "/" + prediction.sample_id);
      }
    }
    if (by_task.empty()) {
      throw Error(ErrorCode::kInvalidData,
                  "none of the predictions belongs to a sample of the data; the first is for " +
                      unknown.front());
    }
    if (!unknown.empty()) {
      log_warning("score", std::to_string(unknown.size()) +
                               " predictions belong to no sample of the data and are left out, "
                               "the first for " +
                               unknown.front());
    }
    return by_task;
  }

  RunRecord external_run(const std::string& task, const PredictionsById& predictions,
                         const std::string& name) const {
    Json dataset = experiment_.dataset;
    dataset.erase("samples");
    dataset.erase("corpus");
    FingerprintBuilder answers("external answers", 1);
    for (const auto& [sample_id, prediction] : predictions) {
      answers.add(sample_id).add(prediction->prediction);
      if (prediction->contexts) {
        for (const ExternalContext& context : *prediction->contexts) {
          answers.add("context").add(context.doc_id).add(context.text);
        }
      }
    }
    const auto named = [&](const char* kind) {
      FingerprintBuilder fingerprint(kind, 1);
      fingerprint.add(name).add(dataset_.knowledge_base_mode);
      fingerprint.add(dataset_.corpus_fingerprint).add(dataset_.samples_fingerprint);
      return fingerprint;
    };
    const std::size_t sample_count = items_.at(task).samples.size();
    return {.fingerprint = named("external run")
                               .add(task)
                               .add(std::to_string(sample_count))
                               .add(answers.hex_digest())
                               .hex_digest(),
            .cell_fingerprint = named("external").add(to_text(dataset)).hex_digest(),
            .task = task,
            .cell = {{"dataset", dataset},
                     {"retriever", {{"type", "external"}}},
                     {"generator", {{"type", "external"}, {"model", name}}}},
            .provenance = make_provenance(dataset_),
            .sample_count = static_cast<std::int64_t>(sample_count)};
  }

  std::vector<SampleRecord> external_records(const TaskItems& items,
                                             const PredictionsById& predictions) const {
    std::vector<SampleRecord> records;
    for (std::size_t item = 0; item < items.samples.size(); ++item) {
      const Sample& sample = dataset_.samples[items.samples[item]];
      const auto found = predictions.find(sample.sample_id);
      if (found == predictions.end()) {
        records.push_back(
            {.item_id = items.ids.at(item),
             .failure = Failure{.stage = Stage::kRetrieval,  // Nothing of it is known.
                                .failure_class = "missing",
                                .message = "the file has no prediction for this sample"}});
        continue;
      }
      const ExternalPrediction& prediction = *found->second;
      SampleRecord& record = records.emplace_back(external_record(prediction, items.ids.at(item)));
      if (prediction.contexts) {
        record.hits = external_hits(*prediction.contexts, sample.gold_documents, dataset_.corpus);
      }
    }
    return records;
  }

  std::unique_ptr<KnowledgeBase> new_knowledge_base(Executor& executor) {
    auto base = std::make_unique<KnowledgeBase>(workspace_.knowledge_base_folder(), dataset_.corpus,
                                                dataset_.corpus_fingerprint, catalog_, executor);
    base->set_generators(
        [this](const Json& config) { return make_generator(config, 0, "rewriting"); });
    return base;
  }

  /// Works off the jobs of all runs, several at a time where they do not need the same.
  void execute_all(const Plan& plan, const std::vector<std::int64_t>& run_ids,
                   const std::stop_token& stop) {
    const std::vector<std::size_t> order = execution_order(plan);
    const RunJobs work = jobs_of(experiment_, plan, order, catalog_);
    const std::size_t lanes = options_.jobs != 0 ? options_.jobs : default_lanes(work.jobs);
    has_local_model_ =
        std::any_of(experiment_.cells.begin(), experiment_.cells.end(),
                    [](const Cell& cell) { return has_local_model(cell.to_json()); });
    desk_.emplace(plan, experiment_, dataset_.corpus,
                  [this, lanes] { return new_knowledge_base(executor_beside(lanes > 1)); });
    std::vector<std::size_t> positions(plan.runs.size());  // [run] in `order`
    for (std::size_t i = 0; i < order.size(); ++i) {
      positions[order[i]] = i;
    }
    std::stop_source halt;  // When the caller says so, or another job has failed.
    const std::stop_callback forward(stop, [&halt] { halt.request_stop(); });
    const auto do_job = [&](std::size_t job) {
      if (halt.stop_requested() || budget_.is_used_up()) {
        return;
      }
      const RunJobs::Part& part = work.parts[job];
      const PlannedRun& run = plan.runs[part.run];
      const std::int64_t run_id = run_ids[part.run];
      if (part.is_judging) {
        judge(run, run_id, halt.get_token());
      } else {
        tell([&] { listener_.run_started(run, positions[part.run], order.size()); });
        execute(run, ranges_[part.run], run_id, lanes > 1, halt.get_token());
        desk_->finish(run);
      }
      if (part.is_last) {
        tell([&] { listener_.run_finished(run, store_.progress(run_id)); });
      }
    };
    JobSchedule schedule = make_schedule(plan, work, lanes);
    run_jobs(
        schedule, lanes, do_job, [this](const std::string& key) { desk_->evict(key); },
        [&halt] { halt.request_stop(); });
  }

  /// One lane has one knowledge base at a time and needs no sizes.
  JobSchedule make_schedule(const Plan& plan, const RunJobs& work, std::size_t lanes) const {
    if (lanes == 1 && options_.memory_bytes == 0) {
      return {work.jobs, {}, 0};
    }
    constexpr std::uint64_t kUsedShare = 8;  // Tenths of the free memory.
    std::map<std::string, std::uint64_t> sizes = knowledge_base_sizes(
        experiment_, plan, dataset_.corpus, workspace_.knowledge_base_folder());
    for (const auto& [chunker, bytes] : sizes) {
      if (options_.memory_bytes != 0 && bytes > options_.memory_bytes) {
        throw Error(ErrorCode::kInvalidConfig,
                    "--memory: the knowledge base of the chunker " + chunker + " takes about " +
                        std::to_string(bytes >> 20) + " MiB, more than the " +
                        std::to_string(options_.memory_bytes >> 20) + " MiB allowed");
      }
    }
    return {work.jobs, std::move(sizes),
            options_.memory_bytes != 0 ? options_.memory_bytes
                                       : available_memory_bytes() / 10 * kUsedShare};
  }

  /// Calls the listener, one call at a time.
  template <class Call>
  void tell(const Call& call) {
    const std::lock_guard lock(listening_);
    call();
  }

  /// Runs of one chunker follow each other, and among them those of one retrieval, so that a
  /// knowledge base is in memory once and hits are shared; otherwise the plan's order.
  std::vector<std::size_t> execution_order(const Plan& plan) const {
    std::map<std::string, std::size_t> ranks;  // by first appearance
    const auto rank = [&ranks](const std::string& key) {
      return ranks.try_emplace(key, ranks.size()).first->second;
    };
    std::vector<std::array<std::size_t, 3>> keyed;
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      const PlannedRun& run = plan.runs[i];
      keyed.push_back({rank(to_text(experiment_.cells[run.cell].retrieval.chunker)),
                       rank(run.retrieval_fingerprint), i});
    }
    std::sort(keyed.begin(), keyed.end());
    std::vector<std::size_t> order;
    for (const auto& key : keyed) {
      order.push_back(key[2]);
    }
    return order;
  }

  /// The items that are needed here: those of a shard are a part, in the order of the whole.
  std::vector<ItemKeeper::Part> item_parts(const Plan& plan) {
    std::vector<ItemKeeper::Part> parts;
    for (const std::string& task : plan.tasks) {
      TaskItems& items = items_[task];
      items.task = catalog_.tasks.build({{"type", task}});
      items.samples = samples_of(dataset_, task);
      parts.push_back({.items = &items,
                       .range = options_.shard
                                    ? range_of_task(plan, task)
                                    : SampleRange{.begin = 0, .end = items.samples.size()}});
    }
    return parts;
  }

  std::vector<std::int64_t> put_runs(const Plan& plan) {
    Json dataset = experiment_.dataset;
    dataset.erase("samples");  // Paths say nothing about the data; their hashes do.
    dataset.erase("corpus");
    Json provenance = make_provenance(dataset_);
    std::vector<std::int64_t> run_ids;
    for (const PlannedRun& run : plan.runs) {
      const Cell& cell = experiment_.cells[run.cell];
      Json sections = cell.to_json();
      sections["dataset"] = dataset;
      if (const auto price = experiment_.prices.of(cell.generator)) {
        provenance["price"] = {{"currency", experiment_.prices.currency},
                               {"input", price->input},
                               {"cached_input", price->cached_input},
                               {"output", price->output}};
      } else {
        provenance.erase("price");
      }
      provenance["prompt_sha256"] = load_prompt_template(cell.prompts, run.task).sha256();
      run_ids.push_back(
          store_.put_run({.fingerprint = run.fingerprint,
                          .cell_fingerprint = run.cell_fingerprint,
                          .task = run.task,
                          .cell = std::move(sections),
                          .provenance = provenance,
                          .sample_count = static_cast<std::int64_t>(run.sample_count)}));
    }
    std::vector<ExperimentRun> runs;
    for (std::size_t i = 0; i < run_ids.size(); ++i) {
      const std::size_t cell = plan.runs[i].cell;
      runs.push_back(
          {.run_id = run_ids[i],
           .label = experiment_.cells[cell].label,
           .stopped_after = options_.stopped_after.empty() ? 0 : options_.stopped_after[cell]});
    }
    store_.put_experiment(experiment_.name, experiment_.source, runs);
    return run_ids;
  }

  /// A workspace holds one shard of an experiment, or all of it.
  void require_same_shard() const {
    const auto text = [](std::size_t number, std::size_t count) {
      return std::to_string(number) + "/" + std::to_string(count);
    };
    const std::optional<ShardRecord> held = store_.find_shard(experiment_.name);
    const std::optional<Shard>& wanted = options_.shard;
    if (!held || (wanted && held->number == static_cast<std::int64_t>(wanted->number) &&
                  held->count == static_cast<std::int64_t>(wanted->count))) {
      return;
    }
    throw Error(
        ErrorCode::kInvalidConfig,
        "workspace '" + workspace_.folder.string() + "' holds shard " +
            text(static_cast<std::size_t>(held->number), static_cast<std::size_t>(held->count)) +
            " of experiment '" + experiment_.name + "', not " +
            (wanted ? "shard " + text(wanted->number, wanted->count) : "all of it") +
            ": each shard needs a workspace of its own");
  }

  /// Which samples of each run are to be done here: all of them, or those of the shard, whose
  /// record is returned.
  std::optional<ShardRecord> choose_shard(const Plan& plan) {
    if (!options_.shard) {
      for (const PlannedRun& run : plan.runs) {
        const bool is_active = options_.active_cells.empty() || options_.active_cells[run.cell];
        const std::size_t size = samples_of(dataset_, run.task).size();
        ranges_.push_back(
            {.begin = 0,
             .end = is_active ? std::min(size, options_.samples_per_task.value_or(size)) : 0});
      }
      return std::nullopt;
    }
    ShardPlan shard = std::move(plan_shards(experiment_, dataset_, catalog_, plan,
                                            options_.shard->count)[options_.shard->number - 1]);
    ranges_ = std::move(shard.ranges);
    ShardRecord record{.number = static_cast<std::int64_t>(shard.shard.number),
                       .count = static_cast<std::int64_t>(shard.shard.count),
                       .split = std::move(shard.split)};
    std::set<std::string> seen;  // A run may be planned twice.
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      if (seen.insert(plan.runs[i].fingerprint).second) {
        record.sample_count += static_cast<std::int64_t>(ranges_[i].size() * experiment_.repeats);
      }
    }
    return record;
  }

  /// From here on a run counts the samples that are to be done here.
  void restrict_counts(Plan& plan) const {
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      plan.runs[i].sample_count = ranges_[i].size() * experiment_.repeats;
    }
  }

  /// The samples of a task that any run needs here.
  SampleRange range_of_task(const Plan& plan, const std::string& task) const {
    SampleRange all;
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      const SampleRange& range = ranges_[i];
      if (plan.runs[i].task == task && range.size() > 0) {
        all = all.size() == 0
                  ? range
                  : SampleRange{std::min(all.begin, range.begin), std::max(all.end, range.end)};
      }
    }
    return all;
  }

  void execute(const PlannedRun& run, const SampleRange& range, std::int64_t run_id,
               bool beside_others, const std::stop_token& stop) {
    const TaskItems& items = items_.at(run.task);
    const std::vector<std::vector<std::size_t>> pending = pending_items(run_id, items, range);
    const bool is_done = std::all_of(pending.begin(), pending.end(),
                                     [](const auto& of_repeat) { return of_repeat.empty(); });
    const Cell& cell = experiment_.cells[run.cell];
    const bool hits_are_known = tells_hits(cell.generator);
    update_scores(run_id, run.task, !is_done, hits_are_known);
    if (is_done) {
      return;
    }
    // Before anybody is asked anything: an answer is paid for, and where not even items can be
    // stored it would be lost.
    static_cast<void>(items.ids.at(range.begin));
    const RetrievalDesk::Lease retrieval = desk_->take(run, items.samples.size());
    prepare_retrieval(retrieval, items, pending, stop);
    const PromptTemplate prompt_template = load_prompt_template(cell.prompts, run.task);
    Options context_options(cell.context, "context");
    ContextOptions context = read_context_options(context_options);
    {
      const std::lock_guard lock(tokens_mutex_);
      context.count_tokens = context_tokens_.counter(context, cell.generator);
    }
    const std::function<void(const SampleRecord&)> sample_finished =
        [this, &run](const SampleRecord& sample) {
          if (sample.saved) {
            budget_.add_saved(*sample.saved);
          }
          tell([&] { listener_.sample_finished(run, sample); });
        };
    std::function<void(const std::string&, const std::string&)> bodies;
    if (options_.keep_bodies) {
      bodies = [this, &run](const std::string& prompt, const std::string& reply) {
        tell([&] { listener_.sample_bodies(run, prompt, reply); });
      };
    }
    const std::function<DocumentIndex(const std::string&)> document_of =
        [this](const std::string& doc_id) { return document_index(doc_id); };
    for (std::size_t repeat = 0; repeat < pending.size(); ++repeat) {
      if (pending[repeat].empty() || stop.stop_requested() || budget_.is_used_up()) {
        continue;
      }
      const std::unique_ptr<Generator> generator =
          make_generator(cell.generator, repeat, "generation");
      RunExecution execution(
          {.run_id = run_id,
           .cell = cell,
           .items = items,
           .dataset = dataset_,
           .retrieval = retrieval,
           .prompt_template = prompt_template,
           .context = context,
           .generator = *generator,
           .scorer = scorer_of(run.task),
           .scoring = scoring_mutex_,
           .price = experiment_.prices.of(cell.generator),
           .hits_are_known = hits_are_known,
           .document_of = document_of,
           .repeat = static_cast<std::int64_t>(repeat),
           .keep_prompts = experiment_.keep_prompts && !retrieves_itself(cell.generator),
           .completions = completions_,
           .executor = executor_beside(generator->owns_cores() || beside_others),
           .bodies = bodies,
           .sample_finished = sample_finished});
      execution.execute(pending[repeat], stop);
    }
  }

  /// [repeat] The items in the range without a fate.
  std::vector<std::vector<std::size_t>> pending_items(std::int64_t run_id, const TaskItems& items,
                                                      const SampleRange& range) const {
    std::set<std::pair<std::int64_t, std::int64_t>> finished;
    if (!options_.refresh) {
      for (const auto& pair : store_.finished(run_id, options_.retry_failed)) {
        finished.insert(pair);
      }
    }
    std::vector<std::vector<std::size_t>> pending(experiment_.repeats);
    for (std::size_t repeat = 0; repeat < pending.size(); ++repeat) {
      for (std::size_t item = range.begin; item < range.end; ++item) {
        // A new run need not wait for its items' ids.
        if (finished.empty() ||
            !finished.contains({items.ids.at(item), static_cast<std::int64_t>(repeat)})) {
          pending[repeat].push_back(item);
        }
      }
    }
    return pending;
  }

  /// What scoring the runs of a task takes.
  struct TaskScoring {
    ScorerResources resources;
    std::unique_ptr<Scorer> scorer;  ///< All metrics that need no judge.
  };

  void prepare_scorers(const Plan& plan) {
    for (const Json& metric : experiment_.metrics) {
      if (!is_judged(metric, catalog_)) {
        plain_metrics_.push_back(metric);
      }
    }
    metric_fingerprints_ = metric_fingerprints(experiment_.metrics, catalog_);
    for (const std::string& task : plan.tasks) {
      TaskScoring& scoring = scoring_[task];
      scoring.resources.embedder = [this](const Json& metric) -> const Embedder& {
        if (!metric_base_) {
          metric_base_ = new_knowledge_base(executor_);
        }
        return metric_base_->embedder(metric.at("chunker"), metric.at("embedder"));
      };
      const TaskItems& items = items_.at(task);
      for (const std::size_t position : items.samples) {
        scoring.resources.references.push_back(items.task->reference(dataset_.samples[position]));
      }
    }
  }

  /// Made when the first sample needs it: a metric's embedder may take long to learn.
  const Scorer& scorer_of(const std::string& task) {
    const std::lock_guard lock(scoring_mutex_);
    TaskScoring& scoring = scoring_.at(task);
    if (!scoring.scorer) {
      scoring.scorer = std::make_unique<Scorer>(plain_metrics_, catalog_, scoring.resources);
    }
    return *scoring.scorer;
  }

  /// Has the run judged for every metric that needs it and does not have it yet.
  void judge(const PlannedRun& run, std::int64_t run_id, const std::stop_token& stop) {
    for (const Json& metric : experiment_.metrics) {
      if (!is_judged(metric, catalog_)) {
        continue;
      }
      const std::string key = to_text(metric);
      const std::string& fingerprint = metric_fingerprints_.at(key);
      std::map<std::string, std::string> recorded = store_.scored_metrics(run_id);
      const auto found = recorded.find(key);
      const bool is_done = found != recorded.end() && found->second == fingerprint;
      if (is_done && !options_.retry_failed) {
        continue;
      }
      if (stop.stop_requested() || budget_.is_used_up()) {
        judging_is_unfinished_ = true;
        return;
      }
      const std::function<std::unique_ptr<Generator>(std::size_t)> make_judge =
          [&](std::size_t repeat) { return make_generator(metric.at("judge"), repeat, "judge"); };
      const std::function<void(std::size_t)> started = [&](std::size_t count) {
        tell([&] { listener_.judging_started(run, key, count); });
      };
      const std::function<void()> sample_judged = [this, &run] {
        tell([&] { listener_.sample_judged(run); });
      };
      const bool is_complete = judge_run({.run_id = run_id,
                                          .task = run.task,
                                          .metric = metric,
                                          .make_judge = make_judge,
                                          .retry_failed = options_.retry_failed,
                                          .catalog = catalog_,
                                          .store = store_,
                                          .executor = executor_,
                                          .started = started,
                                          .sample_judged = sample_judged},
                                         stop);
      if (!is_complete) {
        judging_is_unfinished_ = true;
        return;
      }
      recorded[key] = fingerprint;
      store_.put_scored_metrics(run_id, recorded);
    }
  }

  /// Computes metrics that finished samples lack from their stored predictions, and records which
  /// metrics all samples of the run have from now on.
  /// Without known hits there is nothing to measure retrieval by.
  void update_scores(std::int64_t run_id, const std::string& task, bool more_samples_come,
                     bool hits_are_known = true) {
    std::map<std::string, std::string> recorded = store_.scored_metrics(run_id);
    std::vector<Json> missing;
    for (const Json& metric : plain_metrics_) {
      const std::string key = to_text(metric);
      if (const auto found = recorded.find(key);
          found == recorded.end() || found->second != metric_fingerprints_.at(key)) {
        missing.push_back(metric);
      }
    }
    if (!missing.empty()) {
      const std::lock_guard lock(scoring_mutex_);
      rescore(run_id, items_.at(task), Scorer(missing, catalog_, scoring_.at(task).resources),
              hits_are_known);
    }
    if (more_samples_come) {
      recorded.clear();  // New samples get this experiment's metrics and no others.
    }
    for (const Json& metric : plain_metrics_) {
      recorded[to_text(metric)] = metric_fingerprints_.at(to_text(metric));
    }
    store_.put_scored_metrics(run_id, recorded);
  }

  void rescore(std::int64_t run_id, const TaskItems& items, const Scorer& scorer,
               bool hits_are_known) {
    std::vector<SampleRecord> records;
    store_.visit_samples(run_id, [&](const ItemRecord&, SampleRecord&& sample) {
      if (!sample.failure || sample.failure->stage != Stage::kRetrieval) {
        records.push_back(std::move(sample));
      }
    });
    if (records.empty()) {  // As of a new run, which need not wait for its items' ids.
      return;
    }
    std::unordered_map<std::int64_t, std::size_t> positions;
    for (std::size_t item = 0; item < items.ids.size(); ++item) {
      positions.emplace(items.ids.at(item), items.samples[item]);
    }
    std::erase_if(records,
                  [&](const SampleRecord& record) { return !positions.contains(record.item_id); });
    std::vector<ScorerInput> inputs;
    std::vector<std::vector<DocumentIndex>> documents;
    documents.reserve(records.size());
    for (const SampleRecord& record : records) {
      const Sample& sample = dataset_.samples[positions.at(record.item_id)];
      documents.emplace_back();
      for (const StoredHit& hit : record.hits) {
        documents.back().push_back(document_index(hit.doc_id));
      }
      inputs.push_back({.task = sample.task,
                        .prediction = record.prediction,
                        .reference = items.task->reference(sample),
                        .reply = record.reply ? std::string_view(*record.reply) : "",
                        .answered = !record.failure.has_value(),
                        .documents = documents.back(),
                        .gold = hits_are_known
                                    ? std::span<const DocumentIndex>(sample.gold_documents)
                                    : std::span<const DocumentIndex>(),
                        .gold_chunk_count = gold_chunk_count(record)});
    }
    const std::vector<Json> scores = scorer.score_all(inputs, executor_);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].scores.update(scores[i]);
    }
    store_.put_scores(run_id, records);
  }

  /// The canonical document. One that is not in the corpus, of a system that ran elsewhere, gets a
  /// number of its own.
  DocumentIndex document_index(const std::string& doc_id) {
    const std::lock_guard lock(document_mutex_);
    if (document_indices_.empty()) {
      for (DocumentIndex document = 0; document < dataset_.corpus.size(); ++document) {
        document_indices_.emplace(dataset_.corpus.doc_id(document),
                                  dataset_.corpus.canonical(document));
      }
    }
    const auto next = static_cast<DocumentIndex>(document_indices_.size());
    return document_indices_.try_emplace(doc_id, next).first->second;
  }

  /// Has the retriever ask generators what it will need for the hits that are not known yet: before
  /// the run's own generator works, since one is asked at a time.
  void prepare_retrieval(const RetrievalDesk::Lease& retrieval, const TaskItems& items,
                         const std::vector<std::vector<std::size_t>>& pending,
                         const std::stop_token& stop) const {
    const std::lock_guard lock(retrieval.retriever->mutex);
    std::set<std::size_t> missing;
    for (const std::vector<std::size_t>& of_repeat : pending) {
      for (const std::size_t item : of_repeat) {
        if (!retrieval.hits->found[item]) {
          missing.insert(item);
        }
      }
    }
    std::vector<Query> queries;
    for (const std::size_t item : missing) {
      const Sample& sample = dataset_.samples[items.samples[item]];
      queries.push_back(
          {.text = items.task->query(sample), .gold_documents = sample.gold_documents});
    }
    retrieval.retriever->retriever->prepare(queries, stop);
  }

  /// What retrieval and scoring run on: on idle cores only where a local model needs them, that of
  /// this run or, `beside_others`, one of another that is under way.
  Executor& executor_beside(bool beside_others) {
    if (!has_local_model_ || !beside_others) {
      return executor_;
    }
    const std::lock_guard lock(idle_mutex_);
    if (!idle_pool_) {
      idle_pool_ =
          std::make_unique<ThreadPool>(executor_.concurrency(), ThreadPool::Priority::kIdle);
    }
    return *idle_pool_;
  }

  /// A system that makes its prompts out of the query.
  static bool retrieves_itself(const Json& generator) {
    return traits_of(generator.at("type").get<std::string>()).retrieves_itself;
  }

  /// Whether what the generator's system had retrieved is known.
  bool tells_hits(const Json& generator) const {
    return !retrieves_itself(generator) || generator.value("contexts", Json()).is_string();
  }

  /// The generator, or judge, of one repeat: counted, tried before it is trusted, asked only what
  /// the completion cache does not hold.
  std::unique_ptr<Generator> make_generator(const Json& config, std::size_t repeat,
                                            const std::string& purpose) {
    const Json seeded = with_seed(config, repeat, catalog_);
    const auto& entry = catalog_.generators.entries().at(config.at("type").get<std::string>());
    std::unique_ptr<Generator> generator =
        catalog_.generators.build(seeded, {.executor = executor_,
                                           .llama = &llama_,
                                           .rates = &rates_,
                                           .model_folder = workspace_.model_folder()});
    if (traits_of(config.at("type").get<std::string>()).is_remote) {
      generator = make_preflight_generator(std::move(generator), generator_name(config), proven_);
    }
    if (!entry.costly) {
      return generator;
    }
    const Json system = config.value("system", Json());
    const Json model = config.value("model", Json());
    const Json max_tokens = config.value("max_tokens", Json());
    generator = make_metered_generator(
        std::move(generator),
        {.experiment = experiment_.name,
         .purpose = purpose,
         .model = (model.is_string() ? model : config.at("type")).get<std::string>(),
         .currency = experiment_.prices.currency,
         .price = experiment_.prices.of(config),
         .max_tokens = max_tokens.is_number_integer() ? max_tokens.get<std::int64_t>() : 0,
         .system_bytes = system.is_string() ? system.get<std::string>().size() : 0},
        budget_, completions_);
    FingerprintBuilder fingerprint("generator", 1);
    fingerprint.add(to_text(essential_generator(seeded, catalog_)));
    if (repeat > 0) {  // Also where the generator takes no seed.
      fingerprint.add("repeat").add(std::to_string(repeat));
    }
    return make_caching_generator(std::move(generator), fingerprint.hex_digest(), completions_);
  }

  const Experiment& experiment_;
  const Dataset& dataset_;
  const Catalog& catalog_;
  Store& store_;
  const Workspace& workspace_;
  Executor& executor_;
  bool has_local_model_ = false;  ///< In any cell.
  std::mutex idle_mutex_;
  std::unique_ptr<ThreadPool> idle_pool_;  ///< As wide as `executor_`. Guarded by `idle_mutex_`.
  LlamaHost llama_;
  std::mutex tokens_mutex_;
  ContextTokens context_tokens_;  ///< Guarded by `tokens_mutex_`.
  const RunOptions& options_;
  RunListener& listener_;
  std::mutex listening_;             ///< Held while the listener is told something.
  std::vector<Json> plain_metrics_;  ///< Those that need no judge.
  std::map<std::string, std::string> metric_fingerprints_;
  std::mutex scoring_mutex_;                         ///< Held while scorers are made and score.
  std::unique_ptr<KnowledgeBase> metric_base_;       ///< The embedders of metrics.
  std::map<std::string, TaskScoring> scoring_;       // by task
  std::atomic<bool> judging_is_unfinished_ = false;  ///< A stop came before a judge had seen all.
  StoredCompletions completions_;
  Budget unlimited_{std::nullopt};
  Budget& budget_;
  RateControls rates_;
  ProvenGenerators proven_;
  std::map<std::string, TaskItems> items_;  // by task
  std::vector<SampleRange> ranges_;         // [run of the plan] what is to be done here
  std::optional<RetrievalDesk> desk_;
  std::mutex document_mutex_;
  /// Guarded by `document_mutex_`.
  std::unordered_map<std::string, DocumentIndex> document_indices_;
};

}  // namespace

ExperimentOutcome run_experiment(const Experiment& experiment, const Dataset& dataset,
                                 const Catalog& catalog, Store& store, const Workspace& workspace,
                                 Executor& executor, const RunOptions& options,
                                 RunListener& listener, const std::stop_token& stop) {
  const bool is_whole_search =
      experiment.search.type == Search::Type::kSuccessiveHalving && options.active_cells.empty();
  if (is_whole_search) {
    return run_search(experiment, dataset, catalog, store, workspace, executor, options, listener,
                      stop);
  }
  return ExperimentRunner(experiment, dataset, catalog, store, workspace, executor, options,
                          listener)
      .run(stop);
}

ExperimentOutcome score_predictions(const std::vector<ExternalPrediction>& predictions,
                                    const std::string& name, const Experiment& experiment,
                                    const Dataset& dataset, const Catalog& catalog, Store& store,
                                    const Workspace& workspace, Executor& executor,
                                    const RunOptions& options, RunListener& listener,
                                    const std::stop_token& stop) {
  return ExperimentRunner(experiment, dataset, catalog, store, workspace, executor, options,
                          listener)
      .score(predictions, name, stop);
}

}  // namespace crudbench
