#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/store/store.h"

/// Rankings and gold documents as trec_eval reads them.
namespace crudbench {

/// One run of the store in a file of its own.
struct TrecRun {
  std::int64_t run_id = 0;
  std::string fingerprint;
  std::string task;
  std::string label;                      ///< What tells its cell apart from the others.
  std::string run_file;                   ///< Name in the folder.
  std::optional<std::string> qrels_file;  ///< nullopt where no gold documents are known.
  std::int64_t query_count = 0;           ///< Queries with hits: those in the file.
  /// Queries whose average precision in the files is another than the stored "map", see
  /// `write_trec`.
  std::int64_t differing_count = 0;
};

/// Writes into `folder` (created if need be) for each run with hits "run-ID-FINGERPRINT-TASK.txt",
/// for each task and data set "qrels-TASK-HASH.txt", and trec.json, which says what is what:
/// {"format": "crudbench-trec", "version": 1, "runs": [{"run_id", "fingerprint", "task", "label",
/// "run_file", "qrels_file", "queries", "differing_queries"}]}.
///
/// A line of a run is "qid Q0 docid rank score tag": the documents of a sample in the order of
/// their first hit, each with the score of that hit. trec_eval orders by score alone, held as a
/// float, and breaks ties by docid, so scores are written as floats, each stepped down below the
/// one before where need be. With repeats, the first one that has hits counts. A line of the qrels
/// is "qid 0 docid 1". qid and docid are the sample's and the document's id as `trec_token` has
/// them.
///
/// Documents of equal text count as one, as in the metrics, as far as the store knows them: a hit
/// on a copy of a gold document stands under the id of the gold document. Which one that is, of
/// several, is told by the hit on a gold document with the same span and the nearest score, since
/// copies are cut and scored alike; without one it is the first that has no hit of its own. Copies
/// of a document that is no gold one are not known in the store and stand for themselves, so golds
/// after them rank lower than in the metrics: `differing_count` counts such queries.
///
/// `trec_eval -c` (a query without hits scores 0) agrees with "mean_failures_as_zero" of hit,
/// recall, MRR, MAP and nDCG of a complete run. Throws Error(kIo), or Error(kInvalidConfig) for an
/// unknown experiment.
std::vector<TrecRun> write_trec(const Store& store, const std::optional<std::string>& experiment,
                                const std::filesystem::path& folder);

/// A text as one field of such a file: all but graphic ASCII characters, and '%', as %XX of each
/// byte; "%" alone for an empty one.
std::string trec_token(std::string_view text);

}  // namespace crudbench
