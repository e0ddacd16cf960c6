#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "retrievers/chunkers/chunk_size.h"
#include "retrievers/chunkers/chunker.h"

namespace crudbench {

/// Keeps chunks of other making to a size: larger ones are cut by the sentence splitter, which
/// loses a delimiter that follows a delimiter.
class SizeLimit {
 public:
  /// `max_size` 0: no limit.
  SizeLimit(std::size_t max_size, SizeUnit unit);

  bool allows(std::string_view text) const;
  /// Appends the chunk, or the smaller ones that it is cut into.
  void append(const Document& document, ByteSpan chunk, std::vector<ChunkPieces>& chunks) const;

 private:
  std::size_t max_size_;
  SizeUnit unit_;
  std::unique_ptr<const Chunker> sentences_;
};

}  // namespace crudbench
