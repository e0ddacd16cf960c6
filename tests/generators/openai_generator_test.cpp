#include <chrono>
#include <cstdlib>
#include <thread>

#include "harness/core/random.h"
#include "harness/generators/builtin_generators.h"
#include "tests/fakes/generation.h"
#include "tests/fakes/http_server.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;
using testing_support::HttpServer;
using testing_support::ListSource;
using testing_support::numbered_prompts;
using testing_support::ReceivedRequest;
using testing_support::RecordingSink;
using testing_support::ScriptedResponse;
using Fault = ScriptedResponse::Fault;

constexpr const char* kKeyVariable = "CRUDBENCH_TEST_API_KEY";
/// Odd on purpose: quotes and backslashes change inside JSON, '%' inside URLs.
constexpr const char* kKey = R"(sk-"test\key%41/{})";

ScriptedResponse completion(const std::string& text, const std::string& finish_reason = "stop") {
  return {.body = Json{{"choices",
                        {{{"message", {{"role", "assistant"}, {"content", text}}},
                          {"finish_reason", finish_reason}}}},
                       {"usage",
                        {{"prompt_tokens", 11},
                         {"completion_tokens", 5},
                         {"prompt_tokens_details", {{"cached_tokens", 8}}}}}}
                      .dump()};
}

ScriptedResponse error_answer(int status, const std::string& message, Json more = Json::object()) {
  more["message"] = message;
  return {.status = status, .body = Json{{"error", more}}.dump()};
}

HttpServer::Handler always(ScriptedResponse response) {
  return [response](const ReceivedRequest&) { return response; };
}

/// Gives each answer once, the last one forever.
HttpServer::Handler in_turn(std::vector<ScriptedResponse> responses) {
  return [responses, next = std::size_t{0}](const ReceivedRequest&) mutable {
    return responses[std::min(next++, responses.size() - 1)];
  };
}

class OpenaiGeneratorTest : public testing::Test {
 protected:
  OpenaiGeneratorTest() {
    ::setenv(kKeyVariable, kKey, 1);
    add_builtin_generators(catalog_);
  }
  ~OpenaiGeneratorTest() override { ::unsetenv(kKeyVariable); }

  Json options(const std::string& base_url, const Json& changes = Json::object()) {
    Json merged = {{"type", "openai"},      {"base_url", base_url},
                   {"model", "test-model"}, {"api_key_env", kKeyVariable},
                   {"backoff_s", 0.001},    {"timeout_s", 5.0}};
    merged.update(changes);
    return merged;
  }

  std::unique_ptr<Generator> make(const Json& value) {
    return catalog_.generators.build(
        catalog_.generators.resolve(value, "experiment.json", "/generator"), {executor_});
  }

  /// The reply to one prompt from a server at `server`.
  Reply ask(const HttpServer& server, const Json& changes = Json::object()) {
    ListSource source({{.ticket = 3, .sample_id = "s", .text = "问题"}});
    RecordingSink sink;
    make(options(server.url("/v1"), changes))->generate(source, sink, {});
    return sink.reply(3);
  }

  void expect_config_error(const Json& changes, const std::string& fragment) {
    EXPECT_ERROR(catalog_.generators.resolve(options("http://127.0.0.1:1/v1", changes),
                                             "experiment.json", "/generator"),
                 ErrorCode::kInvalidConfig, fragment);
  }

  SerialExecutor executor_;
  Catalog catalog_;
};

TEST_F(OpenaiGeneratorTest, SendsAChatRequest) {
  const HttpServer server(always(completion("答")));
  ask(server, {{"system", "你是记者"},
               {"seed", 22},
               {"top_p", 0.5},
               {"extra_body", {{"top_k", 4}}},
               {"extra_headers", {{"X-Team", "a"}}}});
  const ReceivedRequest request = server.requests().at(0);
  EXPECT_EQ(request.target, "/v1/chat/completions");
  EXPECT_EQ(request.headers.at("authorization"), std::string("Bearer ") + kKey);
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(request.headers.at("x-team"), "a");
  EXPECT_EQ(Json::parse(request.body), Json::parse(R"({
    "model": "test-model", "temperature": 0.1, "max_tokens": 1280, "top_p": 0.5, "seed": 22, "top_k": 4,
    "messages": [{"role": "system", "content": "你是记者"}, {"role": "user", "content": "问题"}]})"));
}

