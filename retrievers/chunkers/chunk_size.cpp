#include "retrievers/chunkers/chunk_size.h"

#include <cstdint>
#include <string>

namespace crudbench {

ChunkSize read_chunk_size(Options& options) {
  constexpr std::int64_t kLargest = 1'000'000'000;
  const std::int64_t size = options.integer("size", 128, 1, kLargest);
  const std::int64_t overlap = options.integer("overlap", 0, 0, kLargest);
  if (overlap >= size) {
    options.fail("overlap", "an integer below \"size\" (" + std::to_string(size) + ")");
  }
  return {static_cast<std::size_t>(size), static_cast<std::size_t>(overlap)};
}

}  // namespace crudbench
