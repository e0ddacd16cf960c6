#include "retrievers/chunkers/builtin_chunkers.h"

namespace crudbench {

namespace {

/// The whole document is one chunk; an empty document has none.
class DocumentChunker final : public Chunker {
 public:
  std::vector<ChunkPieces> chunk(const Document& document) const override {
    if (document.text.empty()) {
      return {};
    }
    return {{{0, static_cast<std::uint32_t>(document.text.size())}}};
  }
};

}  // namespace

Registry<Chunker>::Entry document_chunker() {
  return {.summary = "Whole documents",
          .example = {{"type", "document"}},
          .check = [](Options&) {},
          .make = [](Options&) { return std::make_unique<DocumentChunker>(); }};
}

}  // namespace crudbench
