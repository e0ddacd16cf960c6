#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "datasets/corpus.h"
#include "datasets/dataset.h"
#include "harness/core/executor.h"

namespace crudbench {

/// A corpus as read from its files.
struct CorpusFiles {
  Corpus corpus;
  std::vector<HealthIssue> issues;  ///< File by file.
  std::size_t line_count = 0;
  std::size_t excluded_count = 0;  ///< Lines that are no document: blank, or not UTF-8.
};

/// What a document of a corpus is.
enum class DocumentUnit {
  kLine,  ///< A line of a file: "FILE:LINE".
  kFile,  ///< A whole file: "FILE". Lines that are no document are empty in it; all end with LF.
};

/// Reads a corpus of one article a line from `path`, a file or a folder of files.
///
/// Files of a folder are taken by name in byte order; hidden ones, sub-folders and whatever else is
/// no file are left out with an issue. A document is its line without the line end (LF or CRLF),
/// otherwise unchanged. Files are read in pieces and never held whole; the result does not depend
/// on the pieces or on `executor`.
/// The corpus has room for `spare_bytes` of texts to be added to it.
/// Throws Error(kIo) for what cannot be read, Error(kInvalidData) if there is no document at all.
CorpusFiles read_corpus_files(const std::filesystem::path& path, Executor& executor,
                              std::size_t spare_bytes = 0, DocumentUnit unit = DocumentUnit::kLine);

}  // namespace crudbench
