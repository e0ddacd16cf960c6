#include <atomic>
#include <cmath>
#include <cstdlib>

#include "retrievers/knowledge_base.h"
#include "tests/fakes/http_server.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_support::HttpServer;
using testing_support::ReceivedRequest;
using testing_support::ScriptedResponse;
using testing_support::TemporaryFolder;

/// The vector (3 n, 4 n, 0) for a text of n bytes: of norm 1 it is (0.6, 0.8, 0).
Json vector_of(const Json& text, std::size_t index) {
  const double size = static_cast<double>(text.get<std::string>().size());
  return {{"index", index}, {"embedding", {3.0 * size, 4.0 * size, 0.0}}};
}

/// The answer to a request, its vectors in reverse order.
Json answer(const ReceivedRequest& request) {
  const Json input = Json::parse(request.body).at("input");
  Json data = Json::array();
  for (std::size_t i = input.size(); i > 0; --i) {
    data.push_back(vector_of(input[i - 1], i - 1));
  }
  return {{"data", data}};
}

class OpenaiEmbedderTest : public testing::Test {
 protected:
  OpenaiEmbedderTest()
      : server_([this](const ReceivedRequest& request) { return handler_(request); }) {}

  Json options(const Json& more = Json::object()) const {
    Json all{{"type", "openai"}, {"base_url", server_.url("/v1")},
             {"model", "m"},     {"batch_size", 2},
             {"backoff_s", 0.0}, {"max_attempts", 2}};
    all.update(more);
    return all;
  }
  const Embedder& open(const Json& more = Json::object()) {
    base_ = std::make_unique<KnowledgeBase>(folder_.path(), corpus_, "corpus", catalog_, serial_);
    embedder_ = catalog_.embedders.resolve(options(more), "test", "");
    return base_->embedder(chunker_, embedder_);
  }
  std::vector<float> embed(const Embedder& embedder, std::vector<std::string_view> texts,
                           TextRole role = TextRole::kPassage) {
    std::vector<float> rows(texts.size() * embedder.dimension());
    embedder.embed(texts, role, rows, serial_);
    return rows;
  }
  /// Opens with good answers, then embeds three texts with those that `edit` makes of them.
  void embed_with(const std::function<void(Json& data)>& edit) {
    const Embedder& embedder = open();
    handler_ = [edit](const ReceivedRequest& request) {
      Json body = answer(request);
      edit(body["data"]);
      return ScriptedResponse{.body = body.dump()};
    };
    embed(embedder, {"a", "b", "c"});
  }

  SerialExecutor serial_;
  Catalog catalog_ = testing_support::retrieval_catalog();
  Corpus corpus_ =
      testing_support::make_corpus(std::vector<std::string>(3000, "台风登陆沿海地区。"));
  Json chunker_ = document_chunker_config();
  Json embedder_;
  TemporaryFolder folder_;
  std::unique_ptr<KnowledgeBase> base_;
  std::function<ScriptedResponse(const ReceivedRequest&)> handler_ =
      [](const ReceivedRequest& request) {
        return ScriptedResponse{.body = answer(request).dump()};
      };
  HttpServer server_;  ///< Last: it calls `handler_` until it is gone.
};

TEST_F(OpenaiEmbedderTest, PutsVectorsInTheOrderOfTheTextsAtNormOne) {
  const Embedder& embedder = open();
  ASSERT_EQ(embedder.dimension(), 3U);
  handler_ = [](const ReceivedRequest& request) {
    const Json input = Json::parse(request.body).at("input");
    Json data = Json::array();
    for (std::size_t i = input.size(); i > 0; --i) {
      const bool is_a = input[i - 1] == "a";
      data.push_back({{"index", i - 1}, {"embedding", {is_a ? 2 : 0, is_a ? 0 : 5, 0}}});
    }
    return ScriptedResponse{.body = Json{{"data", data}}.dump()};
  };
  EXPECT_THAT(embed(embedder, {"a", "b", "a"}),
              testing::ElementsAre(1.0F, 0.0F, 0.0F, 0.0F, 1.0F, 0.0F, 1.0F, 0.0F, 0.0F));
}

TEST_F(OpenaiEmbedderTest, SendsModelPrefixesDimensionsAndKey) {
  ::setenv("CRUDBENCH_TEST_KEY", "sk-secret-123", 1);
  const Embedder& embedder = open({{"query_prefix", "查询："},
                                   {"passage_prefix", "文："},
                                   {"dimensions", 3},
                                   {"api_key_env", "CRUDBENCH_TEST_KEY"}});
  embed(embedder, {"台风"}, TextRole::kQuery);
  embed(embedder, {"台风"}, TextRole::kPassage);
  const std::vector<ReceivedRequest> requests = server_.requests();
  const ReceivedRequest& query = requests[requests.size() - 2];
  EXPECT_EQ(query.target, "/v1/embeddings");
  EXPECT_EQ(query.headers.at("authorization"), "Bearer sk-secret-123");
  const Json body = Json::parse(query.body);
  EXPECT_EQ(body.at("model"), "m");
  EXPECT_EQ(body.at("dimensions"), 3);
  EXPECT_EQ(body.at("input"), Json({"查询：台风"}));
  EXPECT_EQ(Json::parse(requests.back().body).at("input"), Json({"文：台风"}));
}

