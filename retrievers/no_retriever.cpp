#include "retrievers/builtin_retrievers.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

/// Closed book: never a hit; a lower bound for every retriever.
class NoRetriever final : public Retriever {
 public:
  explicit NoRetriever(const ChunkTable& documents) : documents_(documents) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t,
                                  Executor&) const override {
    return std::vector<Retrieval>(queries.size());
  }

  const ChunkTable& chunks() const override { return documents_; }

 private:
  const ChunkTable& documents_;
};

}  // namespace

RetrieverEntry no_retriever() {
  return {.summary = "Nothing is retrieved (closed book): a lower bound",
          .example = {{"type", "none"}},
          .check = [](Options&) {},
          .make =
              [](Options&, const RetrieverParts& parts) {
                return std::make_unique<NoRetriever>(
                    parts.knowledge_base.chunks(document_chunker_config()));
              }};
}

}  // namespace crudbench
