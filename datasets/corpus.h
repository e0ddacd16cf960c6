#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/types.h"

namespace crudbench {

/// All documents, in order: file names ascending, lines in order, then added gold documents.
///
/// Texts lie in one arena, each once. Immutable after loading; then callable from any thread. Views
/// stay valid for the object's life, but only once nothing is added any more.
class Corpus {
 public:
  std::size_t size() const noexcept { return ends_.size(); }
  /// Bytes of all texts.
  std::size_t size_bytes() const noexcept { return arena_.size(); }
  std::string_view text(DocumentIndex document) const;
  /// "FILE:LINE" for a corpus line, "TASK/SAMPLE_ID/FIELD" for an added gold document.
  std::string doc_id(DocumentIndex document) const;
  /// The first document with the same text: duplicates are kept, counted, and as relevant as their
  /// original.
  DocumentIndex canonical(DocumentIndex document) const { return canonical_[document]; }
  std::size_t duplicate_count() const noexcept { return duplicate_count_; }

  /// Makes room, so that adding texts of `text_bytes` bytes in all moves nothing.
  void reserve(std::size_t text_bytes);
  /// Adds a document of corpus file `file` (as `add_file` numbered it) at `line`, from 1. The text
  /// is copied. Throws Error(kInvalidData) for a text of 4 GiB or more and where there is no number
  /// left for another document (2^32 - 1).
  DocumentIndex add(std::uint32_t file, std::uint32_t line, std::string_view text);
  std::uint32_t add_file(std::string name);
  /// Adds a document that is no line of a file; `doc_id` must differ from every other.
  DocumentIndex add_named(std::string doc_id, std::string_view text);

  /// The first document with exactly this text, if any.
  std::optional<DocumentIndex> find(std::string_view text) const;

 private:
  /// The slot of `hash_table_` that holds the document with this text, or where it would go.
  std::size_t slot_of(std::string_view text, std::uint64_t hash) const;
  void grow_hash_table();

  std::string arena_;
  std::vector<std::uint64_t> ends_;        // [document] end of its text in the arena
  std::vector<std::uint64_t> hashes_;      // [document] hash of its text
  std::vector<std::uint32_t> files_;       // [document] index into file_names_
  std::vector<std::uint32_t> lines_;       // [document] from 1; 0: the file name is the whole id
  std::vector<DocumentIndex> canonical_;   // [document]
  std::vector<std::string> file_names_;    // [file]
  std::vector<std::uint32_t> hash_table_;  // open addressing: document + 1, 0 = free
  std::size_t duplicate_count_ = 0;
};

/// SHA-256 over the id and the text of every document, in order; 64 hexadecimal digits.
std::string fingerprint_of(const Corpus& corpus, Executor& executor);

}  // namespace crudbench
