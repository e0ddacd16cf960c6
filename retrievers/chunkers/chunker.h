#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

class Corpus;
class SentenceDistances;

/// A document as a chunker sees it.
struct Document {
  std::string_view doc_id;
  std::string_view text;    ///< Valid UTF-8.
  DocumentIndex index = 0;  ///< In its corpus.
};

/// A chunk of one document: the bytes from the first piece's begin to the last piece's end, less
/// the gaps between pieces. Most chunks are one piece; upstream's sentence splitter loses a
/// delimiter that follows a delimiter, which leaves a gap.
using ChunkPieces = std::vector<ByteSpan>;

/// Cuts one document into chunks.
class Chunker {
 public:
  virtual ~Chunker() = default;

  /// The chunks of `document` in order of their begin. No chunk is empty; pieces are in order, do
  /// not overlap within a chunk and lie on code point boundaries. A pure function of `document`;
  /// callable from any thread. Throws Error(kInvalidData) if chunks made elsewhere do not fit it.
  virtual std::vector<ChunkPieces> chunk(const Document& document) const = 0;

  /// Called once before the documents of `corpus` are cut. Throws Error(kInvalidData) if the
  /// chunker is about other documents.
  virtual void check_corpus(const Corpus& /*corpus*/) const {}

  /// Called once before the first `chunk` of a chunker whose configuration has an "embedder", with
  /// what that says of the corpus. `distances` outlives the chunker.
  virtual void use_distances(const SentenceDistances& /*distances*/) {}

  /// How many chunks on either side of a hit's own a reader gets along with it.
  virtual std::size_t neighbours() const noexcept { return 0; }
};

}  // namespace crudbench
