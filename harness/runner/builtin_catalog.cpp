#include "harness/runner/builtin_catalog.h"

#include "datasets/builtin_datasets.h"
#include "harness/generators/builtin_generators.h"
#include "harness/tasks/builtin_tasks.h"
#include "metrics/builtin_metrics.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/indexes/builtin_indexes.h"

namespace crudbench {

const Catalog& builtin_catalog() {
  static const Catalog instance = [] {
    Catalog catalog;
    add_builtin_datasets(catalog);
    add_builtin_chunkers(catalog);
    add_builtin_embedders(catalog);
    add_builtin_indexes(catalog);
    add_builtin_retrievers(catalog);
    add_builtin_tasks(catalog);
    add_builtin_generators(catalog);
    add_builtin_metrics(catalog);
    return catalog;
  }();
  return instance;
}

}  // namespace crudbench
