#pragma once

#include <string_view>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// A chunk of one document: the bytes from the first piece's begin to the last piece's end, less
/// the gaps between pieces. Most chunks are one piece; upstream's sentence splitter loses a
/// delimiter that follows a delimiter, which leaves a gap.
using ChunkPieces = std::vector<ByteSpan>;

/// Cuts one document into chunks.
class Chunker {
 public:
  virtual ~Chunker() = default;

  /// The chunks of `text` (valid UTF-8) in order of their begin. No chunk is empty; pieces are in
  /// order, do not overlap within a chunk and lie on code point boundaries. A pure function of
  /// `text`; callable from any thread.
  virtual std::vector<ChunkPieces> chunk(std::string_view text) const = 0;
};

}  // namespace crudbench
