#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "retrievers/chunk_table.h"
#include "retrievers/embedders/embedder.h"
#include "retrievers/indexes/vector_index.h"
#include "retrievers/retriever.h"

namespace crudbench {

class Bm25Index;
class Generator;
class SentenceDistances;
struct Bm25Options;

/// One artifact of a knowledge base, as `crudbench plan` and `kb ls` show it.
struct KnowledgeBaseStage {
  std::string kind;         ///< "distances", "chunks", "bm25", "embedder", "vectors", "index".
  std::string fingerprint;  ///< Folder name under the root.
  bool cached = false;      ///< A folder with a valid manifest stands there.
  std::string parent;       ///< Fingerprint of the stage it is made from; empty: the corpus.
  Json parameters;          ///< Of this stage and all before it, for people.
};

/// A corpus and everything built over it: chunk tables, BM25 postings, embeddings, vector indexes.
///
/// Each artifact stands under ROOT/<fingerprint>/ with a `manifest.json` that lists its files with
/// sizes and SHA-256 and its parameters. It is built at most once per fingerprint, written to a
/// temporary folder and renamed; a folder whose manifest is missing or does not fit is rebuilt,
/// never trusted (ArtifactStore). Opened artifacts stay in memory for the life of the object. Not
/// thread-safe.
///
/// What a retriever reads follows from its catalog entry and its options: with the section
/// "chunker" the chunks of that chunker, else whole documents (a chunker with an "embedder" reads
/// how far that one finds sentences apart); with the option "analyzer" the BM25 postings; with
/// "embedder" the vectors; with "index" the vector index; and a retriever with "parts" reads what
/// its parts read and, with the option "lambda" (mmr), the vectors.
class KnowledgeBase {
 public:
  /// `corpus`, `catalog` and `executor` must outlive the object. `root` is created when first
  /// written to.
  KnowledgeBase(std::filesystem::path root, const Corpus& corpus, std::string corpus_fingerprint,
                const Catalog& catalog, Executor& executor);
  ~KnowledgeBase();
  KnowledgeBase(const KnowledgeBase&) = delete;
  KnowledgeBase& operator=(const KnowledgeBase&) = delete;

  /// How retrievers get a generator from its resolved configuration. Until this is called, it is
  /// built from the catalog and nothing stands before it, such as a cache.
  using MakeGenerator = std::function<std::unique_ptr<Generator>(const Json& config)>;
  void set_generators(MakeGenerator make) { make_generator_ = std::move(make); }
  std::unique_ptr<Generator> make_generator(const Json& config) const;

  /// Has `built` told of every artifact that is built from now on (ArtifactStore::on_built).
  void on_built(std::function<void(const std::string& fingerprint, double seconds)> built);

  /// The retriever of a cell, with all it needs built or loaded. The knowledge base must outlive
  /// it. Throws Error(kInvalidConfig, kInvalidData, kIo).
  std::unique_ptr<Retriever> open(const RetrievalConfig& config);

  /// Names what `open(config)->retrieve(...)` returns, without building anything. `top_k` is not
  /// part of it: hits for a smaller one are a prefix of those for a larger one.
  std::string fingerprint(const RetrievalConfig& config) const;
  /// The artifacts that `open(config)` needs, in order of dependence.
  std::vector<KnowledgeBaseStage> stages(const RetrievalConfig& config) const;

  /// Parts, for the factories of retrievers. References stay valid for the object's life. Throw
  /// Error(kInvalidData) if the corpus is empty or nothing of it comes out of the chunker.
  const ChunkTable& chunks(const Json& chunker);
  const Bm25Index& bm25(const Json& chunker, const Bm25Options& options);
  const Embedder& embedder(const Json& chunker, const Json& embedder);
  /// Row-major [chunks, dimension].
  std::span<const float> vectors(const Json& chunker, const Json& embedder);
  const VectorIndex& index(const Json& chunker, const Json& embedder, const Json& index);
  const Corpus& corpus() const noexcept { return corpus_; }
  const Catalog& catalog() const noexcept { return catalog_; }
  Executor& executor() const noexcept { return executor_; }

 private:
  struct Parts;

  const SentenceDistances& distances(const Json& chunker);

  const Corpus& corpus_;
  const Catalog& catalog_;
  Executor& executor_;
  MakeGenerator make_generator_;
  std::unique_ptr<Parts> parts_;
};

/// The chunker of retrievers that hand over whole documents.
Json document_chunker_config();

}  // namespace crudbench
