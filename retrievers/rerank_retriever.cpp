#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "harness/net/endpoint.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/rerankers/reranker.h"
#include "retrievers/retriever_parts.h"

namespace crudbench {

namespace {

constexpr std::string_view kLlama = "llama";

struct RerankOptions {
  PartOptions part;
  std::string api;  ///< "jina", "cohere", "tei": an endpoint of that shape; "llama": a GGUF file.
};

RerankOptions read_rerank_options(Options& options) {
  constexpr std::array<std::string_view, 4> kApis{"jina", "cohere", "tei", kLlama};
  RerankOptions rerank;
  rerank.part = read_part_options(options, 50, Json::array({{{"type", "bm25"}}}), 1, 1);
  rerank.api = options.one_of("api", kApis, kApis[0]);
  return rerank;
}

void check_rerank(Options& options) {
  const RerankOptions rerank = read_rerank_options(options);
  if (rerank.api == kLlama) {
    check_llama_reranker(options);
  } else {
    check_endpoint_reranker(options, rerank.api);
  }
}

/// The best `pool` hits of the part in the order that a cross-encoder gives them, with its scores.
class RerankRetriever final : public Retriever {
 public:
  RerankRetriever(std::size_t pool, std::unique_ptr<Reranker> reranker,
                  std::unique_ptr<Retriever> part)
      : pool_(pool), reranker_(std::move(reranker)), part_(std::move(part)) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                  Executor& executor) const override {
    std::vector<Retrieval> retrievals = part_->retrieve(queries, pool_, executor);
    reranker_->rerank(queries, chunks(), retrievals, executor);
    for (Retrieval& retrieval : retrievals) {
      retrieval.hits.resize(std::min(retrieval.hits.size(), top_k));
    }
    return retrievals;
  }

  void prepare(std::span<const Query> queries, const std::stop_token& stop) const override {
    part_->prepare(queries, stop);
  }

  const ChunkTable& chunks() const override { return part_->chunks(); }

 private:
  std::size_t pool_;
  std::unique_ptr<Reranker> reranker_;
  std::unique_ptr<Retriever> part_;
};

std::unique_ptr<Retriever> make_rerank(Options& options, const RetrieverParts& parts) {
  const RerankOptions rerank = read_rerank_options(options);
  std::unique_ptr<Reranker> reranker = rerank.api == kLlama
                                           ? make_llama_reranker(options)
                                           : make_endpoint_reranker(options, rerank.api);
  std::unique_ptr<Retriever> part = std::move(open_parts(rerank.part.parts, parts).front());
  return std::make_unique<RerankRetriever>(rerank.part.pool, std::move(reranker), std::move(part));
}

}  // namespace

RetrieverEntry rerank_retriever() {
  std::vector<std::string> neutral = neutral_endpoint_options();
  neutral.emplace_back("gpu_layers");
  return {.summary = "Another retriever's hits in the order of a cross-encoder: /rerank, or a GGUF",
          .example = {{"type", "rerank"},
                      {"top_k", 8},
                      {"base_url", "http://127.0.0.1:8080/v1"},
                      {"api", "jina"},
                      {"model", "bge-reranker-v2-m3"},
                      {"api_key_env", "RERANK_API_KEY"},
                      {"parts", Json::array({{{"type", "bm25"}}})},
                      {"pool", 50}},
          .check = check_rerank,
          .make = make_rerank,
          .sections = {"chunker", "embedder", "index"},
          .list_options = {"parts"},
          .neutral_options = std::move(neutral)};
}

}  // namespace crudbench
