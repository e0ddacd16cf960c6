// Recall, latency, build time and size of every vector index over the vectors of a corpus, and what
// batches of the flat index and hnswlib's graph cost beside FAISS called bare.
//
//   crudbench_index_bench CORPUS_FOLDER WORK_FOLDER [THREADS [LIMIT [flat|peer|curves]]]
//
// Without the last word all three parts run. With one thread graphs and curves are measured in CPU
// seconds. The vectors are those of the LSA embedder (256
// dimensions) over chunks of 128 tokens; LIMIT takes the first ones only. Queries are the first 60
// characters of 1,000 documents spread over the corpus. WORK_FOLDER keeps chunks and vectors;
// indexes are built anew.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/utils/distances.h>
#include <numeric>
#include <omp.h>
#include <string>

#include "datasets/corpus_files.h"
#include "harness/core/catalog.h"
#include "harness/text/utf8.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "retrievers/knowledge_base.h"
#include "tests/fakes/thread_pool_executor.h"

namespace crudbench {

namespace {

constexpr std::size_t kTopK = 8;
constexpr int kRounds = 3;

using Hits = std::vector<std::vector<Neighbor>>;

enum class Seconds { kWall, kCpu };

template <class Step>
double seconds_of(const Step& step, Seconds seconds = Seconds::kWall) {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t cpu_start = std::clock();
  step();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const double cpu = static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
  return seconds == Seconds::kWall ? wall.count() : cpu;
}

/// The best of some rounds, which says what the code costs and not what else the machine did.
template <class Step>
double best_seconds_of(const Step& step, Seconds seconds = Seconds::kWall) {
  double best = seconds_of(step, seconds);
  for (int round = 1; round < kRounds; ++round) {
    best = std::min(best, seconds_of(step, seconds));
  }
  return best;
}

/// On one thread what other jobs take of the machine can be left out.
Seconds seconds_on(const Executor& executor) {
  return executor.concurrency() == 1 ? Seconds::kCpu : Seconds::kWall;
}

double recall(const Hits& found, const Hits& expected) {
  std::size_t shared = 0;
  std::size_t wanted = 0;
  for (std::size_t query = 0; query < expected.size(); ++query) {
    wanted += expected[query].size();
    for (const Neighbor& neighbor : expected[query]) {
      shared += static_cast<std::size_t>(
          std::count_if(found[query].begin(), found[query].end(),
                        [&](const Neighbor& other) { return other.row == neighbor.row; }));
    }
  }
  return static_cast<double>(shared) / static_cast<double>(wanted);
}

/// The first 60 characters of documents spread over the corpus, embedded.
std::vector<float> make_queries(const Corpus& corpus, const Embedder& embedder,
                                Executor& executor) {
  constexpr std::size_t kCount = 1000;
  constexpr std::size_t kChars = 60;
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string_view text =
        corpus.text(static_cast<DocumentIndex>(i * corpus.size() / kCount));
    const std::vector<std::uint32_t> offsets = code_point_offsets(text);
    texts.push_back(text.substr(0, offsets[std::min(kChars, offsets.size() - 1)]));
  }
  std::vector<float> rows(kCount * embedder.dimension());
  embedder.embed(texts, TextRole::kQuery, rows, executor);
  return rows;
}

/// FAISS' own flat index in this process: its batches of 256 and its one-by-one search.
void compare_flat(const VectorIndex& flat, std::span<const float> rows, std::size_t dimension,
                  std::span<const float> queries, Executor& executor) {
  faiss::IndexFlatIP bare(static_cast<faiss::Index::idx_t>(dimension));
  bare.add(static_cast<faiss::Index::idx_t>(rows.size() / dimension), rows.data());
  const std::size_t count = queries.size() / dimension;
  std::vector<float> scores(count * kTopK);
  std::vector<faiss::Index::idx_t> labels(count * kTopK);
  const auto search = [&](std::size_t batch, std::size_t last) {
    omp_set_num_threads(static_cast<int>(executor.concurrency()));
    for (std::size_t first = 0; first < last; first += batch) {
      bare.search(static_cast<faiss::Index::idx_t>(std::min(batch, last - first)),
                  queries.data() + first * dimension, kTopK, scores.data(), labels.data());
    }
  };
  constexpr std::size_t kBatch = 256;
  constexpr std::size_t kFew = 32;
  double ours = 1e9;
  double batched = 1e9;
  for (int round = 0; round < kRounds; ++round) {  // In turns, so that both see the same machine.
    ours = std::min(ours, seconds_of([&] { flat.search(queries, kTopK, executor); }));
    batched = std::min(batched, seconds_of([&] { search(kBatch, count); }));
  }
  faiss::distance_compute_blas_threshold = 20;  // As FAISS comes: one query does not use BLAS.
  const double single = best_seconds_of([&] { search(1, kFew); });
  const auto ms = [](double seconds, std::size_t n) {
    return 1e3 * seconds / static_cast<double>(n);
  };
  std::printf("flat, batches                 %8.3f ms/query\n", ms(ours, count));
  std::printf("bare FAISS, batches of 256    %8.3f ms/query   ours/bare %.3f\n", ms(batched, count),
              ours / batched);
  std::printf("bare FAISS, one by one        %8.3f ms/query   bare/ours %.1f\n", ms(single, kFew),
              ms(single, kFew) / ms(ours, count));
}

/// FAISS' own graph with its own distances, built and searched on one thread.
void measure_bare_hnsw(std::span<const float> rows, std::size_t dimension,
                       std::span<const float> queries, const Hits& expected) {
  constexpr int kLinks = 32;
  const auto count = static_cast<faiss::Index::idx_t>(expected.size());
  omp_set_num_threads(1);
  faiss::IndexHNSWFlat graph(static_cast<int>(dimension), kLinks, faiss::METRIC_INNER_PRODUCT);
  graph.hnsw.efConstruction = 40;
  const double build_seconds = seconds_of(
      [&] { graph.add(static_cast<faiss::Index::idx_t>(rows.size() / dimension), rows.data()); });
  std::printf("bare FAISS HNSW, m 32, ef_construction 40: built in %.1f s\n", build_seconds);
  for (const int ef : {16, 32, 64, 128, 256}) {
    graph.hnsw.efSearch = ef;
    std::vector<float> scores(expected.size() * kTopK);
    std::vector<faiss::Index::idx_t> labels(expected.size() * kTopK);
    const double seconds = best_seconds_of(
        [&] { graph.search(count, queries.data(), kTopK, scores.data(), labels.data()); });
    Hits found(expected.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      found[i / kTopK].push_back({static_cast<std::uint32_t>(labels[i]), scores[i]});
    }
    std::printf("  %-10s %5d   recall@%zu %.4f   %8.3f ms/query\n", "ef_search", ef, kTopK,
                recall(found, expected), 1e3 * seconds / static_cast<double>(expected.size()));
    std::fflush(stdout);
  }
}

std::uintmax_t folder_bytes(const std::filesystem::path& folder) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    bytes += entry.file_size();
  }
  return bytes;
}

