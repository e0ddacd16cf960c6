#include "retrievers/impact_index.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/random.h"
#include "retrievers/bm25_index.h"
#include "retrievers/bm25_plain_search.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::make_chunker;
using testing_support::make_corpus;

/// A corpus of one-chunk documents, whose words are single characters.
class Index {
 public:
  explicit Index(const std::vector<std::string>& documents, double k1 = 1.2, double b = 0.75,
                 std::size_t threads = 1)
      : executor_(threads),
        analyzer_({.name = "unigram"}),
        corpus_(make_corpus(documents)),
        table_(ChunkTable::build(corpus_, *make_chunker({{"type", "document"}}), executor_)),
        postings_(Postings::build(table_, analyzer_, executor_)),
        weights_(postings_, k1, b),
        impacts_(postings_, weights_, executor_),
        bm25_(postings_, analyzer_, {.analyzer = {.name = "unigram"}, .k1 = k1, .b = b},
              executor_) {}

  /// The hits that every set of kernels finds, which must be those of the plain search.
  std::vector<Hit> search(std::string_view query, std::size_t top_k) const {
    const std::vector<Hit> expected = Bm25Searcher(bm25_, std::nullopt).search(query, top_k);
    for (const ImpactKernels& kernels : supported_impact_kernels()) {
      EXPECT_EQ(Bm25Searcher(bm25_, kernels).search(query, top_k), expected)
          << kernels.name << ", top_k " << top_k << ", query " << query.substr(0, 100);
    }
    return expected;
  }

  /// Up to which chunk the impacts alone find the hits.
  ChunkIndex searched_chunks(const std::vector<QueryWord>& query, std::size_t top_k) const {
    ImpactIndex::Buffers buffers;
    BestHits best(top_k);
    return impacts_.search(query, supported_impact_kernels().front(), buffers, best);
  }

  const Postings& postings() const { return postings_; }
  const Bm25Weights& weights() const { return weights_; }

 private:
  testing_support::ThreadPoolExecutor executor_;
  Analyzer analyzer_;
  Corpus corpus_;
  ChunkTable table_;
  Postings postings_;
  Bm25Weights weights_;
  ImpactIndex impacts_;
  Bm25Index bm25_;
};

/// The character number `letter` from 一 on.
std::string letter_of(std::size_t letter) {
  const std::size_t code_point = 0x4E00 + letter;
  return {static_cast<char>(0xE0 | (code_point >> 12)),
          static_cast<char>(0x80 | ((code_point >> 6) & 0x3F)),
          static_cast<char>(0x80 | (code_point & 0x3F))};
}

/// `size` letters of an alphabet of `letters`, the first far more likely than the last.
std::string random_text(Random& random, std::size_t letters, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += letter_of(random.below(1 + random.below(1 + random.below(letters))));
  }
  return text;
}

/// Every fourth document repeats an earlier one, and some have no words.
std::vector<std::string> random_documents(Random& random, std::size_t count, std::size_t letters,
                                          std::size_t largest_size) {
  std::vector<std::string> documents;
  while (documents.size() < count) {
    documents.push_back(!documents.empty() && random.below(4) == 0
                            ? documents[random.below(documents.size())]
                            : "。" + random_text(random, letters, random.below(largest_size + 1)));
  }
  return documents;
}

TEST(ImpactIndex, FindsWhatThePlainSearchFindsInAnyCorpus) {
  Random random(11);
  for (const std::size_t count : {1, 2, 127, 128, 129, 700}) {
    for (const std::size_t letters : {1, 3, 40, 2000}) {
      const Index index(random_documents(random, count, letters, 25));
      for (const std::size_t size : {0, 1, 2, 7, 30, 300}) {
        const std::string query = random_text(random, letters + 2, size);  // unknown ones as well
        for (const std::size_t top_k : {std::size_t{0}, std::size_t{1}, std::size_t{8}, count}) {
          index.search(query, top_k);
        }
      }
    }
  }
}

TEST(ImpactIndex, FindsWhatThePlainSearchFindsWithAnyWeights) {
  Random random(12);
  const std::vector<std::string> documents = random_documents(random, 500, 60, 40);
  for (const double k1 : {0.0, 1e-9, 1.2, 1000.0}) {
    for (const double b : {0.0, 0.75, 1.0}) {
      const Index index(documents, k1, b);
      for (int i = 0; i < 20; ++i) {
        index.search(random_text(random, 60, 1 + random.below(20)), 1 + random.below(20));
      }
    }
  }
}

