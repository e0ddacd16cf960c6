#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/generators/generator.h"
#include "harness/store/store.h"

namespace crudbench {

/// One answer of a system that ran elsewhere.
struct ExternalPrediction {
  std::string task;
  std::string sample_id;
  std::string prediction;
  std::optional<std::string> reference;
  /// What the system had retrieved, best first; nullopt: it is not known.
  std::optional<std::vector<ExternalContext>> contexts;
  std::optional<Failure> failure = {};  ///< Why it cannot be scored.
};

/// Reads predictions made elsewhere, in either form:
/// - JSON lines `{"id", "task", "prediction"[, "reference"][, "contexts"]}`, the contexts being
/// texts
///   or objects with "doc_id", "text" or both, best first;
/// - upstream's own output file, one object `{"info": {"task"}, "results": [{"id", "log":
///   {"generated_text", "ground_truth_text"}}]}` (CRUD_RAG's evaluator.py).
/// A line that is not valid UTF-8 is a failed prediction. Throws Error(kInvalidData) naming file,
/// line or result, and what was expected.
std::vector<ExternalPrediction> read_external_predictions(const std::filesystem::path& file);

/// Fills in the references that are missing from a CRUD-RAG samples file. Throws
/// Error(kInvalidData) naming a prediction without a reference.
void add_references(std::vector<ExternalPrediction>& predictions,
                    const std::optional<std::filesystem::path>& samples_file,
                    const Catalog& catalog);

/// What is stored of it: the answer between the response tags, or why there is none.
SampleRecord external_record(const ExternalPrediction& prediction, std::int64_t item_id);

/// The document that a passage comes from, as far as the gold documents are concerned: the one with
/// this id, else the first gold document whose text holds the passage, white space aside. nullopt
/// for any other.
std::optional<DocumentIndex> find_gold(const ExternalContext& context,
                                       std::span<const DocumentIndex> gold, const Corpus& corpus);

/// Contexts of a system with a retriever of its own, as hits in their order: gold where `find_gold`
/// finds them among the sample's, named "external:RANK" where nothing else is known; the score is
/// 1 / rank.
std::vector<StoredHit> external_hits(const std::vector<ExternalContext>& contexts,
                                     std::span<const DocumentIndex> gold, const Corpus& corpus);

/// Scores predictions that all have references and stores them as runs of experiment `name`, one a
/// task, as if they had been generated here. Text metrics only: no data set is known, and so no
/// gold documents. With a data set: `score_predictions` in runner.h.
void score_external_predictions(const std::vector<ExternalPrediction>& predictions,
                                const std::string& name, const std::vector<Json>& metrics,
                                const Catalog& catalog, Executor& executor, Store& store);

}  // namespace crudbench