/// Builds an index once and searches it under each value of a search option.
void measure(const Catalog& catalog, const Json& options, std::string_view search_option,
             std::initializer_list<int> values, std::span<const float> rows, std::size_t dimension,
             std::span<const float> queries, const Hits& expected,
             const std::filesystem::path& folder, Executor& executor) {
  const auto make = [&](const Json& value) {
    return catalog.indexes.build(catalog.indexes.resolve(value, "bench", ""));
  };
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::unique_ptr<VectorIndex> built = make(options);
  const double build_seconds =
      seconds_of([&] { built->build(rows, dimension, executor); }, seconds_on(executor));
  built->save(folder);
  std::printf("%s: built in %.1f s, %.1f MB\n", options.dump().c_str(), build_seconds,
              1e-6 * static_cast<double>(folder_bytes(folder)));
  for (const int value : values) {
    Json searching = options;
    searching[std::string(search_option)] = value;
    const std::unique_ptr<VectorIndex> index = make(searching);
    const double load_seconds = seconds_of([&] { index->load(folder, rows, dimension); });
    Hits found;
    const double seconds = best_seconds_of([&] { found = index->search(queries, kTopK, executor); },
                                           seconds_on(executor));
    std::printf("  %-10s %5d   recall@%zu %.4f   %8.3f ms/query   loaded in %.2f s\n",
                std::string(search_option).c_str(), value, kTopK, recall(found, expected),
                1e3 * seconds / static_cast<double>(expected.size()), load_seconds);
    std::fflush(stdout);
  }
}

