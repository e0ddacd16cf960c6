#include "retrievers/knowledge_base.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/core/log.h"
#include "harness/generators/generator.h"
#include "harness/text/tokenizer.h"
#include "retrievers/analyzer.h"
#include "retrievers/artifact_store.h"
#include "retrievers/bm25_index.h"
#include "retrievers/postings.h"
#include "retrievers/sentence_distances.h"
#include "retrievers/unfinished_rows.h"

namespace crudbench {

namespace {

// Raised whenever the code of a stage gives other bytes for the same parameters.
constexpr int kDistancesVersion = 1;
constexpr int kChunksVersion = 2;
constexpr int kBm25Version = 1;
constexpr int kEmbedderVersion = 1;
constexpr int kVectorsVersion = 1;
constexpr int kIndexVersion = 1;
constexpr int kRetrievalVersion = 1;
constexpr int kAutoWeightsVersion = 2;  // Of `weights_by_quality`.

constexpr const char* kDistancesFile = "distances.bin";
constexpr const char* kChunksFile = "chunks.bin";
constexpr const char* kPostingsFile = "postings.bin";
constexpr const char* kVectorsFile = "vectors.f32";

using Build = std::function<std::string(const std::filesystem::path& folder)>;

Artifact make_artifact(std::string kind, int version, Json parameters,
                       std::initializer_list<std::string_view> inputs) {
  FingerprintBuilder builder(kind, version);
  builder.add(parameters.dump());
  for (const std::string_view input : inputs) {
    builder.add(input);
  }
  return {std::move(kind), builder.hex_digest(), std::move(parameters)};
}

/// `options` without those that cannot change a result.
template <class Axis>
Json without_neutral(const Axis& axis, Json options) {
  const auto entry = axis.entries().find(options.value("type", ""));
  if (entry != axis.entries().end()) {
    for (const std::string& option : entry->second.neutral_options) {
      options.erase(option);
    }
  }
  return options;
}

/// The options of a retriever that decide which hits it finds, its parts' included.
Json decisive_options(const Catalog& catalog, Json retriever) {
  retriever = without_neutral(catalog.retrievers, std::move(retriever));
  retriever.erase("top_k");
  if (retriever.contains("model_sha256")) {
    retriever.erase("model");  // The path says nothing that the content does not.
  }
  if (retriever.value("weights", Json()) == "auto") {
    retriever["weights_version"] = kAutoWeightsVersion;
  }
  if (retriever.contains("generator")) {
    retriever["generator"] = without_neutral(catalog.generators, retriever.at("generator"));
  }
  if (retriever.contains("parts")) {
    for (Json& part : retriever.at("parts")) {
      part = decisive_options(catalog, std::move(part));
    }
  }
  return retriever;
}

/// The parts of an index' options that decide what is built, and what is then found in it.
Json built_options(Json index) {
  for (const std::string_view option : kIndexSearchOptions) {
    index.erase(std::string(option));
  }
  return index;
}
Json search_options(const Json& index) {
  Json options = Json::object();
  for (const std::string_view option : kIndexSearchOptions) {
    if (index.contains(option)) {
      options[std::string(option)] = index.at(std::string(option));
    }
  }
  return options;
}

/// What the words depend on that a member with the option "analyzer" reads, else nothing.
std::string words_fingerprint(const Json& config) {
  if (!config.contains("analyzer")) {
    return {};
  }
  Options options(config, "analyzer");
  return analyzer_fingerprint(read_analyzer_options(options));
}

/// Builds the artifact if need be and loads it. One that turns out not to be loadable is built
/// anew, once.
template <class Load>
auto open_artifact(const ArtifactStore& store, const Artifact& artifact, const Build& build,
                   const Load& load) {
  const std::filesystem::path folder = store.ensure(artifact, build);
  try {
    return load(folder);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidData) {
      throw;
    }
    log_warning("kb", std::string("rebuilding what cannot be used: ") + error.what());
  }
  store.discard(artifact);
  return load(store.ensure(artifact, build));
}

/// The value under `key`, made by `make` the first time.
template <class Value, class Make>
const Value& cached(std::map<std::string, Value>& values, const std::string& key,
                    const Make& make) {
  const auto found = values.find(key);
  return found != values.end() ? found->second : values.emplace(key, make()).first->second;
}

/// The vectors file of an embedding: rows of float32, nothing else.
class VectorsFile {
 public:
  VectorsFile(const std::filesystem::path& path, std::size_t value_count)
      : file_(std::make_unique<MappedFile>(path)) {
    if (file_->bytes().size() != value_count * sizeof(float)) {
      throw Error(ErrorCode::kInvalidData, path.string() + ": the file should have " +
                                               std::to_string(value_count * sizeof(float)) +
                                               " bytes and has " +
                                               std::to_string(file_->bytes().size()));
    }
  }

