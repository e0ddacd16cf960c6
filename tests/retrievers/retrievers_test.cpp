#include <optional>
#include <set>

#include "retrievers/builtin_retrievers.h"
#include "retrievers/rank_fusion.h"
#include "retrievers/self_retrieval.h"
#include "tests/fakes/http_server.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/retrieving.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::IsEmpty;
using testing_support::answering_program;
using testing_support::chat_answer;
using testing_support::chat_generator;
using testing_support::HttpServer;
using testing_support::reranked_by_length;
using testing_support::retrieval_catalog;
using testing_support::Retrieving;

class RetrieverContract : public testing::TestWithParam<std::string> {
 protected:
  /// The member with its defaults; one that works with others is given a program or a server.
  Json type() {
    Json options{{"type", GetParam()}};
    if (GetParam() == "exec") {
      options["command"] = answering_program(
          R"({"chunk_id":"news:3@0-72","score":1},{"chunk_id":"news:2@0-72","score":3},)"
          R"({"chunk_id":"news:1@0-72","score":1})");
    } else if (GetParam() == "rerank") {
      server_.emplace(reranked_by_length);
      options["base_url"] = server_->url("/v1");
      options["model"] = "length";
    } else if (GetParam() == "hyde" || GetParam() == "multi_query") {
      server_.emplace([](const auto&) { return chat_answer("台风登陆沿海\n下调准备金率"); });
      options["generator"] = chat_generator(*server_);
    }
    return options;
  }

  Retrieving retrieving_;

 private:
  std::optional<HttpServer> server_;
};

TEST_P(RetrieverContract, ListsHitsBestFirstWithoutRepetition) {
  const std::unique_ptr<Retriever> retriever = retrieving_.open(type());
  const auto retrievals = retriever->retrieve(retrieving_.queries(), 8, retrieving_.serial());
  ASSERT_EQ(retrievals.size(), retrieving_.queries().size());
  for (const Retrieval& retrieval : retrievals) {
    EXPECT_FALSE(retrieval.failure);
    EXPECT_LE(retrieval.hits.size(), 8U);
    std::set<ChunkIndex> chunks;
    for (std::size_t i = 0; i < retrieval.hits.size(); ++i) {
      const Hit& hit = retrieval.hits[i];
      EXPECT_LT(hit.chunk, retriever->chunks().size());
      EXPECT_TRUE(chunks.insert(hit.chunk).second);
      if (i > 0) {
        const Hit& before = retrieval.hits[i - 1];
        EXPECT_TRUE(before.score > hit.score ||
                    (before.score == hit.score && before.chunk < hit.chunk));
      }
    }
  }
}

TEST_P(RetrieverContract, GivesPrefixesForSmallerTopK) {
  if (GetParam() == "gold") {
    GTEST_SKIP() << "gold gives all gold documents whatever top_k says";
  }
  const auto many = retrieving_.retrieve(type(), 20);
  const auto few = retrieving_.retrieve(type(), 3);
  for (std::size_t query = 0; query < many.size(); ++query) {
    std::vector<Hit> prefix = many[query].hits;
    prefix.resize(std::min<std::size_t>(prefix.size(), 3));
    EXPECT_EQ(few[query].hits, prefix);
  }
}

TEST_P(RetrieverContract, DoesNotDependOnBatchesOrThreads) {
  const std::unique_ptr<Retriever> retriever = retrieving_.open(type());
  testing_support::ThreadPoolExecutor threads(4);
  const auto together = retriever->retrieve(retrieving_.queries(), 8, threads);
  for (std::size_t i = 0; i < together.size(); ++i) {
    const auto alone =
        retriever->retrieve(retrieving_.queries().subspan(i, 1), 8, retrieving_.serial());
    EXPECT_EQ(alone.front().hits, together[i].hits);
  }
}

TEST_P(RetrieverContract, AcceptsItsOwnExample) {
  const Catalog catalog = retrieval_catalog();
  const Json resolved = retrieving_.resolve(catalog.retrievers.entries().at(GetParam()).example);
  EXPECT_EQ(retrieving_.resolve(resolved), resolved);
}

