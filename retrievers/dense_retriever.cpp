#include <algorithm>

#include "retrievers/builtin_retrievers.h"
#include "retrievers/embedders/embedder.h"
#include "retrievers/indexes/vector_index.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

/// The chunks whose vectors have the largest inner product with the query's. A query that the
/// embedder maps to zero has no direction, hence no hits.
class DenseRetriever final : public Retriever {
 public:
  DenseRetriever(const ChunkTable& chunks, const Embedder& embedder, const VectorIndex& index)
      : chunks_(chunks), embedder_(embedder), index_(index) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& executor) const override {
    return search(queries, TextRole::kQuery, top_k, executor);
  }
  std::vector<Retrieval> retrieve_like(std::span<const Query> queries, std::size_t top_k,
                                       Executor& executor) const override {
    return search(queries, TextRole::kPassage, top_k, executor);
  }

  const ChunkTable& chunks() const override { return chunks_; }

 private:
  std::vector<Retrieval> search(std::span<const Query> queries, TextRole role, std::size_t top_k,
                                Executor& executor) const {
    std::vector<std::string_view> texts;
    texts.reserve(queries.size());
    for (const Query& query : queries) {
      texts.push_back(query.text);
    }
    const std::size_t dimension = embedder_.dimension();
    std::vector<float> rows(queries.size() * dimension);
    embedder_.embed(texts, role, rows, executor);
    const std::vector<std::vector<Neighbor>> neighbors = index_.search(rows, top_k, executor);

    std::vector<Retrieval> retrievals(queries.size());
    for (std::size_t query = 0; query < queries.size(); ++query) {
      const std::span<const float> row = std::span(rows).subspan(query * dimension, dimension);
      if (std::all_of(row.begin(), row.end(), [](float value) { return value == 0.0F; })) {
        continue;
      }
      for (const Neighbor& neighbor : neighbors[query]) {
        retrievals[query].hits.push_back({neighbor.row, neighbor.score});
      }
    }
    return retrievals;
  }

  const ChunkTable& chunks_;
  const Embedder& embedder_;
  const VectorIndex& index_;
};

}  // namespace

RetrieverEntry dense_retriever() {
  return {.summary = "Nearest chunks by embedding",
          .example = {{"type", "dense"}, {"top_k", 8}},
          .check = [](Options& options) { read_top_k(options); },
          .make =
              [](Options&, const RetrieverParts& parts) {
                KnowledgeBase& base = parts.knowledge_base;
                const RetrievalConfig& config = parts.config;
                return std::make_unique<DenseRetriever>(
                    base.chunks(config.chunker), base.embedder(config.chunker, config.embedder),
                    base.index(config.chunker, config.embedder, config.index));
              },
          .sections = {"chunker", "embedder", "index"}};
}

}  // namespace crudbench