TEST_F(OpenaiEmbedderTest, RefusesAnswersThatDoNotFit) {
  EXPECT_ERROR(embed_with([](Json& data) { data.erase(0); }), ErrorCode::kBadReply,
               "batch 1 of 2 texts, attempt 1: the answer has 1 vectors for 2 texts");
  EXPECT_ERROR(embed_with([](Json& data) { data[0]["index"] = data.size() - 2; }),
               ErrorCode::kBadReply, "is there twice");
  EXPECT_ERROR(embed_with([](Json& data) { data[0]["index"] = 7; }), ErrorCode::kBadReply,
               "from 0 to 1");
  EXPECT_ERROR(embed_with([](Json& data) { data[0]["embedding"].push_back(1.0); }),
               ErrorCode::kBadReply, "has 4 dimensions and not 3");
  EXPECT_ERROR(embed_with([](Json& data) { data[0]["embedding"][1] = 1e300; }),
               ErrorCode::kBadReply, "not finite");
  EXPECT_ERROR(embed_with([](Json& data) { data[0]["embedding"][1] = "NaN"; }),
               ErrorCode::kBadReply, "no number");
  EXPECT_ERROR(embed_with([](Json& data) { data = "x"; }), ErrorCode::kBadReply,
               "attempt 2: the answer has no list \"data\"");
}

TEST_F(OpenaiEmbedderTest, TriesAgainWhatMayPassAndHidesTheKey) {
  ::setenv("CRUDBENCH_TEST_KEY", "sk-secret-123", 1);
  const Embedder& embedder = open({{"api_key_env", "CRUDBENCH_TEST_KEY"}});
  std::atomic<int> failures = 0;
  handler_ = [&failures](const ReceivedRequest& request) {
    return failures++ == 0 ? ScriptedResponse{.status = 503, .body = "busy"}
                           : ScriptedResponse{.body = answer(request).dump()};
  };
  EXPECT_EQ(embed(embedder, {"a"})[0], 0.6F);
  handler_ = [](const ReceivedRequest&) {
    return ScriptedResponse{.status = 401, .body = "bad key sk-secret-123"};
  };
  try {
    embed(embedder, {"a"});
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.what(), HasSubstr("HTTP 401: bad key ***"));
    EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
  }
}

TEST_F(OpenaiEmbedderTest, ContinuesWhereAFailedRunStoppedRequestByRequest) {
  // 3,000 chunks are 1,500 requests of two texts; those that were answered are not sent again.
  open();
  std::atomic<std::size_t> answered = 0;
  std::atomic<std::size_t> quota = 700;
  handler_ = [&](const ReceivedRequest& request) {
    if (answered == quota) {
      return ScriptedResponse{.status = 400, .body = "the quota is used up"};
    }
    ++answered;
    return ScriptedResponse{.body = answer(request).dump()};
  };
  EXPECT_ERROR(base_->vectors(chunker_, embedder_), ErrorCode::kUnavailable, "quota");
  open();
  quota = 3000;
  const std::size_t resumed = server_.requests().size();
  const std::span<const float> rows = base_->vectors(chunker_, embedder_);
  EXPECT_EQ(rows.size(), 9000U);
  for (std::size_t row = 0; row < rows.size() / 3; ++row) {
    ASSERT_EQ(rows[3 * row], 0.6F) << row;
  }
  // Answers that were under way when the first process gave up are asked for again.
  const std::size_t under_way = 8;
  EXPECT_GE(server_.requests().size() - resumed, 1500U - 700U);
  EXPECT_LE(server_.requests().size() - resumed, 1500U - 700U + under_way);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_NE(entry.path().extension(), ".unfinished");
  }
}

TEST_F(OpenaiEmbedderTest, TakesNoKeyFromTheConfiguration) {
  EXPECT_ERROR(open({{"api_key", "sk-secret-123"}}), ErrorCode::kInvalidConfig, "api_key_env");
  EXPECT_ERROR(open({{"api_key_env", "CRUDBENCH_TEST_UNSET"}}), ErrorCode::kInvalidConfig,
               "'CRUDBENCH_TEST_UNSET'");
}

}  // namespace
}  // namespace crudbench
