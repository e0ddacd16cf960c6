#include <algorithm>

#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/chunk_size.h"

namespace crudbench {

namespace {

/// Where each token of `text` begins, then `text.size()`. A token that begins inside a code point
/// begins at the next one instead, and so may have no bytes.
std::vector<std::uint32_t> token_offsets(std::string_view text) {
  std::vector<std::uint32_t> offsets = cl100k_tokenizer().token_ends(text);
  offsets.insert(offsets.begin(), 0);
  const auto is_inside = [text](std::uint32_t offset) {
    return offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U;
  };
  for (std::uint32_t& offset : offsets) {
    while (is_inside(offset)) {
      ++offset;
    }
  }
  return offsets;
}

/// Chunk i holds the units of the document from i * (size - overlap) on, `size` of them or what is
/// left; the chunk that reaches the end of the text is the last. Tokens are those of the document,
/// so a chunk on its own may have a few more or fewer.
class FixedChunker final : public Chunker {
 public:
  FixedChunker(ChunkSize size, SizeUnit unit) : size_(size), unit_(unit) {}

  std::vector<ChunkPieces> chunk(const Document& document) const override {
    const std::vector<std::uint32_t> offsets = unit_ == SizeUnit::kCharacters
                                                   ? code_point_offsets(document.text)
                                                   : token_offsets(document.text);
    const std::size_t length = offsets.size() - 1;
    std::vector<ChunkPieces> chunks;
    for (std::size_t begin = 0; begin < length; begin += size_.size - size_.overlap) {
      const std::size_t end = std::min(begin + size_.size, length);
      if (offsets[begin] < offsets[end]) {
        chunks.push_back({{offsets[begin], offsets[end]}});
      }
      if (end == length) {
        break;
      }
    }
    return chunks;
  }

 private:
  ChunkSize size_;
  SizeUnit unit_;
};

std::unique_ptr<FixedChunker> read_fixed_chunker(Options& options) {
  const ChunkSize size = read_chunk_size(options);
  return std::make_unique<FixedChunker>(size, read_size_unit(options, SizeUnit::kCharacters));
}

}  // namespace

Registry<Chunker>::Entry fixed_chunker() {
  return {.summary = "Chunks of a fixed number of characters (code points) or tokens",
          .example = {{"type", "fixed"}, {"size", 128}, {"overlap", 0}, {"unit", "characters"}},
          .check = [](Options& options) { read_fixed_chunker(options); },
          .make = [](Options& options) { return read_fixed_chunker(options); }};
}

}  // namespace crudbench
