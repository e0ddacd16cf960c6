#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/executor.h"
#include "harness/core/types.h"

namespace crudbench {

/// What is wrong with one record or line of the data, or with several of one kind in one file.
struct HealthIssue {
  std::string problem;    ///< Name in datasets/README.md: "missing_field", "request_failed", …
  std::string where;      ///< "FILE:LINE", "FILE: TASK/ID" or "FILE".
  std::string detail;     ///< What was found and expected.
  bool excluded = true;   ///< Whether it is left out of the run.
  std::size_t count = 1;  ///< How many records, lines or files it speaks of.
};

/// The data of an experiment: every valid sample of the chosen tasks and all documents.
struct Dataset {
  Corpus corpus;
  std::vector<Sample> samples;  ///< In file order, task by task; after `limit`.
  /// Of the whole corpus and of every task in the samples file, whichever are chosen.
  std::vector<HealthIssue> issues;
  /// Records per task of the samples file as read, before exclusion and `limit`.
  std::map<std::string, std::size_t, std::less<>> record_counts;
  /// Records per task excluded for a health issue.
  std::map<std::string, std::size_t, std::less<>> excluded_counts;
  std::size_t corpus_line_count = 0;
  std::size_t corpus_excluded_count = 0;  ///< Lines that are no document.
  std::size_t added_gold_document_count = 0;
  std::string knowledge_base_mode;  ///< "paper" or "gold_augmented".
  std::string corpus_fingerprint;   ///< Over every document's id and text, in order.
  std::string samples_fingerprint;  ///< Over the samples file's bytes.
};

/// Reads one form of benchmark data.
class DatasetReader {
 public:
  virtual ~DatasetReader() = default;

  /// Malformed records become issues, never a silent gap; malformed files throw
  /// Error(kInvalidData) naming file, line and column, unreadable ones Error(kIo). The result does
  /// not depend on the number of threads.
  virtual Dataset read(Executor& executor) const = 0;
};

}  // namespace crudbench