TEST_F(OpenaiGeneratorTest, SendsWhatTheOlderInterfaceTakes) {
  const HttpServer server(always({.body = R"({"choices": [{"text": "答"}]})"}));
  EXPECT_EQ(
      ask(server, {{"api", "completions"}, {"system", "你是记者"}, {"stop", {"。", "！"}}}).text,
      "答");
  EXPECT_EQ(server.requests().at(0).target, "/v1/completions");
  EXPECT_EQ(Json::parse(server.requests().at(0).body), Json::parse(R"({
    "model": "test-model", "temperature": 0.1, "max_tokens": 1280, "stop": ["。", "！"],
    "prompt": "你是记者\n\n问题"})"));
}

TEST_F(OpenaiGeneratorTest, AsksForAStreamWithItsUsage) {
  const HttpServer server(
      always({.body = "data: {\"choices\":[{\"delta\":{\"content\":\"答\"}}]}\n\ndata: [DONE]\n\n",
              .content_type = "text/event-stream"}));
  const Reply reply = ask(server, {{"stream", true}});
  EXPECT_EQ(reply.text, "答");
  EXPECT_TRUE(reply.timing.first_token_seconds.has_value());
  const ReceivedRequest request = server.requests().at(0);
  EXPECT_EQ(request.headers.at("accept"), "text/event-stream");
  const Json body = Json::parse(request.body);
  EXPECT_EQ(body.at("stream"), true);
  EXPECT_EQ(body.at("stream_options"), Json({{"include_usage", true}}));
}

TEST_F(OpenaiGeneratorTest, NamesTheLengthAndLeavesTheTemperatureAsTold) {
  const HttpServer server(always(completion("答")));
  ask(server, {{"max_tokens_field", "max_completion_tokens"},
               {"max_tokens", 77},
               {"temperature", nullptr}});
  const Json body = Json::parse(server.requests().at(0).body);
  EXPECT_EQ(body.at("max_completion_tokens"), 77);
  EXPECT_FALSE(body.contains("max_tokens"));
  EXPECT_FALSE(body.contains("temperature"));
}

TEST_F(OpenaiGeneratorTest, TakesPathQueryAndKeyHeaderAsAzureWantsThem) {
  const HttpServer server(always(completion("答")));
  ask(server, {{"base_url", server.url("/openai/deployments/gpt")},
               {"query", {{"api-version", "2024-06-01 &"}}},
               {"api_key_header", "api-key"},
               {"organization", "org-1"},
               {"project", "p"}});
  const ReceivedRequest request = server.requests().at(0);
  EXPECT_EQ(request.target,
            "/openai/deployments/gpt/chat/completions?api-version=2024-06-01%20%26");
  EXPECT_EQ(request.headers.at("api-key"), kKey);
  EXPECT_EQ(request.headers.count("authorization"), 0U);
  EXPECT_EQ(request.headers.at("openai-organization"), "org-1");
  EXPECT_EQ(request.headers.at("openai-project"), "p");
}

TEST_F(OpenaiGeneratorTest, GoesThroughAProxy) {
  const HttpServer proxy(always(completion("答")));
  EXPECT_EQ(ask(proxy, {{"base_url", "http://models.invalid/v1"}, {"proxy", proxy.url()}}).text,
            "答");
  EXPECT_EQ(proxy.requests().at(0).target, "http://models.invalid/v1/chat/completions");
}

TEST_F(OpenaiGeneratorTest, RecordsTheServersNameForEachRequest) {
  ScriptedResponse failure = error_answer(500, "oops");
  failure.headers = {{"X-Request-Id", "req 1\x7F"}};
  const HttpServer server(in_turn({failure, completion("答")}));
  const Reply reply = ask(server);
  EXPECT_EQ(reply.attempts.at(0).request_id, "req_1_");
  EXPECT_EQ(reply.attempts.at(1).request_id, "");
}

