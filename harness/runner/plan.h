#pragma once

#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "harness/core/catalog.h"
#include "harness/runner/experiment.h"
#include "harness/store/store.h"
#include "harness/tasks/prompt_template.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

/// One cell on one task, with its names and what is left to do.
struct PlannedRun {
  std::size_t cell = 0;  ///< Index into Experiment::cells.
  std::string task;
  std::string fingerprint;            ///< Over everything that can change an answer.
  std::string cell_fingerprint;       ///< The same for the cell's row of tasks.
  std::string retrieval_fingerprint;  ///< Runs that share it share their hits.
  std::size_t sample_count = 0;       ///< Times repeats.
  RunProgress progress;               ///< Of earlier executions, if a store was given.
};

/// How the cells of one retrieval find their passages: once, at the largest `top_k` of them.
struct PlannedRetrieval {
  std::string fingerprint;
  std::size_t top_k = 0;
  std::vector<std::size_t> stages;  ///< What it reads, directly or not: positions in Plan::stages.
  std::vector<std::size_t> cells;   ///< Positions in Experiment::cells.
};

/// All runs of an experiment, before any work.
struct Plan {
  std::vector<PlannedRun> runs;  ///< Cell by cell, in the experiment's order.
  std::vector<std::string> tasks;
  std::vector<KnowledgeBaseStage> stages;    ///< Each artifact once, after what it is made from.
  std::vector<PlannedRetrieval> retrievals;  ///< By first cell.
};

/// Names every run and stage and looks up what is done. Builds nothing and spends nothing. `store`
/// may be null. Throws Error(kInvalidConfig) for prompts that cannot be used and
/// Error(kInvalidData) for a task without a valid sample.
Plan make_plan(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
               const KnowledgeBase& knowledge_base, const Store* store);

/// A generator's configuration without the options that cannot change an answer.
Json essential_generator(const Json& generator, const Catalog& catalog);

/// The generators, judges and writers of queries of an experiment whose answers cost money or time,
/// each once.
std::vector<Json> costly_generators(const Experiment& experiment, const Catalog& catalog);

/// The tasks that the data have samples of, in their usual order. Throws Error(kInvalidData) if
/// there is none.
std::vector<std::string> tasks_of(const Dataset& dataset);

/// The samples of one task, as positions in `dataset.samples`.
std::vector<std::size_t> samples_of(const Dataset& dataset, std::string_view task);

}  // namespace crudbench
