#pragma once

#include <map>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/runner/experiment.h"
#include "harness/runner/plan.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

/// What is left to do of a plan takes of this machine: its time, in seconds, and its disk. What
/// models and programs of others take is not in it.
struct Effort {
  struct Stage {
    double seconds = 0.0;
    double bytes = 0.0;
  };

  std::map<std::string, Stage> stages;  ///< By fingerprint: those of the plan that will be built.
  double build_seconds = 0.0;           ///< Of all artifacts, those that metrics need included.
  double search_seconds = 0.0;          ///< Opening knowledge bases, and retrieval.
  double answer_seconds = 0.0;          ///< From hits to stored scores.
  double artifact_bytes = 0.0;
  double store_bytes = 0.0;
  std::vector<std::string> untimed;  ///< What is not in these figures, in words.

  double seconds() const { return build_seconds + search_seconds + answer_seconds; }
  double bytes() const { return artifact_bytes + store_bytes; }
};

/// Estimates the effort by doing small parts of the work, in a scratch folder that is removed
/// again: up to 32 retrievals are built and searched over two extracts of the corpus, the larger of
/// 6 MB, and up to 48 cells of these are run on 8 and on 64 samples of each task. A line through
/// the two sizes gives the time and the bytes for all. Parts that would ask an endpoint, start a
/// program, load a model or read a file that belongs to the whole corpus are left out and named in
/// `untimed`. Takes some seconds; throws what building and running throw. `knowledge_base` is the
/// one that the plan was made with.
Effort rehearse(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
                const Plan& plan, const KnowledgeBase& knowledge_base, Executor& executor);

}  // namespace crudbench
