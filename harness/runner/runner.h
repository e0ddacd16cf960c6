#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/runner/budget.h"
#include "harness/runner/experiment.h"
#include "harness/runner/external_predictions.h"
#include "harness/runner/plan.h"
#include "harness/runner/sharding.h"
#include "harness/store/store.h"

namespace crudbench {

/// Follows an execution. Runs can be under way side by side; calls come from their threads, one at
/// a time.
class RunListener {
 public:
  virtual ~RunListener() = default;

  /// `position` counts from 0 among `run_count` runs.
  virtual void run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) = 0;
  /// Prompt and raw reply of the sample whose `sample_finished` follows; only with
  /// `RunOptions::keep_bodies`.
  virtual void sample_bodies(const PlannedRun& /*run*/, const std::string& /*prompt*/,
                             const std::string& /*reply*/) {}
  virtual void sample_finished(const PlannedRun& run, const SampleRecord& sample) = 0;
  /// A judge is about to be asked about `count` samples of the run.
  virtual void judging_started(const PlannedRun& run, const std::string& metric,
                               std::size_t count) = 0;
  virtual void sample_judged(const PlannedRun& run) = 0;
  virtual void run_finished(const PlannedRun& run, const RunProgress& progress) = 0;
};

struct RunOptions {
  /// Run failed samples again instead of leaving them failed.
  bool retry_failed = false;
  /// Run every sample again, and ask for every answer again, whatever the completion cache holds.
  bool refresh = false;
  /// Tell the listener prompts and replies.
  bool keep_bodies = false;
  /// What may be spent; outlives the execution. nullptr: nothing is limited.
  Budget* budget = nullptr;
  /// Runs under way side by side, where they do not keep each other from anything; 0: as many as
  /// keep cores and endpoints busy (`default_lanes`).
  std::size_t jobs = 0;
  /// Bytes that knowledge bases may take in memory together; 0: most of what is free.
  std::uint64_t memory_bytes = 0;
  /// Only this part of the experiment, into a workspace of its own.
  std::optional<Shard> shard;
  /// At most so many samples of each task; [cell] false leaves a cell out. For searches.
  std::optional<std::size_t> samples_per_task;
  std::vector<bool> active_cells = {};  ///< Empty: all.
  /// [cell] samples of each task after which a search gave it up, to be recorded; 0: it did not.
  std::vector<std::int64_t> stopped_after = {};
};

/// The fate of all samples of an experiment, those of earlier executions included.
struct ExperimentOutcome {
  std::int64_t ok = 0;
  std::int64_t failed = 0;
  std::int64_t total = 0;
  bool interrupted = false;
  bool over_budget = false;  ///< Interrupted, because the budget allows no further request.
  std::vector<std::int64_t> run_ids;  ///< In the plan's order.
};

/// Executes what is left of an experiment: for each run, retrieval ahead of generation, scoring and
/// storing behind it, then the metrics that need a judge. Samples that have a fate are not touched,
/// except that metrics new to the configuration are computed from the stored predictions. Runs of
/// one chunker follow each other, so that its knowledge base is in memory once; runs that need
/// different things (cores, an endpoint, another) are under way side by side (`jobs_of`). What is
/// stored does not depend on that.
///
/// An experiment with a search by successive halving is executed round by round (`run_search`).
///
/// Stops soon after `stop` is requested, with everything finished so far stored. An error that
/// concerns more than one sample throws; what was stored stays. Throws Error(kInvalidConfig) if the
/// workspace holds another shard of the experiment than the options say, and if a knowledge base is
/// larger than `memory_bytes`.
ExperimentOutcome run_experiment(const Experiment& experiment, const Dataset& dataset,
                                 const Catalog& catalog, Store& store, const Workspace& workspace,
                                 Executor& executor, const RunOptions& options,
                                 RunListener& listener, const std::stop_token& stop);

/// Stores predictions that were made elsewhere as runs of experiment `name`, one a task, as if they
/// had been generated here on the data of `experiment`, and scores them with its metrics; so they
/// stand in one table with its cells. Every sample of a task in `predictions` gets a fate: one
/// without a prediction is failed(retrieval, missing). Predictions for samples that the data do
/// not have are left out with a warning. Contexts count as hits, for the metrics of retrieval.
/// Throws Error(kInvalidData) if no prediction belongs to the data.
ExperimentOutcome score_predictions(const std::vector<ExternalPrediction>& predictions,
                                    const std::string& name, const Experiment& experiment,
                                    const Dataset& dataset, const Catalog& catalog, Store& store,
                                    const Workspace& workspace, Executor& executor,
                                    const RunOptions& options, RunListener& listener,
                                    const std::stop_token& stop);

}  // namespace crudbench