  std::span<const float> values() const {
    const std::string_view bytes = file_->bytes();
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
  }

 private:
  std::unique_ptr<const MappedFile> file_;
};

std::string_view bytes_of(std::span<const float> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

/// The texts of consecutive chunks.
class ChunkTexts {
 public:
  ChunkTexts(const ChunkTable& table, RowRange range) : buffers_(range.end - range.begin) {
    views_.reserve(buffers_.size());
    for (std::string& buffer : buffers_) {
      const auto chunk = static_cast<ChunkIndex>(range.begin + views_.size());
      views_.push_back(table.text(chunk, buffer));
    }
  }

  std::span<const std::string_view> views() const { return views_; }

 private:
  std::vector<std::string> buffers_;  ///< Of chunks with gaps.
  std::vector<std::string_view> views_;
};

/// The vectors of the chunks [begin, end), one row each.
void embed_chunks(const ChunkTable& table, const Embedder& embedder, std::size_t begin,
                  std::size_t end, std::span<float> rows, Executor& executor) {
  if (!embedder.read_chunk_rows(begin, end, rows, executor)) {
    const ChunkTexts texts(table, {begin, end});
    embedder.embed(texts.views(), TextRole::kPassage, rows, executor);
  }
}

void write_vectors(const ChunkTable& table, const Embedder& embedder,
                   const std::filesystem::path& path, Executor& executor) {
  constexpr std::size_t kChunksPerBatch = 8192;
  AtomicFileWriter writer(path);
  std::vector<float> rows;
  for (std::size_t begin = 0; begin < table.size(); begin += kChunksPerBatch) {
    const std::size_t end = std::min(begin + kChunksPerBatch, table.size());
    rows.resize((end - begin) * embedder.dimension());
    embed_chunks(table, embedder, begin, end, rows, executor);
    writer.write(bytes_of(rows));
  }
  writer.commit();
}

/// The same where vectors cost money or time: rows are written where they stay, and each piece that
/// the embedder has finished is noted in `unfinished`, a folder that outlives a failure, so that
/// none is asked for again.
void write_costly_vectors(const ChunkTable& table, const Embedder& embedder,
                          const std::filesystem::path& path,
                          const std::filesystem::path& unfinished, Executor& executor) {
  constexpr std::size_t kMostChunks = 65'536;  // Held as views of their texts at a time.
  UnfinishedRows rows(unfinished, table.size(), embedder.dimension());
  for (const RowRange gap : rows.missing()) {
    for (std::size_t begin = gap.begin; begin < gap.end; begin += kMostChunks) {
      const RowRange range{begin, std::min(begin + kMostChunks, gap.end)};
      const ChunkTexts texts(table, range);
      embedder.embed_passages(texts.views(), rows.rows(range), executor,
                              [&](std::size_t first, std::size_t last) {
                                rows.finish({begin + first, begin + last});
                              });
    }
  }
  rows.publish(path);
}

}  // namespace

struct KnowledgeBase::Parts {
  Parts(std::filesystem::path root, std::string corpus, const Catalog& members)
      : store(std::move(root)), corpus_fingerprint(std::move(corpus)), catalog(members) {}