int run(const std::filesystem::path& corpus_folder, const std::filesystem::path& work_folder,
        std::size_t threads, std::size_t limit, std::string_view part) {
  testing_support::ThreadPoolExecutor executor(threads);
  const CorpusFiles files = read_corpus_files(corpus_folder, executor);
  Catalog catalog;
  add_builtin_chunkers(catalog);
  add_builtin_embedders(catalog);
  add_builtin_indexes(catalog);
  KnowledgeBase base(work_folder, files.corpus, fingerprint_of(files.corpus, executor), catalog,
                     executor);
  const Json chunker = catalog.chunkers.resolve({{"type", "sentence"}, {"size", 128}}, "bench", "");
  const Json lsa = catalog.embedders.resolve({{"type", "lsa"}}, "bench", "");
  const Embedder& embedder = base.embedder(chunker, lsa);
  const std::size_t dimension = embedder.dimension();
  std::span<const float> rows = base.vectors(chunker, lsa);
  rows = rows.first(std::min(rows.size(), limit * dimension));
  const std::vector<float> queries = make_queries(files.corpus, embedder, executor);
  std::printf("%zu rows of %zu dimensions, %zu queries, %zu threads\n", rows.size() / dimension,
              dimension, queries.size() / dimension, threads);

  const std::unique_ptr<VectorIndex> flat =
      catalog.indexes.build(catalog.indexes.resolve({{"type", "flat"}}, "bench", ""));
  flat->build(rows, dimension, executor);
  const Hits expected = flat->search(queries, kTopK, executor);
  const auto is_wanted = [part](std::string_view name) { return part.empty() || part == name; };
  if (is_wanted("flat")) {
    compare_flat(*flat, rows, dimension, queries, executor);
  }
  const auto curve = [&](const Json& options, std::string_view search_option,
                         std::initializer_list<int> values) {
    measure(catalog, options, search_option, values, rows, dimension, queries, expected,
            work_folder / "bench_index", executor);
  };
  if (is_wanted("peer")) {
    measure_bare_hnsw(rows, dimension, queries, expected);
    curve({{"type", "hnswlib"}, {"m", 32}, {"ef_construction", 40}}, "ef_search",
          {16, 32, 64, 128, 256});
  }
  if (!is_wanted("curves")) {
    return 0;
  }
  curve({{"type", "sq8"}}, "rerank", {8, 32, 128});
  curve({{"type", "ivf_flat"}}, "probes", {4, 8, 16, 32, 64, 128});
  curve({{"type", "ivf_pq"}}, "probes", {8, 32, 128});
  curve({{"type", "ivf_pq"}, {"probes", 64}}, "rerank", {32, 128, 512});
  curve({{"type", "hnswlib"}, {"ef_construction", 100}}, "ef_search", {16, 32, 64, 128, 256});
  curve({{"type", "hnsw"}, {"ef_construction", 100}}, "ef_search", {16, 32, 64, 128, 256});
  return 0;
}

}  // namespace

}  // namespace crudbench

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: %s CORPUS_FOLDER WORK_FOLDER [THREADS [LIMIT [flat|peer|curves]]]\n",
                 argv[0]);
    return 2;
  }
  const auto number = [&](int position, unsigned long otherwise) {
    return argc > position ? std::strtoul(argv[position], nullptr, 10) : otherwise;
  };
  try {
    return crudbench::run(argv[1], argv[2], number(3, 2), number(4, 1'000'000'000),
                          argc > 5 ? argv[5] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
