#include "retrievers/indexes/builtin_indexes.h"

namespace crudbench {

void add_builtin_indexes(Catalog& catalog) {
  catalog.indexes.add("flat", flat_index());
  catalog.indexes.add("hnsw", hnsw_index());
  catalog.indexes.add("hnswlib", hnswlib_index());
  catalog.indexes.add("ivf_flat", ivf_flat_index());
  catalog.indexes.add("ivf_pq", ivf_pq_index());
  catalog.indexes.add("sq8", sq8_index());
}

}  // namespace crudbench
