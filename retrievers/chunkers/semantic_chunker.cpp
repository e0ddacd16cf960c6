#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "harness/core/error.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/chunkers/sentences.h"
#include "retrievers/chunkers/size_limit.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/sentence_distances.h"

namespace crudbench {

namespace {

/// `numpy.percentile(values, percentile)`, linear between neighbours. `values` is not empty.
double percentile_of(std::span<const float> values, double percentile) {
  std::vector<float> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = percentile / 100.0 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = sorted[below];
  const double high = sorted[above];
  return low + (high - low) * (place - static_cast<double>(below));
}

/// Breaks a document between neighbouring sentences that are further apart than the given
/// percentile of all its neighbours (`SemanticChunker` of LangChain, `SemanticSplitterNodeParser`
/// of LlamaIndex, "percentile"). What is then larger than `max_size` is cut by the sentence
/// splitter.
class SemanticChunker final : public Chunker {
 public:
  SemanticChunker(double percentile, SizeLimit limit)
      : percentile_(percentile), limit_(std::move(limit)) {}

  void use_distances(const SentenceDistances& distances) override { distances_ = &distances; }

  std::vector<ChunkPieces> chunk(const Document& document) const override {
    if (distances_ == nullptr) {
      throw std::logic_error("a semantic chunker needs the distances of the sentences");
    }
    const std::vector<ByteSpan> sentences = split_sentences(document.text);
    std::vector<ChunkPieces> chunks;
    if (sentences.empty()) {
      return chunks;
    }
    const std::span<const float> distances = distances_->of(document.index);
    if (distances.size() + 1 != sentences.size()) {
      throw Error(ErrorCode::kInvalidData,
                  "chunker semantic: document '" + std::string(document.doc_id) + "' has " +
                      std::to_string(sentences.size()) + " sentences, and was measured with " +
                      std::to_string(distances.size() + 1));
    }
    const double threshold = distances.empty() ? 0.0 : percentile_of(distances, percentile_);
    ByteSpan open = sentences.front();
    for (std::size_t i = 0; i < distances.size(); ++i) {
      if (static_cast<double>(distances[i]) > threshold) {
        limit_.append(document, open, chunks);
        open = sentences[i + 1];
      } else {
        open.end = sentences[i + 1].end;
      }
    }
    limit_.append(document, open, chunks);
    return chunks;
  }

 private:
  double percentile_;
  SizeLimit limit_;
  const SentenceDistances* distances_ = nullptr;
};

/// Reads "embedder", the one that tells how far sentences are apart, with its defaults filled in.
void resolve_embedder(Options& options) {
  Catalog catalog;
  add_builtin_embedders(catalog);
  Json embedder = options.raw("embedder");
  if (embedder.is_null()) {
    embedder = {{"type", "lsa"}};
  }
  const std::string pointer = options.pointer_to("embedder");
  Options nested(embedder, options.file(), pointer);
  if (nested.has("type") && nested.raw("type") == "import") {
    nested.fail("type", "an embedder that takes any text: lsa, llama or openai");
  }
  options.record("embedder", catalog.embedders.resolve(embedder, options.file(), pointer));
}

std::unique_ptr<SemanticChunker> read_semantic_chunker(Options& options) {
  constexpr std::int64_t kLargest = 1'000'000'000;
  resolve_embedder(options);
  options.integer("buffer", 1, 0, 100);  // Read by the knowledge base, too.
  const double percentile = options.number("percentile", 95.0, 0.0, 100.0);
  const SizeUnit unit = read_size_unit(options, SizeUnit::kCharacters);
  const auto max_size = static_cast<std::size_t>(options.integer("max_size", 0, 0, kLargest));
  return std::make_unique<SemanticChunker>(percentile, SizeLimit(max_size, unit));
}

}  // namespace

Registry<Chunker>::Entry semantic_chunker() {
  return {.summary = "Breaks where the embeddings of neighbouring sentences part",
          .example = {{"type", "semantic"},
                      {"embedder", {{"type", "lsa"}}},
                      {"percentile", 95},
                      {"buffer", 1},
                      {"max_size", 512},
                      {"unit", "characters"}},
          .check = [](Options& options) { read_semantic_chunker(options); },
          .make = [](Options& options) { return read_semantic_chunker(options); }};
}

}  // namespace crudbench
