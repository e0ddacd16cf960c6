#include "datasets/builtin_datasets.h"

#include "datasets/dataset.h"

namespace crudbench {

void add_builtin_datasets(Catalog& catalog) {
  catalog.datasets.add("crud_rag", crud_rag_entry());
}

}  // namespace crudbench