std::vector<std::string> retriever_names() {
  std::vector<std::string> names;
  const Catalog catalog = retrieval_catalog();
  for (const auto& [name, entry] : catalog.retrievers.entries()) {
    names.push_back(name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Builtin, RetrieverContract, testing::ValuesIn(retriever_names()),
                         [](const auto& tested) { return tested.param; });

TEST(Bm25Retriever, HasNoHitsWithoutKnownWords) {
  Retrieving retrieving;
  const auto retrievals = retrieving.retrieve({{"type", "bm25"}}, 8);
  EXPECT_FALSE(retrievals[0].hits.empty());
  EXPECT_THAT(retrievals[2].hits, IsEmpty());
  EXPECT_THAT(retrievals[4].hits, IsEmpty());
}

TEST(DenseRetriever, HasNoHitsForAQueryWithoutDirection) {
  Retrieving retrieving;
  const auto retrievals = retrieving.retrieve({{"type", "dense"}}, 8);
  EXPECT_EQ(retrievals[0].hits.size(), 8U);
  EXPECT_THAT(retrievals[2].hits, IsEmpty());
  EXPECT_THAT(retrievals[4].hits, IsEmpty());
}

TEST(HybridRetriever, FusesThePoolsOfItsParts) {
  Retrieving retrieving;
  const auto hybrid = retrieving.retrieve(
      {{"type", "hybrid"}, {"fusion", "rrf"}, {"pool", 10}, {"c", 5}, {"weights", {0.7, 0.3}}}, 6);
  const auto bm25 = retrieving.retrieve({{"type", "bm25"}}, 10);
  const auto dense = retrieving.retrieve({{"type", "dense"}}, 10);
  for (std::size_t query = 0; query < hybrid.size(); ++query) {
    const std::vector<std::vector<Hit>> lists{bm25[query].hits, dense[query].hits};
    const std::vector<double> weights{0.7, 0.3};
    std::vector<Hit> expected = fuse_ranks(lists, weights, 5.0);
    expected.resize(std::min<std::size_t>(expected.size(), 6));
    EXPECT_EQ(hybrid[query].hits, expected);
  }
}

TEST(HybridRetriever, FusesNormalisedScoresIfAsked) {
  Retrieving retrieving;
  const auto hybrid = retrieving.retrieve({{"type", "hybrid"},
                                           {"pool", 10},
                                           {"fusion", "weighted"},
                                           {"normalization", "z_score"},
                                           {"weights", {0.5, 0.5}}},
                                          6);
  const auto bm25 = retrieving.retrieve({{"type", "bm25"}}, 10);
  const auto dense = retrieving.retrieve({{"type", "dense"}}, 10);
  for (std::size_t query = 0; query < hybrid.size(); ++query) {
    const std::vector<std::vector<Hit>> lists{bm25[query].hits, dense[query].hits};
    const std::vector<double> weights{0.5, 0.5};
    std::vector<Hit> expected = fuse_scores(lists, weights, Normalization::kZScore);
    expected.resize(std::min<std::size_t>(expected.size(), 6));
    EXPECT_EQ(hybrid[query].hits, expected);
  }
}

TEST(HybridRetriever, HasTheOptionsOfItsFusionOnly) {
  const Retrieving retrieving;
  const Json weighted = retrieving.resolve({{"type", "hybrid"}, {"fusion", "weighted"}});
  EXPECT_EQ(weighted.at("normalization"), "min_max");
  EXPECT_FALSE(weighted.contains("c"));
  EXPECT_ERROR(retrieving.resolve({{"type", "hybrid"}, {"fusion", "weighted"}, {"c", 60}}),
               ErrorCode::kInvalidConfig, "/retriever/c: expected no such key");
  EXPECT_ERROR(
      retrieving.resolve({{"type", "hybrid"}, {"fusion", "rrf"}, {"normalization", "z_score"}}),
      ErrorCode::kInvalidConfig, "/retriever/normalization: expected no such key");
}

TEST(HybridRetriever, FillsInItsPartsAndWeights) {
  const Retrieving retrieving;
  const Json resolved = retrieving.resolve({{"type", "hybrid"}});
  EXPECT_EQ(resolved.at("fusion"), "weighted");
  EXPECT_EQ(resolved.at("weights"), "auto");
  EXPECT_EQ(retrieving.resolve({{"type", "hybrid"}, {"fusion", "rrf"}}).at("weights"),
            Json({0.5, 0.5}));
  EXPECT_EQ(resolved.at("parts")[0],
            Json({{"type", "bm25"}, {"k1", 1.2}, {"b", 0.75}, {"analyzer", "jieba"}}));
  EXPECT_EQ(resolved.at("parts")[1], Json({{"type", "dense"}}));
}

TEST(HybridRetriever, WeighsPartsByHowTheyDoOnTheCorpus) {
  Retrieving retrieving;
  std::vector<double> qualities;
  for (const char* part : {"bm25", "dense"}) {
    qualities.push_back(
        self_retrieval_quality(*retrieving.open({{"type", part}}), retrieving.serial()));
  }
  const std::vector<double> weights = weights_by_quality(qualities);
  const auto automatic = retrieving.retrieve({{"type", "hybrid"}}, 8);
  const auto bm25 = retrieving.retrieve({{"type", "bm25"}}, 100);
  const auto dense = retrieving.retrieve({{"type", "dense"}}, 100);
  for (std::size_t query = 0; query < automatic.size(); ++query) {
    const std::vector<std::vector<Hit>> lists{bm25[query].hits, dense[query].hits};
    std::vector<Hit> expected = fuse_scores(lists, weights, Normalization::kMinMax);
    expected.resize(std::min<std::size_t>(expected.size(), 8));
    EXPECT_EQ(automatic[query].hits, expected);
  }
}

TEST(HybridRetriever, MeasuresNoPartThatAsksAProgram) {
  const Retrieving retrieving;
  const Json parts{{{"type", "bm25"}}, {{"type", "exec"}, {"command", {"cat"}}}};
  EXPECT_EQ(retrieving.resolve({{"type", "hybrid"}, {"parts", parts}}).at("weights"),
            Json({0.5, 0.5}));
  EXPECT_ERROR(retrieving.resolve({{"type", "hybrid"}, {"parts", parts}, {"weights", "auto"}}),
               ErrorCode::kInvalidConfig, "/retriever/weights: expected a list of numbers");
}

TEST(HybridRetriever, RefusesWhatCannotBeFused) {
  const Retrieving retrieving;
  EXPECT_ERROR(retrieving.resolve({{"type", "hybrid"}, {"top_k", 101}}), ErrorCode::kInvalidConfig,
               "/retriever/top_k: expected an integer of at most \"pool\" (100)");
  EXPECT_ERROR(retrieving.resolve({{"type", "hybrid"}, {"weights", {1.0}}}),
               ErrorCode::kInvalidConfig, "/retriever/weights: expected \"auto\", or a list of 2");
  const Json bm25{{"type", "bm25"}};
  EXPECT_ERROR(retrieving.resolve({{"type", "hybrid"}, {"parts", Json::array({bm25})}}),
               ErrorCode::kInvalidConfig, "/retriever/parts: expected a list of two or more");
  EXPECT_ERROR(
      retrieving.resolve({{"type", "hybrid"}, {"parts", Json::array({bm25, {{"type", "gold"}}})}}),
      ErrorCode::kInvalidConfig, "/retriever/parts/1/type");
  EXPECT_ERROR(
      retrieving.resolve(
          {{"type", "hybrid"}, {"parts", Json::array({bm25, {{"type", "dense"}, {"top_k", 8}}})}}),
      ErrorCode::kInvalidConfig, "/retriever/parts/1/top_k");
  EXPECT_ERROR(
      retrieving.resolve({{"type", "hybrid"}, {"parts", Json::array({bm25, {{"type", "dens"}}})}}),
      ErrorCode::kInvalidConfig, "did you mean 'dense'");
}

TEST(GoldRetriever, GivesGoldDocumentsInTheirOrder) {
  Retrieving retrieving;
  const std::unique_ptr<Retriever> retriever = retrieving.open({{"type", "gold"}});
  const auto hits = retriever->retrieve(retrieving.queries(), 1, retrieving.serial()).front().hits;
  ASSERT_EQ(hits.size(), 2U);
  EXPECT_EQ(retriever->chunks().text(hits[0].chunk), retrieving.corpus().text(5));
  EXPECT_EQ(retriever->chunks().text(hits[1].chunk), retrieving.corpus().text(2));
}

TEST(GoldRetriever, FailsWhereNoGoldDocumentIsKnown) {
  Retrieving retrieving;
  const Query query{.text = "台风"};
  const auto retrievals =
      retrieving.open({{"type", "gold"}})->retrieve(std::span(&query, 1), 8, retrieving.serial());
  ASSERT_TRUE(retrievals.front().failure);
  EXPECT_EQ(retrievals.front().failure->stage, Stage::kRetrieval);
  EXPECT_EQ(retrievals.front().failure->failure_class, "no_gold");
}

TEST(NoRetriever, NeverHasAHit) {
  Retrieving retrieving;
  for (const Retrieval& retrieval : retrieving.retrieve({{"type", "none"}}, 8)) {
    EXPECT_THAT(retrieval.hits, IsEmpty());
    EXPECT_FALSE(retrieval.failure);
  }
}

TEST(TopK, MustBeFromOneToAThousand) {
  const Retrieving retrieving;
  EXPECT_EQ(retrieving.resolve({{"type", "bm25"}}).at("top_k"), 8);
  EXPECT_ERROR(retrieving.resolve({{"type", "bm25"}, {"top_k", 0}}), ErrorCode::kInvalidConfig,
               "/retriever/top_k");
  EXPECT_ERROR(retrieving.resolve({{"type", "dense"}, {"top_k", 1001}}), ErrorCode::kInvalidConfig,
               "from 1 to 1000");
}

}  // namespace
}  // namespace crudbench
