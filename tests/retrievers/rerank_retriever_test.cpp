#include <atomic>
#include <cstdlib>

#include "tests/fakes/http_server.h"
#include "tests/retrievers/retrieving.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_support::HttpServer;
using testing_support::ReceivedRequest;
using testing_support::reranked_by_length;
using testing_support::Retrieving;
using testing_support::ScriptedResponse;

Json rerank_at(const HttpServer& server, const Json& more = Json::object()) {
  Json options{{"type", "rerank"},    {"base_url", server.url("/v1")},
               {"model", "m"},        {"max_attempts", 1},
               {"backoff_s", 0.0},    {"pool", 8},
               {"max_concurrency", 3}};
  options.update(more);
  return options;
}

TEST(RerankRetriever, OrdersThePoolByTheScoresOfTheEndpoint) {
  const HttpServer server(reranked_by_length);
  Retrieving retrieving;
  const auto bm25 = retrieving.retrieve({{"type", "bm25"}}, 8);
  const auto retriever = retrieving.open(rerank_at(server));
  const auto reranked = retriever->retrieve(retrieving.queries(), 8, retrieving.serial());
  for (std::size_t query = 0; query < bm25.size(); ++query) {
    std::vector<Hit> expected = bm25[query].hits;
    for (Hit& hit : expected) {
      hit.score = 1.0 / static_cast<double>(retriever->chunks().text(hit.chunk).size());
    }
    std::sort(expected.begin(), expected.end(), [](const Hit& left, const Hit& right) {
      return left.score != right.score ? left.score > right.score : left.chunk < right.chunk;
    });
    EXPECT_EQ(reranked[query].hits, expected);
    EXPECT_FALSE(reranked[query].failure);
  }
}

TEST(RerankRetriever, AsksOnceForEveryQueryWithHits) {
  const HttpServer server(reranked_by_length);
  Retrieving retrieving;
  std::size_t with_hits = 0;
  for (const Retrieval& retrieval : retrieving.retrieve(rerank_at(server), 8)) {
    with_hits += retrieval.hits.empty() ? 0 : 1;
  }
  EXPECT_GT(with_hits, 1U);
  const std::vector<ReceivedRequest> requests = server.requests();
  ASSERT_EQ(requests.size(), with_hits);
  EXPECT_EQ(requests[0].target, "/v1/rerank");
  const Json body = Json::parse(requests[0].body);
  EXPECT_EQ(body.at("model"), "m");
  EXPECT_EQ(body.at("documents").size(), 8U);
  EXPECT_EQ(body.at("top_n"), 8);
  EXPECT_EQ(body.at("return_documents"), false);
  EXPECT_FALSE(body.at("query").get<std::string>().empty());
}

TEST(RerankRetriever, SpeaksTheShapesOfOtherServers) {
  const HttpServer server([](const ReceivedRequest& request) {
    const Json body = Json::parse(request.body);
    Json list = Json::array();
    for (std::size_t i = 0; i < body.at("texts").size(); ++i) {
      list.push_back({{"index", i}, {"score", static_cast<double>(i)}});
    }
    return ScriptedResponse{.body = to_text(list)};
  });
  Retrieving retrieving;
  const auto reranked = retrieving.retrieve(rerank_at(server, {{"api", "tei"}}), 8);
  const auto bm25 = retrieving.retrieve({{"type", "bm25"}}, 8);
  ASSERT_EQ(reranked[0].hits.size(), 8U);
  EXPECT_EQ(reranked[0].hits.front().chunk, bm25[0].hits.back().chunk);
  EXPECT_FALSE(Json::parse(server.requests()[0].body).contains("model"));
}

TEST(RerankRetriever, SendsTheKeyAndNeverShowsIt) {
  ::setenv("CRUDBENCH_TEST_RERANK_KEY", "sk-secret-123456", 1);
  const HttpServer server([](const ReceivedRequest&) {
    return ScriptedResponse{.status = 401, .body = R"({"error":"bad key sk-secret-123456"})"};
  });
  Retrieving retrieving;
  const auto retrievals =
      retrieving.retrieve(rerank_at(server, {{"api_key_env", "CRUDBENCH_TEST_RERANK_KEY"}}), 8);
  ::unsetenv("CRUDBENCH_TEST_RERANK_KEY");
  EXPECT_EQ(server.requests()[0].headers.at("authorization"), "Bearer sk-secret-123456");
  ASSERT_TRUE(retrievals[0].failure);
  EXPECT_EQ(retrievals[0].failure->failure_class, "http_4xx");
  EXPECT_EQ(retrievals[0].failure->stage, Stage::kRetrieval);
  EXPECT_THAT(retrievals[0].failure->message, Not(HasSubstr("secret")));
  EXPECT_THAT(retrievals[0].hits, IsEmpty());
}

