#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "retrievers/bm25_weights.h"
#include "retrievers/postings.h"

namespace crudbench::bench {

/// Xapian over the same words: a database on disk whose terms are the numbers of the words.
class XapianPeer {
 public:
  /// Writes the database of `postings` into `folder`, which must not exist, and opens it.
  XapianPeer(const Postings& postings, const std::filesystem::path& folder);
  ~XapianPeer();

  /// The best chunks of an OR query under BM25 with these weights; of a query's words only that
  /// they occur counts. Xapian's idf differs from ours.
  std::vector<ChunkIndex> search(std::span<const QueryWord> query, std::size_t top_k, double k1,
                                 double b) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crudbench::bench
