#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// All documents, in order: file names ascending, lines in order, then added gold documents.
///
/// Texts lie in one arena, each once. Immutable after loading; callable from any thread. Views stay
/// valid for the object's life.
class Corpus {
 public:
  std::size_t size() const noexcept { return ends_.size(); }
  /// Bytes of all texts.
  std::size_t size_bytes() const noexcept { return arena_.size(); }
  std::string_view text(DocumentIndex document) const;
  /// "FILE:LINE" for a corpus line, "SAMPLE_ID/FIELD" for an added gold document.
  std::string doc_id(DocumentIndex document) const;
  /// The first document with the same text: duplicates are kept, counted, and as relevant as their
  /// original.
  DocumentIndex canonical(DocumentIndex document) const { return canonical_[document]; }
  std::size_t duplicate_count() const noexcept { return duplicate_count_; }

  /// Adds a document of corpus file `file` (a name given before by `add_file`) at `line`, from 1.
  /// Throws Error(kInvalidData) beyond 2^32 documents or a text of 4 GiB.
  std::uint32_t add_file(std::string name);
  DocumentIndex add(std::uint32_t file, std::uint32_t line, std::string_view text);
  /// The document with exactly this text, if any.
  std::optional<DocumentIndex> find(std::string_view text) const;

 private:
  std::string arena_;
  std::vector<std::uint64_t> ends_;        // [document] end of its text in the arena
  std::vector<std::uint32_t> files_;       // [document] index into file_names_
  std::vector<std::uint32_t> lines_;       // [document]
  std::vector<DocumentIndex> canonical_;   // [document]
  std::vector<std::string> file_names_;    // [file]
  std::vector<std::uint32_t> hash_table_;  // open addressing: document + 1, 0 = free
  std::size_t duplicate_count_ = 0;
};

}  // namespace crudbench
