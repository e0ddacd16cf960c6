#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/dataset.h"
#include "harness/core/types.h"

namespace crudbench {

/// What kind of question a record asks, where its data says so; not one of upstream's fields.
inline constexpr std::string_view kQuestionTypeField = "question_type";

/// The keys of upstream's samples file, in upstream's order.
std::span<const std::string_view> crud_rag_tasks() noexcept;

/// A samples file but for its samples.
struct SamplesFile {
  std::vector<HealthIssue> issues;
  /// Records of every task the file has a key for.
  std::map<std::string, std::size_t, std::less<>> record_counts;
  std::map<std::string, std::size_t, std::less<>> excluded_counts;
  std::string fingerprint;  ///< SHA-256 of the bytes.
};

/// The next bytes of a file, cut anywhere, valid until the next call; empty at the end.
using NextPiece = std::function<std::string_view()>;

/// Reads upstream's `split_merged.json`: one object, from task key to a list of records. Holds one
/// record at a time, and hands every valid one to `take`, in file order, without gold documents.
///
/// Of a record's texts, those that a task, a metric, the knowledge base or a report uses are kept;
/// all else is left out. A question type is optional: one that is no text is reported, and its
/// record is taken without it. A `newsN` that is there but is no text is kept empty. Records that
/// cannot be used become issues. `file` is its name in messages.
/// Throws Error(kInvalidData) "FILE:LINE:COLUMN: …" for what is no such file.
SamplesFile read_samples(const std::string& file, const NextPiece& next_piece,
                         const std::function<void(Sample)>& take);

}  // namespace crudbench
