#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/core/types.h"
#include "retrievers/chunk_table.h"

namespace crudbench {

/// What a retriever found for one query, or why it could not look.
struct Retrieval {
  std::vector<Hit> hits;  ///< Best first; equal scores in corpus order.
  std::optional<Failure> failure;
};

/// Finds the chunks of a knowledge base that best match a query.
class Retriever {
 public:
  virtual ~Retriever() = default;

  /// One result per query, in order, each with at most `top_k` hits; fewer, or none, is a normal
  /// answer. A query that cannot be served has a failure; an error that concerns all of them
  /// throws. Called from one thread at a time; uses `executor` inside. Results do not depend on
  /// batching or on the number of threads.
  virtual std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t top_k,
                                          Executor& executor) const = 0;

  /// `retrieve` for texts that are written like passages and not like questions: an embedder takes
  /// them as such.
  virtual std::vector<Retrieval> retrieve_like(std::span<const Query> queries, std::size_t top_k,
                                               Executor& executor) const {
    return retrieve(queries, top_k, executor);
  }

  /// For retrievers that ask a generator (hyde, multi_query): asks what `retrieve` will need for
  /// `queries`, all at once and on this thread, and keeps it. Returns soon after `stop` is
  /// requested, with some of it. Without this `retrieve` asks by itself.
  virtual void prepare(std::span<const Query> /*queries*/, const std::stop_token& /*stop*/) const {}

  /// The table that `Hit::chunk` points into.
  virtual const ChunkTable& chunks() const = 0;
};

/// The sections of a cell's configuration that describe its retrieval, resolved; null where the
/// retriever does not read the section.
struct RetrievalConfig {
  Json retriever;
  Json chunker;
  Json embedder;
  Json index;
};

class KnowledgeBase;

/// What a retriever's factory may use.
struct RetrieverParts {
  KnowledgeBase& knowledge_base;  ///< Outlives the retriever.
  const RetrievalConfig& config;
};

}  // namespace crudbench
