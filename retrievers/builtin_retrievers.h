#pragma once

#include <cstddef>

#include "harness/core/catalog.h"
#include "retrievers/retriever.h"

namespace crudbench {

/// Fills `catalog.retrievers` with the members below.
void add_builtin_retrievers(Catalog& catalog);

using RetrieverEntry = Registry<Retriever, const RetrieverParts&>::Entry;
RetrieverEntry bm25_retriever();
RetrieverEntry dense_retriever();
RetrieverEntry gold_retriever();
RetrieverEntry exec_retriever();
RetrieverEntry hybrid_retriever();
RetrieverEntry hyde_retriever();
RetrieverEntry mmr_retriever();
RetrieverEntry multi_query_retriever();
RetrieverEntry no_retriever();
RetrieverEntry rerank_retriever();

/// Reads "top_k", the number of hits that a cell asks for: 1 to 1000, 8 as upstream unless given.
std::size_t read_top_k(Options& options);

}  // namespace crudbench
