#include "retrievers/bm25_index.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "harness/core/files.h"
#include "harness/core/random.h"
#include "retrievers/analyzer.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::make_chunker;
using testing_support::make_corpus;
using testing_support::TemporaryFolder;

/// A corpus of one-chunk documents under BM25.
class Bm25 {
 public:
  explicit Bm25(const std::vector<std::string>& texts, const Bm25Options& options = {})
      : analyzer_(options.analyzer),
        corpus_(make_corpus(texts)),
        table_(ChunkTable::build(corpus_, *make_chunker({{"type", "document"}}), executor_)),
        postings_(Postings::build(table_, analyzer_, executor_)),
        index_(postings_, analyzer_, options, executor_) {}

  std::vector<Hit> search(std::string_view query, std::size_t top_k = 8) {
    return index_.search(std::span(&query, 1), top_k, executor_).front();
  }
  const Postings& postings() const { return postings_; }
  const ChunkTable& table() const { return table_; }
  const Bm25Index& index() const { return index_; }

 private:
  SerialExecutor executor_;
  Analyzer analyzer_;
  Corpus corpus_;
  ChunkTable table_;
  Postings postings_;
  Bm25Index index_;
};

std::vector<ChunkIndex> chunks_of(const std::vector<Hit>& hits) {
  std::vector<ChunkIndex> chunks;
  for (const Hit& hit : hits) {
    chunks.push_back(hit.chunk);
  }
  return chunks;
}

TEST(Bm25Index, ScoresAsWorkedOutByHand) {
  // Words by unigrams; N = 3, lengths 2, 1, 3, average 2.
  Bm25 bm25({"甲乙", "甲", "丙丙乙"}, {.analyzer = {"unigram"}, .k1 = 1.2, .b = 0.75});
  // 甲: df 2, idf ln(1 + 1.5 / 2.5) = 0.4700036. Chunk 0: tf 1, len = avg: 2.2 / 2.2 = 1.
  // Chunk 1: K = 1.2 * (0.25 + 0.75 / 2) = 0.75; 2.2 / 1.75 = 1.2571429; share 0.5908617.
  std::vector<Hit> hits = bm25.search("甲");
  ASSERT_THAT(chunks_of(hits), ElementsAre(1, 0));
  EXPECT_NEAR(hits[0].score, 0.5908617, 1e-6);
  EXPECT_NEAR(hits[1].score, 0.4700036, 1e-6);
  // 丙: df 1, idf ln(1 + 2.5 / 1.5) = 0.9808293. K = 1.2 * (0.25 + 1.125) = 1.65;
  // 2 * 2.2 / 3.65 = 1.2054795; share 1.1823695.
  hits = bm25.search("丙");
  ASSERT_THAT(chunks_of(hits), ElementsAre(2));
  EXPECT_NEAR(hits[0].score, 1.1823695, 1e-6);
}

TEST(Bm25Index, CountsEveryOccurrenceInTheQuery) {
  Bm25 bm25({"甲乙", "甲", "丙丙乙"}, {.analyzer = {"unigram"}});
  EXPECT_DOUBLE_EQ(bm25.search("丙丙丙")[0].score, 3.0 * bm25.search("丙")[0].score);
}

TEST(Bm25Index, ListsEqualScoresInCorpusOrder) {
  Bm25 bm25({"无关", "台风 登陆", "台风 登陆", "台风 登陆", "其他"});
  EXPECT_THAT(chunks_of(bm25.search("台风登陆", 2)), ElementsAre(1, 2));
  EXPECT_THAT(chunks_of(bm25.search("台风登陆", 8)), ElementsAre(1, 2, 3));
}

TEST(Bm25Index, FoldsAsciiLetters) {
  Bm25 bm25({"华为发布 Mate60 手机", "苹果"});
  EXPECT_THAT(chunks_of(bm25.search("MATE60")), ElementsAre(0));
}

TEST(Bm25Index, HasNoHitsForAQueryWithoutKnownWords) {
  Bm25 bm25({"台风登陆"});
  EXPECT_THAT(bm25.search(""), IsEmpty());
  EXPECT_THAT(bm25.search("，。！ "), IsEmpty());
  EXPECT_THAT(bm25.search("股票"), IsEmpty());
}

TEST(Bm25Index, TakesAVeryLongQuery) {
  Bm25 bm25({"台风登陆", "股票上涨"});
  std::string query;
  for (int i = 0; i < 25'000; ++i) {
    query += "台风新闻";
  }
  EXPECT_THAT(chunks_of(bm25.search(query)), ElementsAre(0));
}

/// Documents of random words, the frequent ones far more likely; more than one window of chunks.
std::vector<std::string> random_documents(std::size_t count) {
  const std::string alphabet = "天地人和山水火木金土日月星风云雨雪电光年";
  Random random(7);
  std::vector<std::string> documents(count);
  for (std::string& document : documents) {
    const std::size_t length = 1 + random.below(30);
    for (std::size_t i = 0; i < length; ++i) {
      const std::size_t letter = random.below(1 + random.below(20));
      document += alphabet.substr(3 * letter, 3);
    }
  }
  return documents;
}