TEST_F(OpenaiGeneratorTest, RetriesAClassAsOftenAsItIsTold) {
  const HttpServer server(always(error_answer(500, "oops")));
  EXPECT_EQ(ask(server, {{"retries", {{"http_5xx", 0}}}}).attempts.size(), 1U);
  EXPECT_EQ(ask(server, {{"retries", {{"http_5xx", 6}}}, {"max_attempts", 2}}).attempts.size(), 7U);
  const HttpServer blank(in_turn({completion(" "), completion("答")}));
  EXPECT_EQ(ask(blank, {{"retries", {{"empty", 1}}}}).text, "答");
}

TEST_F(OpenaiGeneratorTest, WaitsOutAnEndpointThatIsDown) {
  // After 16 failures in a row it counts as down, and no more of them count against the prompts.
  const HttpServer server([count = 0](const ReceivedRequest&) mutable -> ScriptedResponse {
    return ++count <= 20 ? ScriptedResponse{.fault = Fault::kReset} : completion("答");
  });
  ListSource source(numbered_prompts(30));
  RecordingSink sink;
  make(
      options(server.url("/v1"), {{"max_concurrency", 4}, {"max_attempts", 6}, {"pause_s", 0.001}}))
      ->generate(source, sink, {});
  ASSERT_EQ(sink.replies().size(), 30U);
  for (const auto& [ticket, replies] : sink.replies()) {
    EXPECT_FALSE(replies.at(0).failure.has_value()) << ticket;
  }
}

TEST_F(OpenaiGeneratorTest, SendsNoKeyWhereNoneIsNamed) {
  const HttpServer server(always(completion("答")));
  ask(server, {{"api_key_env", nullptr}});
  const ReceivedRequest request = server.requests().at(0);
  EXPECT_EQ(request.headers.count("authorization"), 0U);
  const Json body = Json::parse(request.body);
  EXPECT_FALSE(body.contains("seed"));
  EXPECT_FALSE(body.contains("top_p"));
}

TEST_F(OpenaiGeneratorTest, ReturnsTextUsageAndLatency) {
  const HttpServer server(always(completion("<response>答</response>", "length")));
  const Reply reply = ask(server);
  ASSERT_FALSE(reply.failure.has_value());
  EXPECT_EQ(reply.text, "<response>答</response>");
  EXPECT_EQ(reply.finish_reason, "length");
  EXPECT_EQ(reply.usage,
            (Usage{.prompt_tokens = 11, .cached_prompt_tokens = 8, .completion_tokens = 5}));
  EXPECT_GT(reply.seconds, 0.0);
  ASSERT_EQ(reply.attempts.size(), 1U);
  EXPECT_EQ(reply.attempts[0].http_status, 200);
  EXPECT_FALSE(reply.attempts[0].failure.has_value());
}

