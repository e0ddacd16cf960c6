#pragma once

#include <cstddef>
#include <stop_token>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/runner/experiment.h"
#include "harness/runner/plan.h"
#include "harness/store/store.h"

namespace crudbench {

/// Follows an execution. `sample_finished` comes from the writing thread, one call at a time; the
/// others from the thread that called `run_experiment`.
class RunListener {
 public:
  virtual ~RunListener() = default;

  /// `position` counts from 0 among `run_count` runs.
  virtual void run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) = 0;
  virtual void sample_finished(const SampleRecord& sample) = 0;
  virtual void run_finished(const PlannedRun& run, const RunProgress& progress) = 0;
};

struct RunOptions {
  /// Run failed samples again instead of leaving them failed.
  bool retry_failed = false;
};

/// The fate of all samples of an experiment, those of earlier executions included.
struct ExperimentOutcome {
  std::int64_t ok = 0;
  std::int64_t failed = 0;
  std::int64_t total = 0;
  bool interrupted = false;
  std::vector<std::int64_t> run_ids;  ///< In the plan's order.
};

/// Executes what is left of an experiment: for each run, retrieval ahead of generation, scoring and
/// storing behind it. Samples that have a fate are not touched, except that metrics new to the
/// configuration are computed from the stored predictions. Runs of one chunker follow each other,
/// so that its knowledge base is in memory once.
///
/// Stops soon after `stop` is requested, with everything finished so far stored. An error that
/// concerns more than one sample throws; what was stored stays.
ExperimentOutcome run_experiment(const Experiment& experiment, const Dataset& dataset,
                                 const Catalog& catalog, Store& store, const Workspace& workspace,
                                 Executor& executor, const RunOptions& options,
                                 RunListener& listener, const std::stop_token& stop);

}  // namespace crudbench