TEST(ImpactIndex, FindsWhatThePlainSearchFindsInManyWindowsOfChunks) {
  Random random(13);
  const Index index(random_documents(random, 70'000, 3000, 12));
  for (const std::size_t top_k : {1, 8, 1000, 70'000}) {
    for (int i = 0; i < 10; ++i) {
      index.search(random_text(random, 3000, 1 + random.below(40)), top_k);
    }
  }
}

TEST(ImpactIndex, FindsTheFirstOfManyEqualChunks) {
  std::vector<std::string> documents(1000, "台风登陆");
  documents[0] = "股票";
  const std::vector<Hit> hits = Index(documents).search("台风", 3);
  ASSERT_EQ(hits.size(), 3U);
  for (ChunkIndex i = 0; i < 3; ++i) {
    EXPECT_EQ(hits[i].chunk, i + 1);
    EXPECT_EQ(hits[i].score, hits[0].score);
  }
}

TEST(ImpactIndex, CountsRepeatedWords) {
  Random random(14);
  const Index index(random_documents(random, 600, 50, 20));
  for (const std::size_t repetitions : {2, 4, 5, 200, 255, 256, 257, 70'000}) {
    for (const std::size_t letter : {0, 5, 49}) {  // of the most frequent, of the rarest
      std::string query = random_text(random, 50, 3);
      for (std::size_t i = 0; i < repetitions; ++i) {
        query += letter_of(letter);
      }
      index.search(query, 8);
    }
  }
}

TEST(ImpactIndex, TakesAQueryOf100kCharacters) {
  Random random(15);
  const Index index(random_documents(random, 2000, 1500, 60));
  index.search(random_text(random, 1500, 100'000), 8);
}

TEST(ImpactIndex, DoesNotDependOnTheNumberOfThreads) {
  Random random(16);
  const std::vector<std::string> documents = random_documents(random, 9000, 6000, 30);
  const Index one(documents);
  const Index many(documents, 1.2, 0.75, 4);
  for (int i = 0; i < 30; ++i) {
    const std::string query = random_text(random, 6000, 1 + random.below(30));
    EXPECT_EQ(one.search(query, 8), many.search(query, 8));
  }
}

TEST(ImpactIndex, SearchesOrdinaryQueriesToTheEnd) {
  Random random(17);
  const Index index(random_documents(random, 40'000, 3000, 20));
  const std::vector<QueryWord> query{{.word = 1}, {.word = 70, .occurrences = 2}, {.word = 900}};
  EXPECT_EQ(index.searched_chunks(query, 8), 40'000U);
}

TEST(ImpactIndex, LeavesQueriesWhoseSumsMightOverflowToThePlainSearch) {
  const Index index({"台风登陆", "股票上涨"});
  // The words have one impact, which is level 255: 257 of them are 65,535.
  EXPECT_EQ(index.searched_chunks({{.word = 0, .occurrences = 257}}, 8), 2U);
  EXPECT_EQ(index.searched_chunks({{.word = 0, .occurrences = 258}}, 8), 0U);
}

TEST(ImpactIndex, LeavesTheRestToThePlainSearchWhereManyChunksAreHits) {
  Random random(18);
  const Index index(random_documents(random, 40'000, 100, 20));
  const std::vector<QueryWord> query{{.word = 0}, {.word = 1}};
  const ChunkIndex searched = index.searched_chunks(query, 40'000);
  EXPECT_GT(searched, 0U);
  EXPECT_LT(searched, 40'000U);
}

/// The definition, chunk by chunk: shares in the order of the words, then the order of hits.
TEST(PlainSearch, AddsTheSharesInTheOrderOfTheWords) {
  Random random(19);
  const Index index(random_documents(random, 300, 40, 30));
  const Postings& postings = index.postings();
  std::vector<QueryWord> query;
  for (WordIndex word = 0; word < 20; ++word) {
    query.push_back({.word = word, .occurrences = 1 + word % 3});
  }
  std::vector<Hit> expected;
  for (ChunkIndex chunk = 0; chunk < postings.chunk_count(); ++chunk) {
    double score = 0.0;
    for (const QueryWord& word : query) {
      for (std::uint64_t p = postings.begin(word.word); p < postings.end(word.word); ++p) {
        if (postings.chunks()[p] == chunk) {
          score += word.occurrences * static_cast<double>(index.weights().impact(
                                          word.word, chunk, postings.frequencies()[p]));
        }
      }
    }
    if (score > 0.0) {
      expected.push_back({chunk, score});
    }
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const Hit& left, const Hit& right) { return left.score > right.score; });
  for (const ChunkIndex first : {0, 1, 150}) {
    BestHits best(10);
    search_plainly(postings, index.weights(), query, first, best);
    std::vector<Hit> rest;
    std::copy_if(expected.begin(), expected.end(), std::back_inserter(rest),
                 [&](const Hit& hit) { return hit.chunk >= first; });
    rest.resize(10);
    EXPECT_EQ(std::move(best).take(), rest);
  }
}

}  // namespace
}  // namespace crudbench
