#include <utility>

#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/sentence_chunker.h"

namespace crudbench {

namespace {

/// Small to big: what is searched are the chunks of the sentence splitter, what is read is a chunk
/// with its neighbours in the document.
class WindowChunker final : public Chunker {
 public:
  WindowChunker(std::unique_ptr<Chunker> small, std::size_t neighbours)
      : small_(std::move(small)), neighbours_(neighbours) {}

  std::vector<ChunkPieces> chunk(const Document& document) const override {
    return small_->chunk(document);
  }
  std::size_t neighbours() const noexcept override { return neighbours_; }

 private:
  std::unique_ptr<Chunker> small_;
  std::size_t neighbours_;
};

std::unique_ptr<WindowChunker> read_window_chunker(Options& options) {
  std::unique_ptr<Chunker> small = read_sentence_chunker(options);
  const auto neighbours = static_cast<std::size_t>(options.integer("neighbours", 1, 0, 1000));
  return std::make_unique<WindowChunker>(std::move(small), neighbours);
}

}  // namespace

Registry<Chunker>::Entry window_chunker() {
  return {.summary = "Chunks as `sentence` cuts them; a hit is read with its neighbours",
          .example = {{"type", "window"},
                      {"size", 64},
                      {"overlap", 0},
                      {"unit", "cl100k"},
                      {"neighbours", 1}},
          .check = [](Options& options) { read_window_chunker(options); },
          .make = [](Options& options) { return read_window_chunker(options); }};
}

}  // namespace crudbench
