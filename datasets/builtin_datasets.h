#pragma once

#include "harness/core/catalog.h"

namespace crudbench {

/// Adds every dataset reader of this folder.
void add_builtin_datasets(Catalog& catalog);

/// CRUD-RAG's own form: a samples file like upstream's `split_merged.json`, and a corpus of
/// one-article-a-line files.
Registry<DatasetReader>::Entry crud_rag_entry();

}  // namespace crudbench