/// The formula of bm25_index.h in double precision, chunk by chunk.
std::vector<double> textbook_scores(const std::vector<std::string>& documents,
                                    std::string_view query, double k1, double b) {
  const Analyzer analyzer({"unigram"});
  WordReader reader(analyzer);
  std::vector<std::map<std::string, int, std::less<>>> frequencies;
  std::vector<double> lengths;
  double total = 0.0;
  for (const std::string& document : documents) {
    auto& counts = frequencies.emplace_back();
    const auto words = reader.words(document);
    for (const std::string_view word : words) {
      ++counts[std::string(word)];
    }
    lengths.push_back(static_cast<double>(words.size()));
    total += lengths.back();
  }
  const auto n = static_cast<double>(documents.size());
  std::vector<double> scores(documents.size());
  const auto words = reader.words(query);
  for (const std::string_view word : words) {
    double df = 0.0;
    for (const auto& counts : frequencies) {
      df += counts.contains(word) ? 1.0 : 0.0;
    }
    for (std::size_t d = 0; d < documents.size(); ++d) {
      if (const auto found = frequencies[d].find(word); found != frequencies[d].end()) {
        const double tf = found->second;
        scores[d] += std::log(1.0 + (n - df + 0.5) / (df + 0.5)) * tf * (k1 + 1.0) /
                     (tf + k1 * (1.0 - b + b * lengths[d] / (total / n)));
      }
    }
  }
  return scores;
}

TEST(Bm25Index, EqualsATextbookImplementation) {
  const std::vector<std::string> documents = random_documents(20'000);
  Bm25 bm25(documents, {.analyzer = {"unigram"}, .k1 = 0.9, .b = 0.4});
  for (const char* query : {"年电雪", "天地人和", "星星火", "年"}) {
    const std::vector<double> expected = textbook_scores(documents, query, 0.9, 0.4);
    const std::vector<Hit> hits = bm25.search(query, 100);
    ASSERT_EQ(hits.size(), 100U);
    std::set<ChunkIndex> found;
    for (std::size_t i = 0; i < hits.size(); ++i) {
      EXPECT_NEAR(hits[i].score, expected[hits[i].chunk], 1e-5 * expected[hits[i].chunk]);
      if (i > 0) {
        EXPECT_TRUE(hits[i - 1].score > hits[i].score ||
                    (hits[i - 1].score == hits[i].score && hits[i - 1].chunk < hits[i].chunk));
      }
      found.insert(hits[i].chunk);
    }
    for (std::size_t d = 0; d < documents.size(); ++d) {
      EXPECT_TRUE(found.contains(static_cast<ChunkIndex>(d)) ||
                  expected[d] <= hits.back().score * (1.0 + 1e-6));
    }
    const std::vector<Hit> fewer = bm25.search(query, 7);
    EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), hits.begin()));
  }
}

TEST(Bm25Index, GivesTheSameOnAnyNumberOfThreadsAndInAnyBatch) {
  const std::vector<std::string> documents = random_documents(9'000);
  Bm25 bm25(documents, {.analyzer = {"bigram"}});
  testing_support::ThreadPoolExecutor threads(4);
  const Analyzer analyzer({"bigram"});
  const Postings postings = Postings::build(bm25.table(), analyzer, threads);
  const Bm25Index index(postings, analyzer, {.analyzer = {"bigram"}}, threads);
  const std::vector<std::string_view> queries(documents.begin(), documents.begin() + 50);
  const auto results = index.search(queries, 10, threads);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    EXPECT_EQ(results[i], bm25.search(queries[i], 10));
  }
}

TEST(Postings, SurviveSavingAndLoading) {
  const TemporaryFolder folder;
  SerialExecutor executor;
  Bm25 bm25({"台风登陆", "股票 上涨 上涨", "。"});
  bm25.postings().save(folder.path() / "postings.bin");
  const Postings loaded = Postings::load(bm25.table(), folder.path() / "postings.bin");
  const Analyzer analyzer(AnalyzerOptions{});
  const Bm25Index index(loaded, analyzer, {}, executor);
  for (const std::string_view query : {"台风", "上涨股票", "登陆"}) {
    EXPECT_EQ(index.search(std::span(&query, 1), 8, executor).front(), bm25.search(query));
  }
}

TEST(Postings, RefuseADamagedFile) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "postings.bin";
  Bm25 bm25({"台风登陆", "股票上涨", "台风"});
  bm25.postings().save(path);
  const std::string whole = read_file(path);
  folder.write("postings.bin", whole.substr(0, whole.size() - 1));
  EXPECT_ERROR(Postings::load(bm25.table(), path), ErrorCode::kInvalidData, "bytes");
  Bm25 other({"台风"});
  folder.write("postings.bin", whole);
  EXPECT_ERROR(Postings::load(other.table(), path), ErrorCode::kInvalidData, "chunks");
}

TEST(Postings, AreEmptyForACorpusWithoutWords) {
  Bm25 bm25({"。", "！"});
  EXPECT_EQ(bm25.postings().size(), 0U);
  EXPECT_THAT(bm25.search("台风"), IsEmpty());
}

}  // namespace
}  // namespace crudbench
