#include "harness/generators/openai_reply.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

const KeyMask kNoKey("");

EndpointReply read(HttpResponse response, const OpenaiReplyFormat& format = {}) {
  response.status = response.status == 0 ? 200 : response.status;
  return read_openai_reply({.response = std::move(response)}, format, kNoKey);
}

/// A chunk of a stream with this delta.
std::string chunk(const Json& delta, const Json& finish_reason = nullptr) {
  return "data: " +
         Json{{"choices", {{{"delta", delta}, {"finish_reason", finish_reason}}}}}.dump() + "\n\n";
}

std::string failure_class(const EndpointReply& reply) {
  return reply.reply.failure ? reply.reply.failure->failure_class : "none";
}

TEST(OpenaiReply, CollectsAStream) {
  const EndpointReply reply =
      read({.body = chunk({{"role", "assistant"}}) + chunk({{"content", "答"}}) +
                    chunk({{"content", "案"}}) + chunk(Json::object(), "stop") +
                    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
                    "\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"});
  EXPECT_EQ(reply.reply.text, "答案");
  EXPECT_EQ(reply.reply.finish_reason, "stop");
  EXPECT_EQ(reply.reply.usage, (Usage{3, -1, 2}));
  EXPECT_EQ(failure_class(reply), "none");
}

TEST(OpenaiReply, TellsWhenThePiecesOfAStreamCame) {
  const std::string first = chunk({{"role", "assistant"}});
  const std::string second = first + chunk({{"content", "一"}});
  const std::string third = second + chunk({{"content", "二"}});
  const std::string all = third + chunk({{"content", "三"}}, "stop");
  const EndpointReply reply = read({.body = all,
                                    .arrivals = {{first.size(), 0.25},
                                                 {second.size() + 4, 0.5},
                                                 {third.size(), 0.75},
                                                 {all.size(), 1.5}}});
  EXPECT_EQ(reply.reply.timing.first_token_seconds, 0.5);
  EXPECT_EQ(reply.reply.timing.inter_token_seconds, 0.5) << "(1.5 - 0.5) / 2";
}

TEST(OpenaiReply, AcceptsAnAnswerInOnePieceWhereAStreamWasAskedFor) {
  const EndpointReply reply =
      read({.body = R"({"choices":[{"message":{"content":"答"},"finish_reason":"stop"}]})",
            .arrivals = {{10, 0.5}}});
  EXPECT_EQ(reply.reply.text, "答");
  EXPECT_EQ(reply.reply.timing, StreamTiming());
}

TEST(OpenaiReply, TakesAStreamThatBreaksOffAsMalformed) {
  for (const std::string& body :
       {chunk({{"content", "半"}}), chunk({{"content", "半"}}) + "data: {",
        std::string(": ping\n\n")}) {
    const EndpointReply reply = read({.body = body});
    EXPECT_EQ(failure_class(reply), "malformed") << body;
    EXPECT_TRUE(reply.is_retriable);
  }
}

TEST(OpenaiReply, TakesNonsenseInAStreamAsMalformed) {
  for (const char* data : {"NaN", "{\"choices\": 1}", "{\"choices\": [{\"delta\": 3}]}",
                           "{\"choices\": [{\"delta\": {\"content\": 3}}]}", "[]", "{",
                           "{\"error\": {\"message\": \"overloaded\"}}"}) {
    EXPECT_EQ(failure_class(read({.body = std::string("data: ") + data + "\n\ndata: [DONE]\n\n"})),
              "malformed")
        << data;
  }
}

TEST(OpenaiReply, TakesTheEndOfAStreamOnce) {
  const std::string end = chunk({{"content", "完"}}, "stop");
  EXPECT_EQ(read({.body = chunk({{"content", "说"}}) + end + end + "data: [DONE]\n\ndata: x\n\n"})
                .reply.text,
            "说完");
}

