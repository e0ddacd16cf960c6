#include <cstdlib>

#include "harness/generators/builtin_generators.h"
#include "tests/fakes/generation.h"
#include "tests/fakes/http_server.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::HttpServer;
using testing_support::ListSource;
using testing_support::ReceivedRequest;
using testing_support::RecordingSink;
using testing_support::ScriptedResponse;

class RagEndpointTest : public testing::Test {
 protected:
  RagEndpointTest() { add_builtin_generators(catalog_); }

  Json resolve(const Json& changes) {
    Json options = {{"type", "rag_endpoint"}, {"base_url", "http://127.0.0.1:1"}};
    options.update(changes);
    return catalog_.generators.resolve(options, "e.json", "/generator");
  }

  /// The reply of a service that gives `response`.
  Reply ask(const ScriptedResponse& response, const Json& changes) {
    const HttpServer server([&](const ReceivedRequest&) { return response; });
    Json options = {{"base_url", server.url()}, {"backoff_s", 0.001}, {"max_attempts", 2}};
    options.update(changes);
    ListSource source({{.ticket = 1,
                        .sample_id = "s1",
                        .task = "questanswer_1doc",
                        .text = "全部",
                        .fields = {{"beginning_text", "开头 {query}"}},
                        .query = "谁\"?"}});
    RecordingSink sink;
    catalog_.generators.build(resolve(options), {executor_})->generate(source, sink, {});
    requests_ = server.requests();
    return sink.reply(1);
  }

  SerialExecutor executor_;
  Catalog catalog_;
  std::vector<ReceivedRequest> requests_;
};

TEST_F(RagEndpointTest, FillsItsTemplateInOnePass) {
  ask({.body = R"({"answer": "答"})"},
      {{"path", "/ask"},
       {"request",
        {{"q", "{query}"},
         {"k", 5},
         {"deep", {{{"text", "<{task}> {beginning_text} {unknown} {"}}}},
         {"all", "{prompt} {sample_id}"}}}});
  ASSERT_EQ(requests_.size(), 1U);
  EXPECT_EQ(requests_[0].target, "/ask");
  EXPECT_EQ(Json::parse(requests_[0].body),
            (Json{{"q", "谁\"?"},
                  {"k", 5},
                  {"deep", {{{"text", "<questanswer_1doc> 开头 {query} {unknown} {"}}}},
                  {"all", "全部 s1"}}));
}

TEST_F(RagEndpointTest, FindsAnswerContextsAndUsage) {
  const Reply reply = ask({.body = R"({"data": {"text": "答", "docs":
          [{"id": "a.txt:1", "body": "一"}, {"body": "二"}]},
          "usage": {"prompt_tokens": 5, "completion_tokens": 2}})"},
                          {{"answer", "/data/text"},
                           {"contexts", "/data/docs"},
                           {"context_text", "body"},
                           {"context_id", "id"},
                           {"usage", "/usage"}});
  EXPECT_EQ(reply.text, "答");
  EXPECT_EQ(reply.contexts,
            (std::vector<ExternalContext>{{.doc_id = "a.txt:1", .text = "一"}, {.text = "二"}}));
  EXPECT_EQ(reply.usage, (Usage{5, -1, 2}));
}

TEST_F(RagEndpointTest, TakesContextsThatArePlainTexts) {
  const Reply reply =
      ask({.body = R"({"answer": "答", "contexts": ["一", "二"]})"}, {{"contexts", "/contexts"}});
  EXPECT_EQ(reply.contexts, (std::vector<ExternalContext>{{.text = "一"}, {.text = "二"}}));
}

TEST_F(RagEndpointTest, KnowsNoContextsWhereNoneAreAskedFor) {
  EXPECT_FALSE(ask({.body = R"({"answer": "答", "contexts": ["一"]})"}, Json::object())
                   .contexts.has_value());
}

TEST_F(RagEndpointTest, TakesWhatHasNotTheAgreedFormAsMalformed) {
  for (const char* body :
       {"", "[]", "{}", R"({"answer": 5})", R"({"answer": "答"})",
        R"({"answer": "答", "contexts": "一"})", R"({"answer": "答", "contexts": [5]})",
        R"({"answer": "答", "contexts": [{}]})"}) {
    const Reply reply = ask({.body = body}, {{"contexts", "/contexts"}});
    ASSERT_TRUE(reply.failure) << body;
    EXPECT_EQ(reply.failure->failure_class, "malformed") << body;
    EXPECT_EQ(reply.attempts.size(), 2U);
  }
}

TEST_F(RagEndpointTest, TakesABlankAnswerAsEmpty) {
  EXPECT_EQ(ask({.body = R"({"answer": " "})"}, Json::object()).failure->failure_class, "empty");
}

TEST_F(RagEndpointTest, ChecksItsOptions) {
  EXPECT_ERROR(resolve({{"answer", "answer"}}), ErrorCode::kInvalidConfig, "a JSON pointer");
  EXPECT_ERROR(resolve({{"request", "x"}}), ErrorCode::kInvalidConfig, "the body to send");
  EXPECT_ERROR(resolve({{"path", "ask"}}), ErrorCode::kInvalidConfig, "a path such as /ask");
  EXPECT_ERROR(resolve({{"path", "/ask?key=1"}}), ErrorCode::kInvalidConfig, "a path such as");
  EXPECT_ERROR(resolve({{"contxts", "/c"}}), ErrorCode::kInvalidConfig, "did you mean 'contexts'");
}

}  // namespace
}  // namespace crudbench