TEST_F(OpenaiGeneratorTest, TakesMissingOrSenselessUsageAsUnknown) {
  const HttpServer server(always({.body = R"({"choices": [{"message": {"content": "答"}}],
                   "usage": {"prompt_tokens": -4, "completion_tokens": "many"}})"}));
  EXPECT_EQ(ask(server).usage, Usage());
}

TEST_F(OpenaiGeneratorTest, RetriesAndRecordsEachAttempt) {
  const HttpServer server(in_turn({error_answer(429, "slow down"),
                                   error_answer(500, "oops"),
                                   {.fault = Fault::kReset},
                                   completion("答")}));
  const Reply reply = ask(server);
  ASSERT_FALSE(reply.failure.has_value());
  EXPECT_EQ(reply.text, "答");
  ASSERT_EQ(reply.attempts.size(), 4U);
  EXPECT_EQ(reply.attempts[0].failure->failure_class, "rate_limited");
  EXPECT_EQ(reply.attempts[0].http_status, 429);
  EXPECT_EQ(reply.attempts[1].failure->failure_class, "http_5xx");
  EXPECT_EQ(reply.attempts[2].failure->failure_class, "connect");
  EXPECT_FALSE(reply.attempts[3].failure.has_value());
}

TEST_F(OpenaiGeneratorTest, GivesUpAfterTheLastAttempt) {
  const HttpServer server(always(error_answer(503, "overloaded")));
  const Reply reply = ask(server, {{"max_attempts", 3}});
  ASSERT_TRUE(reply.failure.has_value());
  EXPECT_EQ(reply.failure->failure_class, "http_5xx");
  EXPECT_EQ(reply.failure->stage, Stage::kGeneration);
  EXPECT_THAT(reply.failure->message, HasSubstr("HTTP 503: overloaded"));
  EXPECT_EQ(reply.attempts.size(), 3U);
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST_F(OpenaiGeneratorTest, ObeysRetryAfter) {
  ScriptedResponse limited = error_answer(429, "slow down");
  limited.headers = {{"Retry-After", "0.2"}};
  const HttpServer server(in_turn({limited, completion("答")}));
  const Reply reply = ask(server);
  EXPECT_EQ(reply.attempts.size(), 2U);
  EXPECT_GE(reply.seconds, 0.2);
}

TEST_F(OpenaiGeneratorTest, DoesNotRetryWhatAnotherTryCannotMend) {
  for (const int status : {400, 401, 403, 404, 422}) {
    const HttpServer server(always(error_answer(status, "no")));
    const Reply reply = ask(server);
    EXPECT_EQ(reply.failure->failure_class, "http_4xx");
    EXPECT_THAT(reply.failure->message, HasSubstr("HTTP " + std::to_string(status)));
    EXPECT_EQ(reply.attempts.size(), 1U);
  }
}

TEST_F(OpenaiGeneratorTest, RetriesTheClientErrorsThatPass) {
  for (const int status : {408, 409, 425}) {
    const HttpServer server(in_turn({error_answer(status, "later"), completion("答")}));
    EXPECT_FALSE(ask(server).failure.has_value()) << status;
  }
}

TEST_F(OpenaiGeneratorTest, ClassifiesAHang) {
  const HttpServer server(always({.fault = Fault::kHang}));
  const Reply reply = ask(server, {{"timeout_s", 0.05}, {"max_attempts", 2}});
  EXPECT_EQ(reply.failure->failure_class, "timeout");
  EXPECT_EQ(reply.attempts.size(), 2U);
}

TEST_F(OpenaiGeneratorTest, ClassifiesARefusedConnection) {
  std::string url;
  { url = HttpServer(always({})).url("/v1"); }
  ListSource source({{.ticket = 0, .text = "问"}});
  RecordingSink sink;
  make(options(url, {{"max_attempts", 2}}))->generate(source, sink, {});
  EXPECT_EQ(sink.reply(0).failure->failure_class, "connect");
  EXPECT_EQ(sink.reply(0).attempts.size(), 2U);
}

TEST_F(OpenaiGeneratorTest, ClassifiesWhatIsNotACompletionAsMalformed) {
  const std::vector<std::string> bodies = {
      "",
      "<html>login</html>",
      R"({"choices": [)",
      R"({"choices": []})",
      R"({"choices": [{"text": "答"}]})",
      R"({"choices": [{"message": {"content": 5}}]})",
      R"({"choices": [{"message": {"content": NaN}}]})",
      "[1, 2]",
      "\"\xFF\xFE\"",
      std::string(100'000, '['),
  };
  for (const std::string& body : bodies) {
    const HttpServer server(always({.body = body}));
    const Reply reply = ask(server, {{"max_attempts", 2}});
    ASSERT_TRUE(reply.failure.has_value()) << body.substr(0, 60);
    EXPECT_EQ(reply.failure->failure_class, "malformed") << body.substr(0, 60);
    EXPECT_EQ(reply.attempts.size(), 2U) << body.substr(0, 60);
    EXPECT_EQ(reply.attempts[0].http_status, 200);
  }
}

TEST_F(OpenaiGeneratorTest, ClassifiesABlankAnswerAsEmptyAndDoesNotRetry) {
  for (const ScriptedResponse& response :
       {completion(" 　\n"), ScriptedResponse{.body = R"({"choices": [{"message":
         {"content": null}, "finish_reason": "tool_calls"}]})"}}) {
    const HttpServer server(always(response));
    const Reply reply = ask(server);
    EXPECT_EQ(reply.failure->failure_class, "empty");
    EXPECT_EQ(reply.attempts.size(), 1U);
  }
}

TEST_F(OpenaiGeneratorTest, ClassifiesARefusal) {
  for (const ScriptedResponse& response :
       {completion("", "content_filter"), ScriptedResponse{.body = R"({"choices": [{"message":
          {"content": null, "refusal": "I cannot"}, "finish_reason": "stop"}]})"},
        error_answer(400, "filtered", {{"code", "content_filter"}})}) {
    const HttpServer server(always(response));
    EXPECT_EQ(ask(server).failure->failure_class, "refused");
  }
}

