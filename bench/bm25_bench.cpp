// Speed of BM25 on one core, in CPU time, over chunks of 128 characters and jieba's words: queries
// a second of Bm25Searcher with each instruction set of the machine, and of two peers that search
// the same postings for the same words in the same call: the plain accumulator loop over impacts
// computed beforehand, and Xapian, where CMake found it (Debian: libxapian-dev). Queries are the
// beginnings of documents, each word once; cutting them into words is not counted.
//
//   crudbench_bm25_bench CORPUS_FOLDER [DOCUMENTS [QUERIES]]
//
// DOCUMENTS (default: all) takes as many, spread over the corpus; Xapian needs minutes for 400,000
// chunks. The best of several rounds counts; ratios are what to quote. Exits with 1 if the searches
// do not agree to the last bit.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "datasets/corpus_files.h"
#include "harness/core/catalog.h"
#include "harness/text/utf8.h"
#include "retrievers/best_hits.h"
#include "retrievers/bm25_index.h"
#include "retrievers/chunkers/builtin_chunkers.h"
#ifdef CRUDBENCH_WITH_XAPIAN
#include "bench/xapian_peer.h"
#endif

namespace {

using namespace crudbench;  // A program, not a header.

constexpr int kRounds = 9;
constexpr std::size_t kTopK = 8;
constexpr Bm25Options kOptions;

using WordQuery = std::vector<QueryWord>;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double megabytes(std::size_t bytes) {
  return static_cast<double>(bytes) / 1e6;
}

double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0 / 1e6;
}

/// The loop that a first implementation of BM25 has: all impacts as floats beside the postings, all
/// scores of a window of chunks in double precision.
class PlainLoop {
 public:
  PlainLoop(const Postings& postings, const Bm25Weights& weights)
      : postings_(postings), impacts_(postings.size()), scores_(kWindowChunks) {
    for (WordIndex word = 0; word < postings.word_count(); ++word) {
      for (std::uint64_t p = postings.begin(word); p < postings.end(word); ++p) {
        impacts_[p] = weights.impact(word, postings.chunks()[p], postings.frequencies()[p]);
      }
    }
  }

  std::vector<Hit> search(const WordQuery& query) {
    struct Cursor {
      const ChunkIndex* chunk;
      const ChunkIndex* end;
      const float* impact;
    };
    std::vector<Cursor> cursors;
    for (const QueryWord& word : query) {
      cursors.push_back({.chunk = postings_.chunks().data() + postings_.begin(word.word),
                         .end = postings_.chunks().data() + postings_.end(word.word),
                         .impact = impacts_.data() + postings_.begin(word.word)});
    }
    BestHits best(kTopK);
    for (std::size_t first = 0; first < postings_.chunk_count(); first += kWindowChunks) {
      const std::size_t last = first + kWindowChunks;
      std::fill(scores_.begin(), scores_.end(), 0.0);
      for (Cursor& cursor : cursors) {
        const ChunkIndex* chunk = cursor.chunk;
        const float* impact = cursor.impact;
        for (; chunk != cursor.end && *chunk < last; ++chunk, ++impact) {
          scores_[*chunk - first] += static_cast<double>(*impact);
        }
        cursor.chunk = chunk;
        cursor.impact = impact;
      }
      for (std::size_t begin = 0; begin < kWindowChunks; begin += kGroup) {
        const double threshold = best.threshold();
        bool any = false;
        for (std::size_t i = begin; i < begin + kGroup; ++i) {
          any |= scores_[i] > threshold;
        }
        for (std::size_t i = begin; any && i < begin + kGroup; ++i) {
          best.offer(static_cast<ChunkIndex>(first + i), scores_[i]);
        }
      }
    }
    return std::move(best).take();
  }

 private:
  static constexpr std::size_t kWindowChunks = 16384;
  static constexpr std::size_t kGroup = 8;

  const Postings& postings_;
  std::vector<float> impacts_;  // [posting]
  std::vector<double> scores_;  // [chunk of the window]
};