  /// Of a chunker with an "embedder".
  Artifact distances_artifact(const Json& chunker) const {
    const Json& embedder = chunker.at("embedder");
    return make_artifact("distances", kDistancesVersion,
                         {{"embedder", without_neutral(catalog.embedders, embedder)},
                          {"buffer", chunker.at("buffer")}},
                         {corpus_fingerprint, words_fingerprint(embedder)});
  }
  Artifact chunks_artifact(const Json& chunker) const {
    Json parameters = {{"chunker", without_neutral(catalog.chunkers, chunker)}};
    if (!chunker.contains("embedder")) {
      return make_artifact("chunks", kChunksVersion, std::move(parameters),
                           {corpus_fingerprint, cl100k_vocabulary_fingerprint()});
    }
    const Artifact distances = distances_artifact(chunker);
    parameters["chunker"]["embedder"] = distances.parameters.at("embedder");
    return make_artifact(
        "chunks", kChunksVersion, std::move(parameters),
        {corpus_fingerprint, cl100k_vocabulary_fingerprint(), distances.fingerprint});
  }
  Artifact bm25_artifact(const Json& chunker, const AnalyzerOptions& analyzer) const {
    const Artifact chunks = chunks_artifact(chunker);
    Json parameters = chunks.parameters;
    parameters["analyzer"] = analyzer.name;
    if (!analyzer.user_dictionary.empty()) {
      parameters["user_dictionary_sha256"] = analyzer.user_dictionary_sha256;
    }
    return make_artifact("bm25", kBm25Version, std::move(parameters),
                         {chunks.fingerprint, analyzer_fingerprint(analyzer)});
  }
  Artifact embedder_artifact(const Json& chunker, const Json& embedder) const {
    const Artifact chunks = chunks_artifact(chunker);
    Json parameters = chunks.parameters;
    parameters["embedder"] = without_neutral(catalog.embedders, embedder);
    return make_artifact("embedder", kEmbedderVersion, std::move(parameters),
                         {chunks.fingerprint, words_fingerprint(embedder)});
  }
  Artifact vectors_artifact(const Json& chunker, const Json& embedder) const {
    const Artifact model = embedder_artifact(chunker, embedder);
    return make_artifact("vectors", kVectorsVersion, model.parameters, {model.fingerprint});
  }
  Artifact index_artifact(const Json& chunker, const Json& embedder, const Json& index) const {
    const Artifact rows = vectors_artifact(chunker, embedder);
    Json parameters = rows.parameters;
    parameters["index"] = built_options(without_neutral(catalog.indexes, index));
    return make_artifact("index", kIndexVersion, std::move(parameters), {rows.fingerprint});
  }