TEST(RerankRetriever, TriesAgainAndGivesUp) {
  std::atomic<int> count{0};
  const HttpServer server([&count](const ReceivedRequest& request) {
    return count++ == 0 ? ScriptedResponse{.status = 503, .body = "busy"}
                        : reranked_by_length(request);
  });
  Retrieving retrieving;
  for (const Retrieval& retrieval :
       retrieving.retrieve(rerank_at(server, {{"max_attempts", 2}}), 8)) {
    EXPECT_FALSE(retrieval.failure);
  }
  const HttpServer broken(
      [](const ReceivedRequest&) { return ScriptedResponse{.status = 429, .body = "slow down"}; });
  const auto retrievals = retrieving.retrieve(rerank_at(broken, {{"max_attempts", 2}}), 8);
  ASSERT_TRUE(retrievals[0].failure);
  EXPECT_EQ(retrievals[0].failure->failure_class, "rate_limited");
  EXPECT_THAT(retrievals[0].failure->message, HasSubstr("HTTP 429: slow down"));
}

TEST(RerankRetriever, FailsAQueryThatTakesTooLong) {
  const HttpServer server([](const ReceivedRequest&) {
    return ScriptedResponse{.fault = ScriptedResponse::Fault::kHang};
  });
  Retrieving retrieving;
  const auto retrievals = retrieving.retrieve(rerank_at(server, {{"timeout_s", 0.2}}), 8);
  ASSERT_TRUE(retrievals[0].failure);
  EXPECT_EQ(retrievals[0].failure->failure_class, "timeout");
}

TEST(RerankRetriever, FailsOnScoresThatAreNotOneForEachText) {
  const auto results = [](std::size_t count, const char* last) {
    std::string list;
    for (std::size_t i = 0; i + 1 < count; ++i) {
      list += R"({"index":)" + std::to_string(i) + R"(,"relevance_score":0.5},)";
    }
    return R"({"results":[)" + list + last + "]}";
  };
  for (const std::string& body : {results(8, R"({"index":8,"relevance_score":0.5})"),
                                  results(8, R"({"index":-1,"relevance_score":0.5})"),
                                  results(8, R"({"index":0,"relevance_score":0.5})"),
                                  results(8, R"({"index":7,"relevance_score":NaN})"),
                                  results(8, R"({"index":7,"relevance_score":null})"),
                                  results(8, R"({"index":7,"relevance_score":1e999})"),
                                  results(7, R"({"index":6,"relevance_score":0.5})"),
                                  std::string("[]"), std::string("{}"), std::string("<html>")}) {
    const HttpServer server(
        [&body](const ReceivedRequest&) { return ScriptedResponse{.body = body}; });
    Retrieving retrieving;
    const auto retrievals = retrieving.retrieve(rerank_at(server), 8);
    ASSERT_TRUE(retrievals[0].failure) << body;
    EXPECT_EQ(retrievals[0].failure->failure_class, "malformed") << body;
  }
}

TEST(RerankRetriever, ChecksItsOptions) {
  const Retrieving retrieving;
  const Json options{{"type", "rerank"}, {"base_url", "http://127.0.0.1:1/v1"}, {"model", "m"}};
  const auto with = [&options](const Json& more) {
    Json changed = options;
    changed.update(more);
    return changed;
  };
  EXPECT_ERROR(retrieving.resolve(with({{"model", ""}})), ErrorCode::kInvalidConfig,
               "/retriever/model");
  EXPECT_NO_THROW(retrieving.resolve(with({{"model", ""}, {"api", "tei"}})));
  EXPECT_ERROR(retrieving.resolve(with({{"base_url", "ftp://x"}})), ErrorCode::kInvalidConfig,
               "/retriever/base_url");
  EXPECT_ERROR(retrieving.resolve(with({{"api_key", "sk-1"}})), ErrorCode::kInvalidConfig,
               "a key must not stand in a configuration");
  EXPECT_ERROR(retrieving.resolve(with({{"api_key_env", "sk-1"}})), ErrorCode::kInvalidConfig,
               "the name of an environment variable");
  EXPECT_ERROR(retrieving.resolve(with({{"top_k", 51}})), ErrorCode::kInvalidConfig,
               "at most \"pool\" (50)");
}

}  // namespace
}  // namespace crudbench
