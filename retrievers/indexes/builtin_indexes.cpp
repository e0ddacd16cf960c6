#include "retrievers/indexes/builtin_indexes.h"

namespace crudbench {

void add_builtin_indexes(Catalog& catalog) {
  catalog.indexes.add("flat", flat_index());
}

}  // namespace crudbench
