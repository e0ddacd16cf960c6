#pragma once

#include "harness/core/catalog.h"
#include "retrievers/chunkers/chunker.h"

namespace crudbench {

/// Fills `catalog.chunkers` with the members below.
void add_builtin_chunkers(Catalog& catalog);

Registry<Chunker>::Entry document_chunker();
Registry<Chunker>::Entry fixed_chunker();
Registry<Chunker>::Entry import_chunker();
Registry<Chunker>::Entry paragraph_chunker();
Registry<Chunker>::Entry recursive_chunker();
Registry<Chunker>::Entry semantic_chunker();
Registry<Chunker>::Entry sentence_chunker();
Registry<Chunker>::Entry window_chunker();

}  // namespace crudbench
