// Time and memory of a knowledge base over a corpus folder, stage by stage, and of 1,000 queries.
//
//   crudbench_kb_bench CORPUS_FOLDER WORK_FOLDER [THREADS]
//
// Queries are the first 60 characters of 1,000 documents spread over the corpus. WORK_FOLDER keeps
// the artifacts; remove it to measure building again.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/resource.h>

#include "datasets/corpus_files.h"
#include "harness/core/catalog.h"
#include "harness/text/utf8.h"
#include "retrievers/bm25_index.h"
#include "retrievers/builtin_retrievers.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#include "retrievers/embedders/builtin_embedders.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "retrievers/knowledge_base.h"
#include "tests/fakes/thread_pool_executor.h"

namespace crudbench {

namespace {

rusage own_usage() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage;
}

double cpu_seconds(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

template <class Step>
void measure(const std::string& name, const Step& step) {
  const auto start = std::chrono::steady_clock::now();
  const double cpu_start = cpu_seconds(own_usage());
  step();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const rusage usage = own_usage();
  std::printf("%-30s %8.2f s wall %8.2f s cpu   peak %5.0f MB\n", name.c_str(), wall.count(),
              cpu_seconds(usage) - cpu_start, static_cast<double>(usage.ru_maxrss) / 1024.0);
  std::fflush(stdout);
}

/// The first `size_chars` characters of `count` documents.
std::vector<Query> make_queries(const Corpus& corpus, std::size_t count, std::size_t size_chars) {
  std::vector<Query> queries;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view text =
        corpus.text(static_cast<DocumentIndex>(i * corpus.size() / count));
    const std::vector<std::uint32_t> offsets = code_point_offsets(text);
    queries.push_back({.text = text.substr(0, offsets[std::min(size_chars, offsets.size() - 1)])});
  }
  return queries;
}

int run(const std::filesystem::path& corpus_folder, const std::filesystem::path& work_folder,
        std::size_t threads) {
  testing_support::ThreadPoolExecutor executor(threads);
  CorpusFiles files;
  measure("read corpus", [&] { files = read_corpus_files(corpus_folder, executor); });
  const Corpus& corpus = files.corpus;
  std::string fingerprint;
  measure("fingerprint corpus", [&] { fingerprint = fingerprint_of(corpus, executor); });

  Catalog catalog;
  add_builtin_chunkers(catalog);
  add_builtin_embedders(catalog);
  add_builtin_indexes(catalog);
  add_builtin_retrievers(catalog);
  const auto resolve = [](const auto& registry, const Json& value) {
    return registry.resolve(value, "bench", "");
  };
  const Json chunker = resolve(catalog.chunkers, {{"type", "sentence"}, {"size", 128}});
  const Json embedder = resolve(catalog.embedders, {{"type", "lsa"}});
  const Json index = resolve(catalog.indexes, {{"type", "flat"}});

  KnowledgeBase base(work_folder, corpus, fingerprint, catalog, executor);
  const Json characters =
      resolve(catalog.chunkers, {{"type", "fixed"}, {"size", 128}, {"unit", "characters"}});
  measure("128 characters, words, bm25", [&] { base.bm25(characters, {}); });
  measure("chunks: sentence 128 cl100k", [&] { base.chunks(chunker); });
  measure("bm25", [&] { base.bm25(chunker, {}); });
  measure("lsa: learn", [&] { base.embedder(chunker, embedder); });
  measure("lsa: project all chunks", [&] { base.vectors(chunker, embedder); });

  const std::vector<Query> queries = make_queries(corpus, 1000, 60);
  for (const char* type : {"bm25", "dense", "hybrid"}) {
    const std::unique_ptr<Retriever> retriever =
        base.open({.retriever = resolve(catalog.retrievers, {{"type", type}}),
                   .chunker = chunker,
                   .embedder = embedder,
                   .index = index});
    std::size_t hit_count = 0;
    measure(std::string("1000 queries: ") + type, [&] {
      for (const Retrieval& retrieval : retriever->retrieve(queries, 8, executor)) {
        hit_count += retrieval.hits.size();
      }
    });
    std::printf("%-30s %8zu\n", "  hits", hit_count);
  }
  return 0;
}

}  // namespace

}  // namespace crudbench

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER WORK_FOLDER [THREADS]\n", argv[0]);
    return 2;
  }
  try {
    return crudbench::run(argv[1], argv[2], argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 2);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
