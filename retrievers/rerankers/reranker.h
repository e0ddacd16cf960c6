#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/core/options.h"
#include "retrievers/retriever.h"

namespace crudbench {

/// Scores the hits of a query by looking at query and text together.
class Reranker {
 public:
  virtual ~Reranker() = default;

  /// Gives the hits of each retrieval, one a query, other scores and puts them in their order. A
  /// retrieval that has failed, or has no hits, stays as it is; one whose hits cannot be scored
  /// fails. Called from one thread at a time.
  virtual void rerank(std::span<const Query> queries, const ChunkTable& chunks,
                      std::vector<Retrieval>& retrievals, Executor& executor) const = 0;
};

/// By falling score, equal scores in corpus order.
void sort_best_first(std::vector<Hit>& hits);

/// A `/rerank` endpoint; `api` is "jina", "cohere" or "tei". `check_…` reads and checks the options
/// and `make_…` takes options that it accepts. Throw Error(kInvalidConfig).
void check_endpoint_reranker(Options& options, const std::string& api);
std::unique_ptr<Reranker> make_endpoint_reranker(Options& options, const std::string& api);

/// A GGUF model with a ranking head through llama.cpp.
void check_llama_reranker(Options& options);
std::unique_ptr<Reranker> make_llama_reranker(Options& options);

}  // namespace crudbench
