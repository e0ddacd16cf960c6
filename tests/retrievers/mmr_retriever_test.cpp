#include <algorithm>

#include "retrievers/rank_fusion.h"
#include "tests/retrievers/retrieving.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::make_corpus;
using testing_support::retrieval_catalog;
using testing_support::Retrieving;
using testing_support::sample_articles;
using testing_support::TemporaryFolder;

std::vector<ChunkIndex> chunks_of(const std::vector<Hit>& hits) {
  std::vector<ChunkIndex> chunks;
  for (const Hit& hit : hits) {
    chunks.push_back(hit.chunk);
  }
  return chunks;
}

TEST(MmrRetriever, IsThePartWhereRelevanceIsAll) {
  Retrieving retrieving;
  const Json part = Json::array({{{"type", "bm25"}}});
  const auto mmr =
      retrieving.retrieve({{"type", "mmr"}, {"lambda", 1.0}, {"parts", part}, {"pool", 20}}, 8);
  const auto bm25 = retrieving.retrieve({{"type", "bm25"}}, 8);
  for (std::size_t query = 0; query < mmr.size(); ++query) {
    EXPECT_EQ(chunks_of(mmr[query].hits), chunks_of(bm25[query].hits));
  }
}

TEST(MmrRetriever, TakesTheGreatestMarginalRelevanceNext) {
  SerialExecutor executor;
  const Catalog catalog = retrieval_catalog();
  const Corpus corpus = make_corpus(sample_articles());
  const TemporaryFolder folder;
  KnowledgeBase base(folder.path(), corpus, "corpus", catalog, executor);
  RetrievalConfig config{
      .retriever = catalog.retrievers.resolve(
          {{"type", "mmr"}, {"lambda", 0.4}, {"pool", 12}, {"top_k", 5}}, "test", ""),
      .chunker = catalog.chunkers.resolve({{"type", "fixed"}, {"size", 24}}, "", ""),
      .embedder = catalog.embedders.resolve({{"type", "lsa"}, {"dim", 12}}, "", ""),
      .index = catalog.indexes.resolve({{"type", "flat"}}, "", "")};
  const Query query{.text = "台风登陆，学校停课"};
  const std::vector<Hit> hits =
      base.open(config)->retrieve(std::span(&query, 1), 5, executor).front().hits;
  config.retriever = catalog.retrievers.resolve({{"type", "dense"}}, "test", "");
  const std::vector<Hit> pool =
      base.open(config)->retrieve(std::span(&query, 1), 12, executor).front().hits;
  const std::vector<double> relevance = normalized_scores(pool, Normalization::kMinMax);
  const std::span<const float> vectors = base.vectors(config.chunker, config.embedder);
  const auto cosine = [&](ChunkIndex left, ChunkIndex right) {
    double sum = 0.0;
    for (std::size_t i = 0; i < 12; ++i) {
      sum += static_cast<double>(vectors[left * 12 + i]) * vectors[right * 12 + i];
    }
    return sum;
  };
  ASSERT_EQ(hits.size(), 5U);
  for (std::size_t rank = 0; rank < hits.size(); ++rank) {
    double best = -1.0;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      double redundancy = 0.0;
      bool is_chosen = false;
      for (std::size_t before = 0; before < rank; ++before) {
        is_chosen = is_chosen || hits[before].chunk == pool[i].chunk;
        redundancy = std::max(redundancy, cosine(pool[i].chunk, hits[before].chunk));
      }
      if (!is_chosen) {
        best = std::max(best, 0.4 * relevance[i] - 0.6 * redundancy);
      }
    }
    EXPECT_DOUBLE_EQ(hits[rank].score, best);
  }
}

TEST(MmrRetriever, ReadsTheVectorsWhateverItsPartReads) {
  SerialExecutor executor;
  const Catalog catalog = retrieval_catalog();
  const Corpus corpus = make_corpus(sample_articles());
  const TemporaryFolder folder;
  const KnowledgeBase base(folder.path(), corpus, "corpus", catalog, executor);
  RetrievalConfig config{
      .retriever = catalog.retrievers.resolve(
          {{"type", "mmr"}, {"parts", Json::array({{{"type", "bm25"}}})}}, "test", ""),
      .chunker = catalog.chunkers.resolve({{"type", "document"}}, "", ""),
      .embedder = catalog.embedders.resolve({{"type", "lsa"}, {"dim", 8}}, "", "")};
  std::vector<std::string> kinds;
  for (const KnowledgeBaseStage& stage : base.stages(config)) {
    kinds.push_back(stage.kind);
  }
  EXPECT_THAT(kinds, testing::ElementsAre("chunks", "bm25", "embedder", "vectors"));
  const std::string fingerprint = base.fingerprint(config);
  config.embedder = catalog.embedders.resolve({{"type", "lsa"}, {"dim", 9}}, "", "");
  EXPECT_NE(base.fingerprint(config), fingerprint);
}

TEST(MmrRetriever, RefusesMoreThanOnePart) {
  const Retrieving retrieving;
  EXPECT_ERROR(
      retrieving.resolve({{"type", "mmr"}, {"parts", {{{"type", "bm25"}}, {{"type", "dense"}}}}}),
      ErrorCode::kInvalidConfig, "/retriever/parts: expected a list of one retriever");
  EXPECT_ERROR(retrieving.resolve({{"type", "mmr"}, {"lambda", 1.5}}), ErrorCode::kInvalidConfig,
               "/retriever/lambda");
}

}  // namespace
}  // namespace crudbench
