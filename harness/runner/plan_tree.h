#pragma once

#include <string>
#include <vector>

#include "harness/core/json.h"
#include "harness/runner/plan.h"

namespace crudbench {

/// A stage of a plan, and below it what is made from its output.
struct PlanNode {
  std::string kind;  ///< "chunks", "bm25", …, or "retrieval".
  std::string fingerprint;
  Json parameters;  ///< What this stage adds to those above it.
  bool cached = false;
  std::size_t cell_count = 0;      ///< Cells that need it.
  std::vector<std::size_t> cells;  ///< Of a retrieval: positions in Experiment::cells.
  std::vector<PlanNode> children;
};

/// The stages of a plan as trees, those without an input first. A retrieval that reads several
/// stages (a hybrid) stands below the last of them.
std::vector<PlanNode> plan_tree(const Experiment& experiment, const Plan& plan);

/// "sentence size=128 unit=cl100k": types first, nested options with a dot.
std::string parameters_text(const Json& parameters);

/// The trees as JSON: {"kind", "fingerprint", "parameters", "cached" (not for retrievals), "cells"
/// (how many), "cell_positions" (retrievals), "stages" (those below)}.
Json plan_tree_json(const std::vector<PlanNode>& nodes);

}  // namespace crudbench