/// `count` documents, spread over the corpus.
Corpus sample_of(const Corpus& corpus, std::size_t count) {
  Corpus sample;
  const std::uint32_t file = sample.add_file("sample");
  for (std::size_t i = 0; i < count; ++i) {
    const auto document = static_cast<DocumentIndex>(i * corpus.size() / count);
    sample.add(file, static_cast<std::uint32_t>(i + 1), corpus.text(document));
  }
  return sample;
}

/// The words, each once, in the first `size_chars` characters of `count` documents.
std::vector<WordQuery> make_queries(const Corpus& corpus, const Postings& postings,
                                    const Analyzer& analyzer, std::size_t count,
                                    std::size_t size_chars) {
  WordReader reader(analyzer);
  std::vector<WordQuery> queries(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view text =
        corpus.text(static_cast<DocumentIndex>(i * corpus.size() / count));
    const std::vector<std::uint32_t> offsets = code_point_offsets(text);
    std::vector<WordIndex> words;
    for (const std::string_view word :
         reader.words(text.substr(0, offsets[std::min(size_chars, offsets.size() - 1)]))) {
      if (const auto known = postings.find(word)) {
        words.push_back(*known);
      }
    }
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    for (const WordIndex word : words) {
      queries[i].push_back({.word = word});
    }
  }
  return queries;
}

struct System {
  std::string name;
  std::function<std::vector<Hit>(const WordQuery& query)> search;
  bool is_exact = true;  ///< Must give the same hits as the first system.
  int rounds = kRounds;
  double best_seconds = std::numeric_limits<double>::infinity();
  std::vector<std::vector<Hit>> hits;
};

void describe(const std::vector<WordQuery>& queries, const Postings& postings) {
  std::size_t words = 0;
  std::uint64_t query_postings = 0;
  for (const WordQuery& query : queries) {
    words += query.size();
    for (const QueryWord& word : query) {
      query_postings += postings.end(word.word) - postings.begin(word.word);
    }
  }
  const auto count = static_cast<double>(queries.size());
  std::printf("%zu queries, mean of words %.1f, of postings %.0f; best of %d rounds\n",
              queries.size(), static_cast<double>(words) / count,
              static_cast<double>(query_postings) / count, kRounds);
}

/// The share of the best hits of `expected` that `found` has as well.
double overlap(const std::vector<std::vector<Hit>>& expected,
               const std::vector<std::vector<Hit>>& found) {
  std::size_t common = 0;
  std::size_t all = 0;
  for (std::size_t query = 0; query < expected.size(); ++query) {
    all += expected[query].size();
    for (const Hit& hit : expected[query]) {
      common += std::any_of(found[query].begin(), found[query].end(),
                            [&](const Hit& other) { return other.chunk == hit.chunk; })
                    ? 1
                    : 0;
    }
  }
  return static_cast<double>(common) / static_cast<double>(all);
}

/// False if a search that must agree with the first does not.
bool compare(std::vector<System>& systems, const std::vector<WordQuery>& queries) {
  for (System& system : systems) {
    system.best_seconds = std::numeric_limits<double>::infinity();
  }
  for (int round = 0; round < kRounds; ++round) {
    for (System& system : systems) {
      if (round >= system.rounds) {
        continue;
      }
      system.hits.clear();
      const double start = cpu_seconds();
      for (const WordQuery& query : queries) {
        system.hits.push_back(system.search(query));
      }
      system.best_seconds = std::min(system.best_seconds, cpu_seconds() - start);
    }
  }
  bool agree = true;
  for (const System& system : systems) {
    const bool same = system.hits == systems.front().hits;
    agree = agree && (same || !system.is_exact);
    std::printf("  %-22s %9.1f queries/s   1/%-7.2f overlap@8 %.3f%s\n", system.name.c_str(),
                static_cast<double>(queries.size()) / system.best_seconds,
                system.best_seconds / systems.front().best_seconds,
                overlap(systems.front().hits, system.hits),
                same || !system.is_exact ? "" : "  DIFFERS");
  }
  return agree;
}

