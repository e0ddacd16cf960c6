#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/executor.h"
#include "harness/core/types.h"
#include "retrievers/chunkers/chunker.h"

namespace crudbench {

/// All chunks of a corpus under one chunker, in corpus order. Holds offsets only; texts stay in the
/// corpus, which must outlive the table. Immutable once built; callable from any thread.
class ChunkTable {
 public:
  /// Cuts every document. The result does not depend on the number of threads. Throws
  /// Error(kInvalidData) beyond 2^32 - 1 chunks.
  static ChunkTable build(const Corpus& corpus, const Chunker& chunker, Executor& executor);
  /// Reads what `save` wrote. Throws Error(kInvalidData) if the file does not fit the corpus.
  static ChunkTable load(const Corpus& corpus, const std::filesystem::path& path);
  void save(const std::filesystem::path& path) const;

  std::size_t size() const noexcept { return documents_.size(); }
  DocumentIndex document(ChunkIndex chunk) const { return documents_[chunk]; }
  /// Outer byte range in the document.
  ByteSpan span(ChunkIndex chunk) const { return spans_[chunk]; }
  std::string text(ChunkIndex chunk) const;
  /// The same without a copy where the chunk has no gaps: a view of the corpus, otherwise of
  /// `buffer`, which is overwritten.
  std::string_view text(ChunkIndex chunk, std::string& buffer) const;
  /// Whether readers get more of the document than the chunk that was found.
  bool has_windows() const noexcept { return neighbours_ != 0; }
  /// The chunk with its neighbours in the document, as many on either side as the chunker says.
  ByteSpan window(ChunkIndex chunk) const;
  /// "DOC_ID@BEGIN-END", bytes.
  std::string chunk_id(ChunkIndex chunk) const;
  /// The chunks of one document are consecutive: [first_chunk(d), first_chunk(d + 1)).
  ChunkIndex first_chunk(DocumentIndex document) const { return first_chunks_[document]; }

  const Corpus& corpus() const noexcept { return *corpus_; }

 private:
  const Corpus* corpus_ = nullptr;
  std::vector<DocumentIndex> documents_;  // [chunk]
  std::vector<ByteSpan> spans_;           // [chunk]
  std::vector<ChunkIndex> first_chunks_;  // [document], then size()
  std::vector<ChunkIndex> gap_chunks_;    // [gap] ascending
  std::vector<ByteSpan> gaps_;            // [gap] bytes of the span that are not in the text
  std::uint32_t neighbours_ = 0;
};

}  // namespace crudbench