  ArtifactStore store;
  std::string corpus_fingerprint;
  const Catalog& catalog;
  // By fingerprint. `bm25_indexes` by fingerprint and weights, `indexes` by fingerprint and search
  // options.
  std::map<std::string, SentenceDistances> distances;
  std::map<std::string, std::unique_ptr<Analyzer>> analyzers;
  std::map<std::string, std::unique_ptr<ChunkTable>> chunk_tables;
  std::map<std::string, std::unique_ptr<Postings>> postings;
  std::map<std::string, std::unique_ptr<Bm25Index>> bm25_indexes;
  std::map<std::string, std::unique_ptr<Embedder>> embedders;
  std::map<std::string, VectorsFile> vectors;
  std::map<std::string, std::unique_ptr<VectorIndex>> indexes;
};

KnowledgeBase::KnowledgeBase(std::filesystem::path root, const Corpus& corpus,
                             std::string corpus_fingerprint, const Catalog& catalog,
                             Executor& executor)
    : corpus_(corpus),
      catalog_(catalog),
      executor_(executor),
      parts_(std::make_unique<Parts>(std::move(root), std::move(corpus_fingerprint), catalog)) {}

KnowledgeBase::~KnowledgeBase() = default;

std::unique_ptr<Generator> KnowledgeBase::make_generator(const Json& config) const {
  return make_generator_ ? make_generator_(config)
                         : catalog_.generators.build(config, {.executor = executor_});
}

void KnowledgeBase::on_built(
    std::function<void(const std::string& fingerprint, double seconds)> built) {
  parts_->store.on_built(std::move(built));
}

std::unique_ptr<Retriever> KnowledgeBase::open(const RetrievalConfig& config) {
  return catalog_.retrievers.build(config.retriever, {*this, config});
}

std::vector<KnowledgeBaseStage> KnowledgeBase::stages(const RetrievalConfig& config) const {
  std::vector<KnowledgeBaseStage> stages;
  const auto add_stage = [&stages](const KnowledgeBaseStage& stage) {
    const auto is_same = [&stage](const KnowledgeBaseStage& known) {
      return known.fingerprint == stage.fingerprint;
    };
    if (std::none_of(stages.begin(), stages.end(), is_same)) {
      stages.push_back(stage);
    }
  };
  // Returns the stage's fingerprint, the parent of what is made from it.
  const auto add = [&](const Artifact& artifact, const std::string& parent) {
    add_stage({artifact.kind, artifact.fingerprint, parts_->store.has(artifact), parent,
               artifact.parameters});
    return artifact.fingerprint;
  };
  const auto add_chunks = [&](const Json& chunker) {
    const std::string distances =
        chunker.contains("embedder") ? add(parts_->distances_artifact(chunker), "") : "";
    return add(parts_->chunks_artifact(chunker), distances);
  };
  const auto add_vectors = [&](const Json& chunker, const std::string& chunks) {
    const std::string model = add(parts_->embedder_artifact(chunker, config.embedder), chunks);
    return add(parts_->vectors_artifact(chunker, config.embedder), model);
  };
  if (config.retriever.contains("parts")) {
    for (const Json& part : config.retriever.at("parts")) {
      for (const KnowledgeBaseStage& stage :
           this->stages({part, config.chunker, config.embedder, config.index})) {
        add_stage(stage);
      }
    }
    if (config.retriever.contains("lambda")) {
      add_vectors(config.chunker, parts_->chunks_artifact(config.chunker).fingerprint);
    }
    return stages;
  }
  Options options(config.retriever, "retriever");
  const std::vector<std::string>& sections = catalog_.retrievers.entry_for(options).sections;
  const auto reads = [&sections](std::string_view section) {
    return std::find(sections.begin(), sections.end(), section) != sections.end();
  };
  const Json chunker = reads("chunker") ? config.chunker : document_chunker_config();
  const std::string chunks = add_chunks(chunker);
  if (config.retriever.contains("analyzer")) {
    add(parts_->bm25_artifact(chunker, read_analyzer_options(options)), chunks);
  }
  const std::string vectors = reads("embedder") ? add_vectors(chunker, chunks) : "";
  if (reads("index")) {
    add(parts_->index_artifact(chunker, config.embedder, config.index), vectors);
  }
  return stages;
}

std::string KnowledgeBase::fingerprint(const RetrievalConfig& config) const {
  FingerprintBuilder builder("retrieval", kRetrievalVersion);
  builder.add(decisive_options(catalog_, config.retriever).dump());
  for (const KnowledgeBaseStage& stage : stages(config)) {
    builder.add(stage.fingerprint);
    if (stage.kind == "index") {
      if (const Json searched = search_options(config.index); !searched.empty()) {
        builder.add(searched.dump());
      }
    }
  }
  return builder.hex_digest();
}

const SentenceDistances& KnowledgeBase::distances(const Json& chunker) {
  const Artifact artifact = parts_->distances_artifact(chunker);
  return cached(parts_->distances, artifact.fingerprint, [&] {
    const Build build = [&](const std::filesystem::path& folder) {
      const SentenceDistances built = SentenceDistances::build(
          corpus_, chunker.at("embedder"), chunker.at("buffer").get<std::size_t>(), catalog_,
          parts_->store.unfinished_folder(artifact), executor_);
      built.save(folder / kDistancesFile);
      return std::to_string(built.sentence_count()) + " sentences";
    };
    return open_artifact(parts_->store, artifact, build, [&](const std::filesystem::path& folder) {
      return SentenceDistances::load(corpus_, folder / kDistancesFile);
    });
  });
}

const ChunkTable& KnowledgeBase::chunks(const Json& chunker) {
  const Artifact artifact = parts_->chunks_artifact(chunker);
  return *cached(parts_->chunk_tables, artifact.fingerprint, [&] {
    if (corpus_.size() == 0) {
      throw Error(ErrorCode::kInvalidData, "the corpus is empty: it has no document");
    }
    const Build build = [&](const std::filesystem::path& folder) {
      const std::unique_ptr<Chunker> cutting = catalog_.chunkers.build(chunker);
      if (chunker.contains("embedder")) {
        cutting->use_distances(distances(chunker));
      }
      const ChunkTable table = ChunkTable::build(corpus_, *cutting, executor_);
      if (table.size() == 0) {
        throw Error(ErrorCode::kInvalidData,
                    "chunker " + chunker.dump() + " makes no chunk of the " +
                        std::to_string(corpus_.size()) + " documents of the corpus");
      }
      table.save(folder / kChunksFile);
      return std::to_string(table.size()) + " chunks of " + std::to_string(corpus_.size()) +
             " documents";
    };
    return open_artifact(parts_->store, artifact, build, [&](const std::filesystem::path& folder) {
      return std::make_unique<ChunkTable>(ChunkTable::load(corpus_, folder / kChunksFile));
    });
  });
}

const Bm25Index& KnowledgeBase::bm25(const Json& chunker, const Bm25Options& options) {
  const ChunkTable& table = chunks(chunker);
  const Artifact artifact = parts_->bm25_artifact(chunker, options.analyzer);
  const Analyzer& analyzer = *cached(parts_->analyzers, analyzer_fingerprint(options.analyzer),
                                     [&] { return std::make_unique<Analyzer>(options.analyzer); });
  const Postings& postings = *cached(parts_->postings, artifact.fingerprint, [&] {
    const Build build = [&](const std::filesystem::path& folder) {
      const Postings built = Postings::build(table, analyzer, executor_);
      built.save(folder / kPostingsFile);
      return std::to_string(built.word_count()) + " words, " + std::to_string(built.size()) +
             " postings";
    };
    return open_artifact(parts_->store, artifact, build, [&](const std::filesystem::path& folder) {
      return std::make_unique<Postings>(Postings::load(table, folder / kPostingsFile));
    });
  });
  const std::string key = artifact.fingerprint + Json{options.k1, options.b}.dump();
  return *cached(parts_->bm25_indexes, key, [&] {
    return std::make_unique<Bm25Index>(postings, analyzer, options, executor_);
  });
}

const Embedder& KnowledgeBase::embedder(const Json& chunker, const Json& embedder) {
  const ChunkTable& table = chunks(chunker);
  const Artifact artifact = parts_->embedder_artifact(chunker, embedder);
  return *cached(parts_->embedders, artifact.fingerprint, [&] {
    const Build build = [&](const std::filesystem::path& folder) {
      const std::unique_ptr<Embedder> learned = catalog_.embedders.build(
          embedder, {.chunks = table, .folder = folder, .learn = true, .executor = executor_});
      return std::to_string(learned->dimension()) + " dimensions";
    };
    return open_artifact(parts_->store, artifact, build, [&](const std::filesystem::path& folder) {
      return catalog_.embedders.build(
          embedder, {.chunks = table, .folder = folder, .learn = false, .executor = executor_});
    });
  });
}

std::span<const float> KnowledgeBase::vectors(const Json& chunker, const Json& embedder) {
  const ChunkTable& table = chunks(chunker);
  const Embedder& model = this->embedder(chunker, embedder);
  const Artifact artifact = parts_->vectors_artifact(chunker, embedder);
  const VectorsFile& file = cached(parts_->vectors, artifact.fingerprint, [&] {
    const Build build = [&](const std::filesystem::path& folder) {
      if (catalog_.embedders.entries().at(embedder.at("type").get<std::string>()).costly) {
        write_costly_vectors(table, model, folder / kVectorsFile,
                             parts_->store.unfinished_folder(artifact), executor_);
      } else {
        write_vectors(table, model, folder / kVectorsFile, executor_);
      }
      return std::to_string(table.size()) + " x " + std::to_string(model.dimension());
    };
    return open_artifact(parts_->store, artifact, build, [&](const std::filesystem::path& folder) {
      return VectorsFile(folder / kVectorsFile, table.size() * model.dimension());
    });
  });
  return file.values();
}

const VectorIndex& KnowledgeBase::index(const Json& chunker, const Json& embedder,
                                        const Json& index) {
  const std::span<const float> rows = vectors(chunker, embedder);
  const std::size_t dimension = this->embedder(chunker, embedder).dimension();
  const Artifact artifact = parts_->index_artifact(chunker, embedder, index);
  const std::string key = artifact.fingerprint + search_options(index).dump();
  return *cached(parts_->indexes, key, [&] {
    const Build build = [&](const std::filesystem::path& folder) {
      const std::unique_ptr<VectorIndex> built = catalog_.indexes.build(index);
      built->build(rows, dimension, executor_);
      built->save(folder);
      return index.at("type").get<std::string>();
    };
    return open_artifact(parts_->store, artifact, build, [&](const std::filesystem::path& folder) {
      std::unique_ptr<VectorIndex> loaded = catalog_.indexes.build(index);
      loaded->load(folder, rows, dimension);
      return loaded;
    });
  });
}

Json document_chunker_config() {
  return {{"type", "document"}};
}

}  // namespace crudbench
