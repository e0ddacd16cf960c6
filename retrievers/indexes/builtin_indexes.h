#pragma once

#include <string>

#include "harness/core/catalog.h"
#include "retrievers/indexes/vector_index.h"

namespace crudbench {

/// Fills `catalog.indexes` with the members below.
void add_builtin_indexes(Catalog& catalog);

Registry<VectorIndex>::Entry flat_index();
Registry<VectorIndex>::Entry hnsw_index();
Registry<VectorIndex>::Entry hnswlib_index();
Registry<VectorIndex>::Entry ivf_flat_index();
Registry<VectorIndex>::Entry ivf_pq_index();
Registry<VectorIndex>::Entry sq8_index();

/// Version of the FAISS compiled against: "1.7.3".
std::string faiss_version();

}  // namespace crudbench