TEST(OpenaiReply, TakesAnEventWithARepeatedIdOnce) {
  const std::string event = "id: 7\n" + chunk({{"content", "哈"}});
  EXPECT_EQ(read({.body = event + event + "data: [DONE]\n\n"}).reply.text, "哈");
}

TEST(OpenaiReply, KeepsReasoningApart) {
  for (const char* key : {"reasoning_content", "reasoning"}) {
    const EndpointReply whole =
        read({.body = Json{{"choices", {{{"message", {{"content", "答"}, {key, "想"}}}}}}}.dump()});
    EXPECT_EQ(whole.reply.text, "答");
    EXPECT_EQ(whole.reply.reasoning, "想");
    const EndpointReply streamed = read({.body = chunk({{key, "想"}, {"content", nullptr}}) +
                                                 chunk({{"content", "答"}}) + "data: [DONE]\n\n"});
    EXPECT_EQ(streamed.reply.text, "答");
    EXPECT_EQ(streamed.reply.reasoning, "想");
  }
}

TEST(OpenaiReply, SplitsThinkBlocksUnlessToldToKeepThem) {
  const HttpResponse response{.body =
                                  R"({"choices":[{"message":{"content":"<think>想</think>答"}}]})"};
  EXPECT_EQ(read(response).reply.text, "答");
  EXPECT_EQ(read(response).reply.reasoning, "想");
  EXPECT_EQ(read(response, {.splits_reasoning = false}).reply.text, "<think>想</think>答");
}

TEST(OpenaiReply, TakesReasoningWithoutAnAnswerAsEmpty) {
  const EndpointReply reply = read(
      {.body =
           R"({"choices":[{"message":{"content":"<think>想","role":"assistant"},"finish_reason":"length"}]})"});
  EXPECT_EQ(failure_class(reply), "empty");
  EXPECT_EQ(reply.reply.failure->message,
            "the answer is blank (finish_reason \"length\") after reasoning");
}

TEST(OpenaiReply, ReadsTheOlderInterface) {
  const OpenaiReplyFormat completions{.is_chat = false};
  EXPECT_EQ(read({.body = R"({"choices":[{"text":"答","finish_reason":"stop"}]})"}, completions)
                .reply.text,
            "答");
  EXPECT_EQ(
      read({.body = "data: {\"choices\":[{\"text\":\"答\"}]}\n\ndata: [DONE]\n\n"}, completions)
          .reply.text,
      "答");
  EXPECT_EQ(
      failure_class(read({.body = R"({"choices":[{"message":{"content":"答"}}]})"}, completions)),
      "malformed");
}

TEST(OpenaiReply, ReadsCachedTokensByBothNames) {
  EXPECT_EQ(read({.body = R"({"choices":[{"message":{"content":"答"}}],
      "usage":{"prompt_tokens":9,"completion_tokens":1,"prompt_cache_hit_tokens":8}})"})
                .reply.usage,
            (Usage{9, 8, 1}));
}

TEST(OpenaiReply, SaysWhatAFailureTellsOfTheEndpoint) {
  const auto fate_of = [](int status) { return read({.status = status, .body = "{}"}).fate; };
  EXPECT_EQ(fate_of(200), RequestFate::kFailed) << "an answer without choices";
  EXPECT_EQ(fate_of(400), RequestFate::kAnswered);
  EXPECT_EQ(fate_of(408), RequestFate::kOverloaded);
  EXPECT_EQ(fate_of(429), RequestFate::kOverloaded);
  EXPECT_EQ(fate_of(500), RequestFate::kFailed);
  EXPECT_EQ(fate_of(503), RequestFate::kOverloaded);
  const HttpResult timed_out{.failure = HttpFailure{"timeout", "too slow"}};
  EXPECT_EQ(read_openai_reply(timed_out, {}, kNoKey).fate, RequestFate::kOverloaded);
  const HttpResult refused{.failure = HttpFailure{"connect", "refused"}};
  EXPECT_EQ(read_openai_reply(refused, {}, kNoKey).fate, RequestFate::kFailed);
}

}  // namespace
}  // namespace crudbench
