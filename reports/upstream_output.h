#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/json.h"
#include "harness/store/store.h"

/// Runs in the form of upstream's own output files (CRUD_RAG's evaluator.py), for tools that read
/// those; `crudbench score` reads them too.
namespace crudbench {

/// One repeat of a run as {"info", "overall", "results"}.
///
/// A result is {"id", "metrics": {"bleu-avg", "bleu-1" … "bleu-4", "rouge-L", "bertScore",
/// "QA_avg_F1", "QA_recall", "length"}, "log": {"generated_text", "ground_truth_text",
/// "quest_eval_save", "evaluateDatetime"}, "valid"}, sorted by id. As upstream does, a metric that
/// was not measured is 0.0, and so is one that has no value; a failed sample is not valid and has
/// an empty text. "bertScore" is the cosine of sentence vectors (`similarity`), the QA values are
/// `quest_upstream_…`; of several embedders or judges the first by name counts. "overall" holds
/// "avg. NAME" of what was measured, "QA_avg_F1" and "QA_recall" over the samples with questions,
/// and "num", all over valid results; empty if there is none.
///
/// "info" has upstream's "task" and "llm" and, as "crudbench", what upstream does not say:
/// {"run", "cell", "samples", "ok", "failed", "repeat", "measured": {upstream's name: ours}}.
/// `original_data` is left out. Throws Error(kInvalidConfig) for a task that upstream does not
/// have.
Json upstream_output(const Store& store, const RunRecord& run, std::int64_t repeat = 0);

/// Writes each run as "run-ID-FINGERPRINT-TASK.json", further repeats as "…-repeat-N.json", into
/// `folder` (created if need be); returns the paths. Throws Error(kIo), Error(kInvalidConfig) for
/// an unknown experiment.
std::vector<std::filesystem::path> write_upstream_output(
    const Store& store, const std::optional<std::string>& experiment,
    const std::filesystem::path& folder);

}  // namespace crudbench
