#pragma once

#include <cstddef>

#include "harness/core/options.h"

namespace crudbench {

/// The two options that every size-bound chunker has; the unit is the chunker's.
struct ChunkSize {
  std::size_t size = 128;   ///< Most units of a chunk, >= 1.
  std::size_t overlap = 0;  ///< Units that a chunk repeats of the one before it, < size.
};

/// Reads "size" and "overlap". Throws Error(kInvalidConfig).
ChunkSize read_chunk_size(Options& options);

}  // namespace crudbench
