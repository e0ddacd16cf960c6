#pragma once

#include <cstddef>
#include <string_view>

#include "harness/core/options.h"

namespace crudbench {

/// The two options that every size-bound chunker has; the unit is the chunker's.
struct ChunkSize {
  std::size_t size = 128;   ///< Most units of a chunk, >= 1.
  std::size_t overlap = 0;  ///< Units that a chunk repeats of the one before it, < size.
};

/// Reads "size" and "overlap". Throws Error(kInvalidConfig).
ChunkSize read_chunk_size(Options& options);

/// What sizes are counted in: code points, or tokens of cl100k.
enum class SizeUnit { kCharacters, kCl100k };

/// Reads "unit": "characters" or "cl100k". Throws Error(kInvalidConfig).
SizeUnit read_size_unit(Options& options, SizeUnit default_unit);

std::size_t count_units(std::string_view text, SizeUnit unit);

}  // namespace crudbench
