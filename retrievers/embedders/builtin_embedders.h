#pragma once

#include "harness/core/catalog.h"
#include "retrievers/embedders/embedder.h"

namespace crudbench {

/// Fills `catalog.embedders` with the members below.
void add_builtin_embedders(Catalog& catalog);

Registry<Embedder, const EmbedderParts&>::Entry import_embedder();
Registry<Embedder, const EmbedderParts&>::Entry lsa_embedder();
Registry<Embedder, const EmbedderParts&>::Entry openai_embedder();

}  // namespace crudbench
