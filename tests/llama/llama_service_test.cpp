#include "harness/llama/llama_service.h"

#include <map>

#include "tests/llama/tiny_models.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

LlamaOptions read(Json json, const std::filesystem::path& model = tiny_moe()) {
  json.update({{"model", model.string()}, {"model_sha256", "x"}, {"threads", 1}});
  Options options(json, "test.json", "/generator");
  return read_llama_options(options);
}

std::map<std::size_t, LlamaReply> run(LlamaService& service) {
  std::map<std::size_t, LlamaReply> replies;
  while (service.load() > 0) {
    for (LlamaReply& reply : service.step()) {
      const std::size_t ticket = reply.ticket;
      replies.emplace(ticket, std::move(reply));
    }
  }
  return replies;
}

TEST(LlamaService, AnswersWithJsonThatItsSchemaAllows) {
  const Json schema = Json::parse(R"({"type": "object", "required": ["supported", "score"],
      "properties": {"supported": {"type": "boolean"},
                     "score": {"type": "integer", "minimum": 1, "maximum": 5}}})");
  const auto service = make_llama_service(read(
      {{"json_schema", schema}, {"temperature", 1.5}, {"max_tokens", 200}, {"context", 1024}}));
  for (std::size_t ticket = 0; ticket < 20; ++ticket) {
    service->submit(ticket, "问题" + std::to_string(ticket));
  }
  const auto replies = run(*service);
  ASSERT_EQ(replies.size(), 20U);
  for (const auto& [ticket, reply] : replies) {
    if (reply.failure) {  // Never a text that is no JSON: one that is cut short has failed.
      EXPECT_EQ(reply.failure->failure_class, "unfinished");
      continue;
    }
    const Json answer = Json::parse(reply.text);
    EXPECT_TRUE(answer.at("supported").is_boolean());
    EXPECT_THAT(answer.at("score").get<int>(), testing::AllOf(testing::Ge(1), testing::Le(5)));
  }
}

TEST(LlamaService, CutsPromptsThatAreTooLongWhereThatIsAllowed) {
  const auto service =
      make_llama_service(read({{"on_overflow", "truncate"}, {"max_tokens", 16}, {"context", 256}}));
  service->submit(0, std::string(1000, 'x'));
  service->submit(1, "short");
  const auto replies = run(*service);
  EXPECT_FALSE(replies.at(0).failure);
  EXPECT_EQ(replies.at(0).usage.prompt_tokens, 240);
  EXPECT_GT(replies.at(0).details.at("left_out_tokens"), 760);
  EXPECT_FALSE(replies.at(1).details.contains("left_out_tokens"));
}

TEST(LlamaService, FailsPromptsThatAreTooLongOtherwise) {
  const auto service = make_llama_service(read({{"max_tokens", 16}, {"context", 256}}));
  service->submit(0, std::string(1000, 'x'));
  const auto replies = run(*service);
  ASSERT_TRUE(replies.at(0).failure);
  EXPECT_EQ(replies.at(0).failure->failure_class, "too_long");
}

TEST(LlamaService, TakesOtherRequestOptionsWithoutLoadingAnew) {
  const auto service = make_llama_service(read({{"max_tokens", 3}, {"chat_template", "none"}},
                                               tiny_model("known", known_routing_model())));
  service->submit(0, "?");
  EXPECT_EQ(run(*service).at(0).text, "abc");
  service->configure(read({{"max_tokens", 5}, {"chat_template", "none"}},
                          tiny_model("known", known_routing_model())));
  service->submit(1, "?");
  EXPECT_EQ(run(*service).at(1).text, "abcde");
}

TEST(LlamaService, SaysWhatIsLoadedAndHowLongItTook) {
  const auto service = make_llama_service(read({{"max_tokens", 4}}));
  EXPECT_EQ(service->describe().at("architecture"), "qwen3moe");
  EXPECT_EQ(service->describe().at("context"), kDefaultContext);
  service->submit(0, "x");
  const LlamaReply reply = run(*service).at(0);
  EXPECT_GT(reply.seconds, 0.0);
  EXPECT_GT(reply.details.at("prefill_seconds").get<double>(), 0.0);
}

TEST(LlamaService, RefusesAModelThatNeedsMoreMemoryThanThereIs) {
  // 64 sequences of ten million tokens, 64 numbers a token and layer for keys and values each.
  EXPECT_ERROR(make_llama_service(read({{"context", 10'000'000}, {"parallel", 64}})),
               ErrorCode::kInvalidConfig, "the model needs about");
}

TEST(LlamaService, RefusesAnswersThatFillTheContext) {
  EXPECT_ERROR(make_llama_service(read({{"max_tokens", 4096}})), ErrorCode::kInvalidConfig,
               "leaves no room for a prompt");
}

TEST(TokenCounter, CountsAsTheModelDoes) {
  const auto counter = make_token_counter(read({{"max_tokens", 100}, {"context", 1000}}));
  // ChatML around nothing: "<|im_start|>user\n" + "<|im_end|>\n<|im_start|>assistant\n".
  const std::size_t frame = (1 + 5) + (1 + 1 + 1 + 10);
  EXPECT_EQ(counter->count(""), frame);
  EXPECT_EQ(counter->count("abc"), frame + 3);
  EXPECT_EQ(counter->count("好"), frame + 3);  // The tiny vocabulary has bytes.
  EXPECT_EQ(counter->limit(), 1000U - 100U);
}

}  // namespace
}  // namespace crudbench
