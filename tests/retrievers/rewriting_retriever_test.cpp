#include <optional>
#include <stop_token>

#include "retrievers/rank_fusion.h"
#include "tests/fakes/http_server.h"
#include "tests/retrievers/retrieving.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::HasSubstr;
using testing_support::chat_answer;
using testing_support::chat_generator;
using testing_support::HttpServer;
using testing_support::ReceivedRequest;
using testing_support::Retrieving;
using testing_support::ScriptedResponse;

class RewritingRetrieverTest : public testing::Test {
 protected:
  Json hyde(const Json& more = Json::object()) { return rewriting("hyde", more); }
  Json multi_query(const Json& more = Json::object()) { return rewriting("multi_query", more); }
  std::vector<Hit> hits(const Json& retriever, std::string_view query, std::size_t top_k = 6) {
    const auto retrievals = retrieving_.retrieve(retriever, query, top_k);
    EXPECT_FALSE(retrievals.front().failure);
    return retrievals.front().hits;
  }

  std::string reply_ = "新能源汽车销量大幅增长";
  Retrieving retrieving_;
  std::function<ScriptedResponse(const ReceivedRequest&)> handler_ = [this](const auto&) {
    return chat_answer(reply_);
  };
  HttpServer server_{[this](const ReceivedRequest& request) { return handler_(request); }};

 private:
  Json rewriting(const char* type, const Json& more) {
    Json options{{"type", type}, {"generator", chat_generator(server_)}};
    options.update(more);
    return options;
  }
};

TEST_F(RewritingRetrieverTest, HydeFindsWhatIsLikeThePassageThatWasWritten) {
  reply_ = "\n新能源汽车销量大幅增长\n";
  EXPECT_EQ(hits(hyde(), "电动车"), hits({{"type", "dense"}}, "新能源汽车销量大幅增长"));
  EXPECT_THAT(Json::parse(server_.requests().back().body).at("messages").dump(),
              HasSubstr("电动车"));
}

TEST_F(RewritingRetrieverTest, HydeKeepsTheQueryIfAsked) {
  const Json parts = Json::array({{{"type", "bm25"}}});
  EXPECT_EQ(hits(hyde({{"parts", parts}, {"keep_query", true}}), "地铁"),
            hits({{"type", "bm25"}}, "地铁\n新能源汽车销量大幅增长"));
}

TEST_F(RewritingRetrieverTest, MultiQueryFusesTheQueryAndItsOtherWords) {
  reply_ = "1. 新能源汽车销量\n\n2、电池企业扩大产能\n- 新能源汽车销量\n（3）多余的一行\n4) 第四行";
  const std::vector<std::string> texts{"充电桩", "新能源汽车销量", "电池企业扩大产能"};
  std::vector<std::vector<Hit>> lists;
  for (const std::string& text : texts) {
    lists.push_back(hits({{"type", "bm25"}}, text, 10));
  }
  const std::vector<double> weights(3, 1.0 / 3.0);
  std::vector<Hit> expected = fuse_ranks(lists, weights, 5.0);
  expected.resize(6);
  EXPECT_EQ(hits(multi_query({{"queries", 2}, {"pool", 10}, {"c", 5}}), "充电桩"), expected);
}

TEST_F(RewritingRetrieverTest, MultiQueryLeavesTheQueryOutIfAsked) {
  EXPECT_EQ(hits(multi_query({{"keep_query", false}, {"c", 0}}), "充电桩").size(), 6U);
  EXPECT_EQ(hits(multi_query({{"keep_query", false}}), "充电桩").front().chunk,
            hits({{"type", "bm25"}}, reply_).front().chunk);
}

TEST_F(RewritingRetrieverTest, KeepsNumbersThatAreNoBullets) {
  reply_ = "3.5万人";
  const auto direct = hits({{"type", "bm25"}}, "3.5万人");
  const auto found = hits(multi_query({{"keep_query", false}}), "充电桩");
  ASSERT_EQ(found.size(), direct.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].chunk, direct[i].chunk);
  }
}

