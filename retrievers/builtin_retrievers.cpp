#include "retrievers/builtin_retrievers.h"

namespace crudbench {

void add_builtin_retrievers(Catalog& catalog) {
  catalog.retrievers.add("bm25", bm25_retriever());
  catalog.retrievers.add("dense", dense_retriever());
  catalog.retrievers.add("exec", exec_retriever());
  catalog.retrievers.add("gold", gold_retriever());
  catalog.retrievers.add("hybrid", hybrid_retriever());
  catalog.retrievers.add("hyde", hyde_retriever());
  catalog.retrievers.add("mmr", mmr_retriever());
  catalog.retrievers.add("multi_query", multi_query_retriever());
  catalog.retrievers.add("none", no_retriever());
  catalog.retrievers.add("rerank", rerank_retriever());
}

std::size_t read_top_k(Options& options) {
  return static_cast<std::size_t>(options.integer("top_k", 8, 1, 1000));
}

}  // namespace crudbench
