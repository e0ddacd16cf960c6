#pragma once

#include <span>

#include "retrievers/best_hits.h"
#include "retrievers/bm25_weights.h"
#include "retrievers/postings.h"

namespace crudbench {

/// The definition of a BM25 search: an accumulator in double precision for every chunk, to which
/// the shares of the words are added in the order of `query`. Offers `best` all chunks from `first`
/// on that share a word with the query. ImpactIndex finds the same hits in less time.
void search_plainly(const Postings& postings, const Bm25Weights& weights,
                    std::span<const QueryWord> query, ChunkIndex first, BestHits& best);

}  // namespace crudbench