int run(const std::filesystem::path& corpus_folder, std::optional<std::size_t> document_count,
        std::size_t query_count) {
  SerialExecutor executor;
  Corpus corpus = read_corpus_files(corpus_folder, executor).corpus;
  if (document_count && *document_count < corpus.size()) {
    corpus = sample_of(corpus, *document_count);
  }
  Catalog catalog;
  add_builtin_chunkers(catalog);
  const ChunkTable chunks = ChunkTable::build(
      corpus,
      *catalog.chunkers.build(catalog.chunkers.resolve(
          {{"type", "fixed"}, {"size", 128}, {"unit", "characters"}}, "bench", "")),
      executor);
  const Analyzer analyzer(kOptions.analyzer);
  const Postings postings = Postings::build(chunks, analyzer, executor);
  std::printf("%zu documents, %zu chunks, %zu words, %.2f M postings\n", corpus.size(),
              chunks.size(), postings.word_count(), static_cast<double>(postings.size()) / 1e6);

  const double peak_before = peak_megabytes();
  const double start = cpu_seconds();
  const Bm25Index index(postings, analyzer, kOptions, executor);
  std::printf("index from postings: %.2f s, %.0f MB; peak of the process %.0f MB before, %.0f MB\n",
              cpu_seconds() - start, megabytes(index.size_bytes()), peak_before, peak_megabytes());

  std::vector<System> systems;
  std::vector<std::unique_ptr<Bm25Searcher>> searchers;
  const auto add_searcher = [&](const std::string& name,
                                const std::optional<ImpactKernels>& kernels) {
    searchers.push_back(std::make_unique<Bm25Searcher>(index, kernels));
    systems.push_back({name, [&searcher = *searchers.back()](const WordQuery& query) {
                         return searcher.search(query, kTopK);
                       }});
  };
  for (const ImpactKernels& kernels : supported_impact_kernels()) {
    add_searcher(std::string("crudbench, ") + kernels.name, kernels);
  }
  PlainLoop plain_loop(postings, Bm25Weights(postings, kOptions.k1, kOptions.b));
  systems.push_back(
      {"plain loop", [&](const WordQuery& query) { return plain_loop.search(query); }});
  add_searcher("crudbench, fallback", std::nullopt);

#ifdef CRUDBENCH_WITH_XAPIAN
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("crudbench_xapian_" + std::to_string(::getpid()));
  const double xapian_start = cpu_seconds();
  const bench::XapianPeer xapian(postings, folder);
  std::printf("Xapian's database: %.1f s\n", cpu_seconds() - xapian_start);
  systems.push_back({.name = "Xapian",
                     .search =
                         [&](const WordQuery& query) {
                           std::vector<Hit> hits;
                           for (const ChunkIndex chunk :
                                xapian.search(query, kTopK, kOptions.k1, kOptions.b)) {
                             hits.push_back({.chunk = chunk});
                           }
                           return hits;
                         },
                     .is_exact = false,
                     .rounds = 1});
#else
  std::printf(
      "Xapian was not found by CMake: install Debian's libxapian-dev and configure again\n");
#endif

  bool agree = true;
  for (const std::size_t size_chars : {std::size_t{85}, std::size_t{200}}) {
    std::printf("\nfirst %zu characters: ", size_chars);
    const std::vector<WordQuery> queries =
        make_queries(corpus, postings, analyzer, query_count, size_chars);
    describe(queries, postings);
    agree = compare(systems, queries) && agree;
  }
#ifdef CRUDBENCH_WITH_XAPIAN
  std::filesystem::remove_all(folder);
#endif
  return agree ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER [DOCUMENTS [QUERIES]]\n", argv[0]);
    return 2;
  }
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    const auto number = [](const char* text) {
      return static_cast<std::size_t>(std::strtoul(text, nullptr, 10));
    };
    constexpr std::size_t kQueries = 300;
    return run(argv[1], argc > 2 ? std::optional(number(argv[2])) : std::nullopt,
               argc > 3 ? number(argv[3]) : kQueries);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
