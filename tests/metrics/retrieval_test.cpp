#include <cmath>
#include <optional>

#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using testing_support::build_metric;
using testing_support::Scores;

Scores score(const std::vector<DocumentIndex>& documents, const std::vector<DocumentIndex>& gold,
             const Json& cutoffs = {1, 2, 8}) {
  Prediction prediction;
  prediction.answered = false;
  prediction.ranking = {.documents = documents, .gold = gold};
  return {Json{{"type", "retrieval"}, {"cutoffs", cutoffs}, {"units", {"document"}}}, prediction};
}

Scores score_chunks(const std::vector<DocumentIndex>& documents,
                    const std::vector<DocumentIndex>& gold,
                    std::optional<std::size_t> gold_chunk_count) {
  Prediction prediction;
  prediction.ranking = {.documents = documents, .gold = gold, .gold_chunk_count = gold_chunk_count};
  return {Json{{"type", "retrieval"}, {"cutoffs", {1, 4, 8}}, {"units", {"chunk"}}}, prediction};
}

TEST(Retrieval, NamesItsValuesInAFixedOrder) {
  EXPECT_THAT(score({}, {1}, {8, 1}).names(),
              ElementsAre("hit@1", "precision@1", "recall@1", "all_gold@1", "ndcg@1", "hit@8",
                          "precision@8", "recall@8", "all_gold@8", "ndcg@8", "mrr", "map"));
}

TEST(Retrieval, RanksADocumentWhereItsFirstChunkStands) {
  // Documents in order: 5, 3, 9, 7; golds at ranks 2 and 4.
  const Scores scores = score({5, 5, 3, 5, 9, 3, 7}, {3, 7});
  EXPECT_EQ(scores.value("hit@1"), 0.0);
  EXPECT_EQ(scores.value("hit@2"), 1.0);
  EXPECT_EQ(scores.value("precision@2"), 0.5);
  EXPECT_EQ(scores.value("recall@2"), 0.5);
  EXPECT_EQ(scores.value("all_gold@2"), 0.0);
  EXPECT_EQ(scores.value("recall@8"), 1.0);
  EXPECT_EQ(scores.value("all_gold@8"), 1.0);
  EXPECT_EQ(scores.value("mrr"), 0.5);
  EXPECT_EQ(scores.value("map"), (1.0 / 2 + 2.0 / 4) / 2);
}

TEST(Retrieval, DividesPrecisionByTheCutoffEvenOfShorterLists) {
  EXPECT_EQ(score({3}, {3}).value("precision@8"), 1.0 / 8);
}

TEST(Retrieval, DiscountsGainsByTheLogarithmOfTheRank) {
  // Golds at ranks 2 and 4: (1/log2 3 + 1/log2 5) / (1 + 1/log2 3).
  const Scores scores = score({5, 3, 9, 7}, {3, 7});
  EXPECT_DOUBLE_EQ(scores.value("ndcg@8"),
                   (1 / std::log2(3.0) + 1 / std::log2(5.0)) / (1 + 1 / std::log2(3.0)));
  EXPECT_DOUBLE_EQ(scores.value("ndcg@2"), (1 / std::log2(3.0)) / (1 + 1 / std::log2(3.0)));
}

TEST(Retrieval, TakesTheIdealOfNoMoreGoldsThanTheCutoff) {
  EXPECT_EQ(score({3, 7, 4}, {3, 7, 4}).value("ndcg@1"), 1.0);
  EXPECT_EQ(score({3, 7, 4}, {3, 7, 4}).value("ndcg@2"), 1.0);
}

TEST(Retrieval, LooksForTheFirstGoldInTheWholeList) {
  EXPECT_DOUBLE_EQ(score({10, 11, 12, 13, 14, 15, 16, 17, 18, 3}, {3}).value("mrr"), 0.1);
}

TEST(Retrieval, CountsGoldsThatWereNotFoundInTheMap) {
  EXPECT_EQ(score({3}, {3, 7}).value("map"), 0.5);
}

TEST(Retrieval, ScoresAnEmptyListAsZero) {
  const Scores scores = score({}, {3});
  for (const std::string& name : scores.names()) {
    EXPECT_EQ(scores.value(name), 0.0) << name;
  }
}

TEST(Retrieval, IsUndefinedWithoutGoldDocuments) {
  const Scores scores = score({3}, {});
  for (const std::string& name : scores.names()) {
    EXPECT_FALSE(scores.at(name).value.has_value()) << name;
    EXPECT_EQ(scores.failure(name), "") << name;
  }
}

