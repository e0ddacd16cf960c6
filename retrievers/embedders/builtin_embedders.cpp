#include "retrievers/embedders/builtin_embedders.h"

#include "retrievers/embedders/llama_embedder.h"

namespace crudbench {

void add_builtin_embedders(Catalog& catalog) {
  catalog.embedders.add("import", import_embedder());
  catalog.embedders.add("llama", llama_embedder());
  catalog.embedders.add("lsa", lsa_embedder());
  catalog.embedders.add("openai", openai_embedder());
}

}  // namespace crudbench
