#pragma once

#include "harness/core/registry.h"

namespace crudbench {

class Chunker;
class DatasetReader;
class Embedder;
class Generator;
class Metric;
class Retriever;
class Task;
class VectorIndex;
class Executor;
struct EmbedderParts;
struct GeneratorParts;
struct MetricParts;
struct RetrieverParts;

/// Every axis along which the benchmark can vary, and what is available on it: the table of
/// contents of the program. Each folder fills its own registries by an explicit table
/// (`add_builtin_…`); `builtin_catalog()` in harness/runner calls them all.
struct Catalog {
  Registry<DatasetReader> datasets{"dataset"};
  Registry<Chunker> chunkers{"chunker"};
  Registry<Embedder, const EmbedderParts&> embedders{"embedder"};
  Registry<VectorIndex> indexes{"index"};
  Registry<Retriever, const RetrieverParts&> retrievers{"retriever"};
  Registry<Task> tasks{"task"};
  Registry<Generator, const GeneratorParts&> generators{"generator"};
  Registry<Metric, const MetricParts&> metrics{"metric"};
};

}  // namespace crudbench