TEST_F(OpenaiGeneratorTest, ClassifiesAPromptThatIsTooLong) {
  for (const ScriptedResponse& response :
       {error_answer(400, "too long", {{"code", "context_length_exceeded"}}),
        error_answer(400, "This model's maximum context length is 4096 tokens"),
        error_answer(413, "payload")}) {
    const HttpServer server(always(response));
    const Reply reply = ask(server);
    EXPECT_EQ(reply.failure->failure_class, "too_long");
    EXPECT_EQ(reply.attempts.size(), 1U);
  }
}

TEST_F(OpenaiGeneratorTest, FollowsNoRedirectToAnotherServer) {
  const HttpServer other(always(completion("stolen")));
  const HttpServer server(always({.status = 307, .headers = {{"Location", other.url("/v1")}}}));
  EXPECT_EQ(ask(server).failure->failure_class, "redirect");
  EXPECT_TRUE(other.requests().empty());
}

TEST_F(OpenaiGeneratorTest, QuotesTheServerShortenedAndOnOneLine) {
  std::string words = "line\n\x1B[2Jclear ";
  for (int i = 0; i < 300; ++i) {
    words += "字";
  }
  const HttpServer server(always(error_answer(400, words)));
  const std::string message = ask(server).failure->message;
  EXPECT_THAT(message, HasSubstr("HTTP 400: line  [2Jclear 字字"));
  EXPECT_THAT(message, testing::EndsWith("字…"));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  EXPECT_THAT(message, Not(HasSubstr("\x1B")));
  EXPECT_LE(message.size(), std::string("HTTP 400: ").size() + 3 * 200 + 3);
}

TEST_F(OpenaiGeneratorTest, NeverRepeatsTheKey) {
  const std::string key = kKey;
  std::string many;
  for (int i = 0; i < 40; ++i) {
    many += key + " ";
  }
  const std::vector<ScriptedResponse> responses = {
      error_answer(401, "invalid key " + key),
      error_answer(401, many),
      error_answer(500, std::string(190, 'x') + key),
      {.status = 403, .body = "forbidden: Bearer " + key},
      {.body = "not json " + key},
      {.body = Json{{"echo", key}}.dump()},
      completion("你的密钥是" + key),
      completion("", key),
      completion("答", key),
      {.status = 302, .headers = {{"Location", "http://" + key + "/"}}},
  };
  for (const ScriptedResponse& response : responses) {
    const HttpServer server(always(response));
    const Reply reply = ask(server, {{"max_attempts", 2}});
    std::string said = reply.text + "\n" + reply.finish_reason;
    if (reply.failure) {
      said += "\n" + reply.failure->message;
    }
    for (const Attempt& attempt : reply.attempts) {
      said += attempt.failure ? "\n" + attempt.failure->message : "";
    }
    EXPECT_THAT(said, Not(HasSubstr("sk-"))) << response.body;
  }
}

TEST_F(OpenaiGeneratorTest, LeavesAPlaceHolderKeyInAnswers) {
  ::setenv(kKeyVariable, "none", 1);
  const HttpServer server(always(completion("second to none")));
  EXPECT_EQ(ask(server).text, "second to none");
}