TEST_F(RewritingRetrieverTest, AsksOnceForEachQuery) {
  const auto retriever = retrieving_.open(hyde());
  retriever->prepare(retrieving_.queries(), {});
  EXPECT_EQ(server_.requests().size(), retrieving_.queries().size());
  retriever->retrieve(retrieving_.queries(), 8, retrieving_.serial());
  EXPECT_EQ(server_.requests().size(), retrieving_.queries().size());
}

TEST_F(RewritingRetrieverTest, AsksForTheQueriesOfItsParts) {
  const auto inner = hyde();
  const auto retriever =
      retrieving_.open({{"type", "mmr"}, {"parts", Json::array({inner})}, {"pool", 10}});
  retriever->prepare(retrieving_.queries(), {});
  EXPECT_EQ(server_.requests().size(), retrieving_.queries().size());
}

TEST_F(RewritingRetrieverTest, AsksNothingOnceItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  retrieving_.open(hyde())->prepare(retrieving_.queries(), stop.get_token());
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(RewritingRetrieverTest, FailsTheQueriesThatAreNotAnswered) {
  handler_ = [](const ReceivedRequest& request) {
    if (request.body.find("央行") != std::string::npos) {
      return ScriptedResponse{.status = 500, .body = "out of order"};
    }
    return chat_answer(request.body.find("青铜器") != std::string::npos ? " \n" : "地铁新线路");
  };
  const auto retrievals = retrieving_.retrieve(multi_query(), 8);
  ASSERT_TRUE(retrievals[1].failure);
  EXPECT_EQ(retrievals[1].failure->stage, Stage::kRetrieval);
  EXPECT_EQ(retrievals[1].failure->failure_class, "rewrite_http_5xx");
  EXPECT_THAT(retrievals[1].failure->message, HasSubstr("writing the query anew"));
  EXPECT_TRUE(retrievals[1].hits.empty());
  ASSERT_TRUE(retrievals[3].failure);
  EXPECT_THAT(retrievals[3].failure->failure_class, testing::StartsWith("rewrite_"));
  EXPECT_FALSE(retrievals[0].failure);
  EXPECT_FALSE(retrievals[0].hits.empty());
  EXPECT_FALSE(retrievals[5].failure);
}

TEST_F(RewritingRetrieverTest, IsNamedByWhatTheGeneratorIsAskedNotHowPatiently) {
  const auto named = [&](Json generator, const Json& more = Json::object()) {
    Json options = hyde(more);
    options["generator"].update(generator);
    return retrieving_.base().fingerprint({.retriever = retrieving_.resolve(options),
                                           .chunker = {{"type", "document"}},
                                           .embedder = {{"type", "lsa"}, {"analyzer", "jieba"}},
                                           .index = {{"type", "flat"}}});
  };
  const std::string plain = named(Json::object());
  EXPECT_EQ(named({{"max_concurrency", 3}}), plain);
  EXPECT_NE(named({{"temperature", 0.7}}), plain);
  EXPECT_NE(named({{"model", "other"}}), plain);
  EXPECT_NE(named(Json::object(), {{"prompt", "写：{query}"}}), plain);
  EXPECT_NE(named(Json::object(), {{"keep_query", true}}), plain);
}

TEST_F(RewritingRetrieverTest, RefusesWhatCannotWrite) {
  EXPECT_ERROR(retrieving_.resolve({{"type", "hyde"}}), ErrorCode::kInvalidConfig,
               "/retriever/generator: expected an object");
  EXPECT_ERROR(retrieving_.resolve({{"type", "hyde"}, {"generator", {{"type", "extractive"}}}}),
               ErrorCode::kInvalidConfig, "/retriever/generator/type: expected a generator that");
  EXPECT_ERROR(retrieving_.resolve(hyde({{"prompt", "写一段报道"}})), ErrorCode::kInvalidConfig,
               "/retriever/prompt");
  EXPECT_ERROR(retrieving_.resolve(multi_query({{"queries", 0}})), ErrorCode::kInvalidConfig,
               "/retriever/queries");
}

}  // namespace
}  // namespace crudbench
