#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/store/store.h"

namespace crudbench {

/// One answer of a system that ran elsewhere.
struct ExternalPrediction {
  std::string task;
  std::string sample_id;
  std::string prediction;
  std::optional<std::string> reference;
};

/// Reads predictions made elsewhere, in either form:
/// - JSON lines `{"id", "task", "prediction"[, "reference"]}`;
/// - upstream's own output file, one object `{"info": {"task"}, "results": [{"id", "log":
///   {"generated_text", "ground_truth_text"}}]}` (CRUD_RAG's evaluator.py).
/// Throws Error(kInvalidData) naming file, line or result, and what was expected.
std::vector<ExternalPrediction> read_external_predictions(const std::filesystem::path& file);

/// Fills in the references that are missing from a CRUD-RAG samples file. Throws
/// Error(kInvalidData) naming a prediction without a reference.
void add_references(std::vector<ExternalPrediction>& predictions,
                    const std::optional<std::filesystem::path>& samples_file,
                    const Catalog& catalog);

/// Scores predictions that all have references and stores them as runs of experiment `name`, one a
/// task, as if they had been generated here. Text metrics only: what was retrieved is not known.
void score_external_predictions(const std::vector<ExternalPrediction>& predictions,
                                const std::string& name, const std::vector<Json>& metrics,
                                const Catalog& catalog, Executor& executor, Store& store);

}  // namespace crudbench