TEST_F(OpenaiGeneratorTest, SendsAtMostMaxConcurrencyAtOnce) {
  ScriptedResponse slow = completion("答");
  slow.delay = milliseconds(30);
  const HttpServer server(always(slow));
  ListSource source(numbered_prompts(40));
  RecordingSink sink;
  const auto begin = std::chrono::steady_clock::now();
  make(options(server.url("/v1"), {{"max_concurrency", 10}}))->generate(source, sink, {});
  EXPECT_EQ(sink.replies().size(), 40U);
  EXPECT_LE(server.connection_count(), 10U);
  EXPECT_GE(server.connection_count(), 5U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(40 * 30));
}

TEST_F(OpenaiGeneratorTest, EndsEveryPromptOnceAmongThirtyPercentFaults) {
  std::map<std::string, int> times;
  std::map<std::string, int> completed;
  const HttpServer server([&](const ReceivedRequest& request) -> ScriptedResponse {
    const int time = ++times[request.body];
    Random random(derive_seed(static_cast<std::uint64_t>(time), request.body));
    if (random.unit() >= 0.3) {
      ++completed[request.body];
      return completion("答：" +
                        Json::parse(request.body)["messages"][0]["content"].get<std::string>());
    }
    switch (random.below(7)) {
      case 0:
        return error_answer(429, "slow down");
      case 1:
        return {.status = 429, .headers = {{"Retry-After", "0"}}, .body = "{}"};
      case 2:
        return error_answer(500, "oops");
      case 3:
        return {.fault = Fault::kHang};
      case 4:
        return {.body = "\x01garbage", .fault = Fault::kRaw};
      case 5:
        return {.fault = Fault::kReset};
      default:
        return {.body = R"({"choices": [{"message": {"content": "half"}}]})",
                .fault = Fault::kCloseMidBody};
    }
  });
  ListSource source(numbered_prompts(500), 3);
  RecordingSink sink;
  make(options(server.url("/v1"),
               {{"max_concurrency", 32}, {"timeout_s", 0.3}, {"max_attempts", 3}}))
      ->generate(source, sink, {});

  ASSERT_EQ(sink.replies().size(), 500U);
  std::size_t failed = 0;
  std::size_t attempts = 0;
  for (const auto& [ticket, replies] : sink.replies()) {
    ASSERT_EQ(replies.size(), 1U) << ticket;
    const Reply& reply = replies.front();
    attempts += reply.attempts.size();
    if (reply.failure) {
      ++failed;
      EXPECT_EQ(reply.attempts.size(), 3U);
    } else {
      EXPECT_EQ(reply.text, "答：问题" + std::to_string(ticket));
    }
  }
  // 0.3^3 = 2.7 % of 500 are expected to fail three times: 13.5, standard deviation 3.6.
  EXPECT_GT(failed, 0U);
  EXPECT_LT(failed, 35U);
  EXPECT_EQ(attempts, server.requests().size());
  for (const auto& [body, count] : completed) {
    EXPECT_EQ(count, 1) << "sent again after success: " << body;
  }
}

TEST_F(OpenaiGeneratorTest, StopsSoonAndHandsNothingOverForWhatWasUnderWay) {
  const HttpServer server(always({.fault = Fault::kHang}));
  ListSource source(numbered_prompts(100));
  RecordingSink sink;
  std::stop_source stop;
  std::chrono::steady_clock::time_point stopped;
  std::jthread stopper([&] {
    while (server.requests().size() < 8) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    stopped = std::chrono::steady_clock::now();
    stop.request_stop();
  });
  make(options(server.url("/v1")))->generate(source, sink, stop.get_token());
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, milliseconds(900));
  EXPECT_TRUE(sink.replies().empty());
  EXPECT_EQ(source.pulled(), 8U);
}

