#include "retrievers/bm25_index.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

/// BM25 over the words of the chunks. A query without a word of the corpus has no hits.
class Bm25Retriever final : public Retriever {
 public:
  Bm25Retriever(const ChunkTable& chunks, const Bm25Index& index)
      : chunks_(chunks), index_(index) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& executor) const override {
    std::vector<std::string_view> texts;
    texts.reserve(queries.size());
    for (const Query& query : queries) {
      texts.push_back(query.text);
    }
    std::vector<Retrieval> retrievals;
    retrievals.reserve(queries.size());
    for (std::vector<Hit>& hits : index_.search(texts, top_k, executor)) {
      retrievals.push_back({.hits = std::move(hits)});
    }
    return retrievals;
  }

  const ChunkTable& chunks() const override { return chunks_; }

 private:
  const ChunkTable& chunks_;
  const Bm25Index& index_;
};

}  // namespace

RetrieverEntry bm25_retriever() {
  return {
      .summary = "BM25 over words",
      .example = {{"type", "bm25"}, {"top_k", 8}, {"k1", 1.2}, {"b", 0.75}, {"analyzer", "jieba"}},
      .check =
          [](Options& options) {
            read_top_k(options);
            read_bm25_options(options);
          },
      .make =
          [](Options& options, const RetrieverParts& parts) {
            KnowledgeBase& base = parts.knowledge_base;
            const Json& chunker = parts.config.chunker;
            return std::make_unique<Bm25Retriever>(base.chunks(chunker),
                                                   base.bm25(chunker, read_bm25_options(options)));
          },
      .sections = {"chunker"},
      .neutral_options = {"user_dictionary"}};
}

}  // namespace crudbench
