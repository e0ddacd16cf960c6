#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

/// The oracle: the query's gold documents, whole and in their order, whatever `top_k` says; an
/// upper bound for every retriever.
class GoldRetriever final : public Retriever {
 public:
  explicit GoldRetriever(const ChunkTable& documents) : documents_(documents) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t,
                                  Executor&) const override {
    std::vector<Retrieval> retrievals;
    for (const Query& query : queries) {
      Retrieval& retrieval = retrievals.emplace_back();
      if (query.gold_documents.empty()) {
        retrieval.failure = Failure{Stage::kRetrieval, "no_gold",
                                    "the gold documents of the sample are not in the corpus"};
        continue;
      }
      for (const DocumentIndex document : query.gold_documents) {
        const ChunkIndex end = documents_.first_chunk(document + 1);
        for (ChunkIndex chunk = documents_.first_chunk(document); chunk < end; ++chunk) {
          const double rank = static_cast<double>(retrieval.hits.size() + 1);
          retrieval.hits.push_back({chunk, 1.0 / rank});
        }
      }
    }
    return retrievals;
  }

  const ChunkTable& chunks() const override { return documents_; }

 private:
  const ChunkTable& documents_;
};

}  // namespace

RetrieverEntry gold_retriever() {
  return {.summary = "The sample's own source documents: an upper bound",
          .example = {{"type", "gold"}},
          .check = [](Options&) {},
          .make =
              [](Options&, const RetrieverParts& parts) {
                return std::make_unique<GoldRetriever>(
                    parts.knowledge_base.chunks(document_chunker_config()));
              }};
}

}  // namespace crudbench