TEST_F(OpenaiGeneratorTest, StopsWhileItWaitsForARetry) {
  ScriptedResponse limited = error_answer(429, "slow down");
  limited.headers = {{"Retry-After", "100"}};
  const HttpServer server(always(limited));
  ListSource source(numbered_prompts(1));
  RecordingSink sink;
  std::stop_source stop;
  std::jthread stopper([&] {
    while (server.requests().empty()) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    std::this_thread::sleep_for(milliseconds(20));
    stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  make(options(server.url("/v1")))->generate(source, sink, stop.get_token());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, milliseconds(2000));
  EXPECT_TRUE(sink.replies().empty());
}

TEST_F(OpenaiGeneratorTest, LetsTheSinksExceptionPass) {
  const HttpServer server(always(completion("答")));
  ListSource source(numbered_prompts(20));
  RecordingSink sink([](std::size_t, const Reply&) { throw Error(ErrorCode::kIo, "disk full"); });
  const auto generator = make(options(server.url("/v1")));
  EXPECT_ERROR(generator->generate(source, sink, {}), ErrorCode::kIo, "disk full");
}

TEST_F(OpenaiGeneratorTest, ChecksItsOptions) {
  expect_config_error({{"base_url", "127.0.0.1:80"}},
                      "experiment.json: /generator/base_url must be a URL");
  expect_config_error({{"base_url", "http://h/v1?key=1"}}, "expected a URL without '?' and '#'");
  expect_config_error({{"base_url", "http://u:p@h/v1"}}, "must not hold a user name or password");
  expect_config_error({{"model", ""}}, "/generator/model: expected the name of a model");
  expect_config_error({{"max_concurrency", 0}}, "/generator/max_concurrency");
  expect_config_error({{"temprature", 1}}, "did you mean 'temperature'?");
  expect_config_error({{"extra_body", {{"stream", true}}}}, "an object without \"stream\"");
  expect_config_error({{"api", "images"}}, "/generator/api: expected one of");
  expect_config_error({{"path", "chat"}}, "/generator/path: expected a path");
  expect_config_error({{"query", {{"a", 1}}}}, "/generator/query: expected an object of strings");
  expect_config_error({{"retries", {{"timeouts", 1}}}}, "/generator/retries/timeouts: unknown key");
  expect_config_error({{"proxy", "http://u:p@h"}}, "must not hold a user name or password");
  expect_config_error({{"api_key_header", "a b"}}, "the name of a header");
  expect_config_error({{"extra_body", 1}}, "/generator/extra_body: expected an object");
  expect_config_error({{"extra_headers", {{"X", 1}}}}, "an object of strings");
  expect_config_error({{"extra_headers", {{"X", "a\r\nb"}}}}, "without line breaks");
}

TEST_F(OpenaiGeneratorTest, RefusesSecretsInTheConfigurationWithoutQuotingThem) {
  const std::vector<Json> secrets = {{{"api_key", "sk-1234"}},
                                     {{"api_key_env", "sk-1234"}},
                                     {{"extra_headers", {{"Authorization", "Bearer sk-1234"}}}},
                                     {{"extra_headers", {{"api-key", "sk-1234"}}}}};
  for (const Json& changes : secrets) {
    try {
      catalog_.generators.resolve(options("http://127.0.0.1:1/v1", changes), "e.json",
                                  "/generator");
      ADD_FAILURE() << changes;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("api_key_env"));
      EXPECT_THAT(error.what(), Not(HasSubstr("sk-1234")));
    }
  }
}

TEST_F(OpenaiGeneratorTest, NeedsTheKeyWhenMadeButNotWhenChecked) {
  ::unsetenv(kKeyVariable);
  const Json value = options("http://127.0.0.1:1/v1");
  EXPECT_NO_THROW(catalog_.generators.resolve(value, "e.json", "/generator"));
  EXPECT_ERROR(make(value), ErrorCode::kInvalidConfig, kKeyVariable);
}

TEST_F(OpenaiGeneratorTest, RefusesAKeyWithALineBreakWithoutQuotingIt) {
  ::setenv(kKeyVariable, "sk-1234\n", 1);
  try {
    make(options("http://127.0.0.1:1/v1"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(kKeyVariable));
    EXPECT_THAT(error.what(), Not(HasSubstr("sk-1234")));
  }
}

TEST_F(OpenaiGeneratorTest, TakesABaseUrlWithATrailingSlash) {
  const HttpServer server(always(completion("答")));
  ask(server, {{"base_url", server.url("/v1/")}});
  EXPECT_EQ(server.requests().at(0).target, "/v1/chat/completions");
}

}  // namespace
}  // namespace crudbench
