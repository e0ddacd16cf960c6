#include "harness/generators/llama_protocol.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

TEST(LlamaProtocol, CarriesRepliesWhole) {
  const LlamaReply reply{.ticket = 7,
                         .text = "好\n\"x\"",
                         .finish_reason = "stop",
                         .usage = {.prompt_tokens = 3, .completion_tokens = 2},
                         .seconds = 0.5,
                         .details = {{"prefill_seconds", 0.25}}};
  const std::string line = reply_line(reply);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const LlamaReply read = parse_llama_message(line).reply.value();
  EXPECT_EQ(read.ticket, 7U);
  EXPECT_EQ(read.text, reply.text);
  EXPECT_FALSE(read.failure);
  EXPECT_EQ(read.usage, reply.usage);
  EXPECT_EQ(read.details, reply.details);
}

TEST(LlamaProtocol, CarriesFailures) {
  const LlamaReply reply{.failure = Failure{.failure_class = "too_long", .message = "413 tokens"}};
  EXPECT_EQ(
      parse_llama_message(reply_line(reply)).reply->failure,
      (Failure{.stage = Stage::kGeneration, .failure_class = "too_long", .message = "413 tokens"}));
}

TEST(LlamaProtocol, ReplacesBytesThatAreNoText) {
  const LlamaReply reply{.text = "a\xFF"};
  EXPECT_EQ(parse_llama_message(reply_line(reply)).reply->text, "a\uFFFD");
}

TEST(LlamaProtocol, CarriesErrorsWithTheirCode) {
  const LlamaMessage message =
      parse_llama_message(error_line(Error(ErrorCode::kInvalidData, "is no GGUF file")));
  EXPECT_EQ(message.error->code(), ErrorCode::kInvalidData);
  EXPECT_STREQ(message.error->what(), "is no GGUF file");
}

TEST(LlamaProtocol, RefusesOtherLines) {
  for (const char* line : {"", "x", "[]", "{}", R"({"reply": {"ticket": 1}})", R"({"busy": "x"})",
                           R"({"ready": {}})", R"({"reply": 3})"}) {
    EXPECT_ERROR(parse_llama_message(line), ErrorCode::kBadReply, "protocol");
  }
}

TEST(LlamaProtocol, RefusesAnotherVersion) {
  EXPECT_ERROR(parse_llama_message(R"({"protocol": 2, "ready": {}})"), ErrorCode::kBadReply,
               "another version");
}

}  // namespace
}  // namespace crudbench
