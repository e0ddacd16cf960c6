#include <algorithm>

#include "harness/text/utf8.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/chunk_size.h"

namespace crudbench {

namespace {

/// Chunk i holds the code points from i * (size - overlap) on, `size` of them or what is left; the
/// chunk that reaches the end of the text is the last.
class FixedChunker final : public Chunker {
 public:
  explicit FixedChunker(ChunkSize size_chars) : size_chars_(size_chars) {}

  std::vector<ChunkPieces> chunk(std::string_view text) const override {
    const std::vector<std::uint32_t> offsets = code_point_offsets(text);
    const std::size_t length = offsets.size() - 1;
    std::vector<ChunkPieces> chunks;
    for (std::size_t begin = 0; begin < length; begin += size_chars_.size - size_chars_.overlap) {
      const std::size_t end = std::min(begin + size_chars_.size, length);
      chunks.push_back({{offsets[begin], offsets[end]}});
      if (end == length) {
        break;
      }
    }
    return chunks;
  }

 private:
  ChunkSize size_chars_;
};

}  // namespace

Registry<Chunker>::Entry fixed_chunker() {
  return {.summary = "Chunks of a fixed number of characters (code points)",
          .example = {{"type", "fixed"}, {"size", 128}, {"overlap", 0}},
          .check = [](Options& options) { read_chunk_size(options); },
          .make =
              [](Options& options) {
                return std::make_unique<FixedChunker>(read_chunk_size(options));
              }};
}

}  // namespace crudbench