TEST(Retrieval, ScoresDocumentsAndChunksUnlessToldOtherwise) {
  const Scores scores(Json{{"type", "retrieval"}, {"cutoffs", {1}}}, Prediction());
  EXPECT_THAT(scores.names(),
              ElementsAre("hit@1", "precision@1", "recall@1", "all_gold@1", "ndcg@1", "mrr", "map",
                          "chunk_hit@1", "chunk_precision@1", "chunk_recall@1", "chunk_all_gold@1",
                          "chunk_ndcg@1", "chunk_mrr", "chunk_map"));
}

TEST(Retrieval, TakesEveryChunkOfAGoldDocumentForRelevant) {
  // As trec_eval with the six chunks of 3 and 7 as qrels: found at ranks 2, 3, 5 and 6.
  const Scores scores = score_chunks({5, 3, 3, 9, 3, 7}, {3, 7}, 6);
  EXPECT_EQ(scores.value("chunk_hit@1"), 0.0);
  EXPECT_EQ(scores.value("chunk_hit@4"), 1.0);
  EXPECT_EQ(scores.value("chunk_precision@4"), 2.0 / 4);
  EXPECT_EQ(scores.value("chunk_precision@8"), 4.0 / 8);
  EXPECT_EQ(scores.value("chunk_recall@4"), 2.0 / 6);
  EXPECT_EQ(scores.value("chunk_recall@8"), 4.0 / 6);
  EXPECT_EQ(scores.value("chunk_mrr"), 1.0 / 2);
  EXPECT_DOUBLE_EQ(scores.value("chunk_map"), (1.0 / 2 + 2.0 / 3 + 3.0 / 5 + 4.0 / 6) / 6);
  EXPECT_DOUBLE_EQ(scores.value("chunk_ndcg@4"),
                   (1 / std::log2(3.0) + 1 / std::log2(4.0)) /
                       (1 + 1 / std::log2(3.0) + 1 / std::log2(4.0) + 1 / std::log2(5.0)));
}

TEST(Retrieval, AsksForAChunkOfEveryGoldDocument) {
  const Scores scores = score_chunks({5, 3, 3, 9, 3, 7}, {3, 7}, 6);
  EXPECT_EQ(scores.value("chunk_all_gold@4"), 0.0);
  EXPECT_EQ(scores.value("chunk_all_gold@8"), 1.0);
}

TEST(Retrieval, HasNoRecallOverAnUnknownNumberOfChunks) {
  const Scores scores = score_chunks({5, 3}, {3}, std::nullopt);
  EXPECT_EQ(scores.value("chunk_precision@4"), 1.0 / 4);
  EXPECT_EQ(scores.value("chunk_hit@4"), 1.0);
  EXPECT_EQ(scores.value("chunk_all_gold@4"), 1.0);
  EXPECT_EQ(scores.value("chunk_mrr"), 1.0 / 2);
  for (const char* name : {"chunk_recall@4", "chunk_ndcg@4", "chunk_map"}) {
    EXPECT_FALSE(scores.at(name).value.has_value()) << name;
    EXPECT_EQ(scores.failure(name), "") << name;
  }
}

TEST(Retrieval, IsUndefinedOverChunksWithoutRelevantOnes) {
  for (const Scores& scores : {score_chunks({5}, {}, 0), score_chunks({5}, {3}, 0)}) {
    for (const std::string& name : scores.names()) {
      EXPECT_FALSE(scores.at(name).value.has_value()) << name;
    }
  }
}

TEST(Retrieval, RefusesUnitsThatItDoesNotKnow) {
  for (const Json& units : {Json{"page"}, Json{"chunk", "chunk"}, Json::array()}) {
    EXPECT_ERROR(build_metric({{"type", "retrieval"}, {"units", units}}), ErrorCode::kInvalidConfig,
                 "/units: expected a list of different units out of 'document', 'chunk'");
  }
}

TEST(Retrieval, RefusesCutoffsThatAreNoCounts) {
  for (const Json& cutoffs : {Json{0}, Json{1.5}, Json{-1}, Json{1, 1}, Json::array(), Json{1e6}}) {
    EXPECT_ERROR(build_metric({{"type", "retrieval"}, {"cutoffs", cutoffs}}),
                 ErrorCode::kInvalidConfig, "/cutoffs: expected a list of different whole numbers");
  }
}

}  // namespace
}  // namespace crudbench
