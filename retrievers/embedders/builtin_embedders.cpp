#include "retrievers/embedders/builtin_embedders.h"

namespace crudbench {

void add_builtin_embedders(Catalog& catalog) {
  catalog.embedders.add("lsa", lsa_embedder());
}

}  // namespace crudbench
