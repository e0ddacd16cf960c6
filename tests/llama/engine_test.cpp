#include "harness/llama/engine.h"

#include <algorithm>
#include <map>

#include "harness/core/fingerprint.h"
#include "harness/llama/answer_text.h"
#include "tests/llama/tiny_models.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

using Architecture = RandomModel::Architecture;

EngineOptions exact(std::size_t parallel) {
  return {.context = 512,
          .parallel = parallel,
          .threads = 1,
          .batch = 128,
          .micro_batch = 128,
          .kv_type = "f32",
          .flash_attention = "off"};
}

std::map<std::size_t, EngineAnswer> run(LlamaEngine& engine) {
  std::map<std::size_t, EngineAnswer> answers;
  while (engine.load() > 0) {
    for (EngineAnswer& answer : engine.step()) {
      const std::size_t ticket = answer.ticket;
      EXPECT_TRUE(answers.emplace(ticket, std::move(answer)).second)
          << "answered twice: " << ticket;
    }
  }
  return answers;
}

void submit_all(LlamaEngine& engine, const std::vector<std::vector<Token>>& prompts,
                const EngineRequest& like) {
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EngineRequest request = like;
    request.ticket = i;
    request.prompt = prompts[i];
    engine.submit(std::move(request));
  }
}

std::string text_of(const LlamaModel& model, const std::vector<Token>& tokens) {
  AnswerText text({});
  for (const Token token : tokens) {
    text.append(model.ends_answer(token) ? "" : model.piece(token));
  }
  return std::string(text.complete());
}

/// Every logit that an answer was chosen by, hashed: equal for equal bits only.
std::map<std::size_t, std::string> logit_hashes(LlamaEngine& engine,
                                                const std::vector<std::vector<Token>>& prompts) {
  std::map<std::size_t, Sha256> hashes;
  engine.on_logits([&hashes](std::size_t ticket, std::span<const float> logits) {
    hashes[ticket].update({reinterpret_cast<const char*>(logits.data()), logits.size_bytes()});
  });
  submit_all(engine, prompts, {.max_tokens = 12});
  run(engine);
  std::map<std::size_t, std::string> digests;
  for (auto& [ticket, hash] : hashes) {
    digests[ticket] = hash.hex_digest();
  }
  return digests;
}

/// Batched decoding with a shared prefix gives the tokens of the plain reference.
void expect_reference_tokens(const std::filesystem::path& file) {
  const LlamaModel model({.file = file});
  const auto prompts = related_prompts(7, 150);
  LlamaEngine engine(model, exact(3));
  submit_all(engine, prompts, {.max_tokens = 24});
  const auto answers = run(engine);
  EXPECT_GE(engine.shared_prompt_tokens(), 7U * 150);  // All seven share the beginning.
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const std::vector<Token> expected = reference_answer(model, prompts[i], 24);
    const EngineAnswer& answer = answers.at(i);
    EXPECT_FALSE(answer.failure) << answer.failure->message;
    EXPECT_EQ(answer.usage.completion_tokens, static_cast<std::int64_t>(expected.size()));
    EXPECT_EQ(answer.usage.prompt_tokens, static_cast<std::int64_t>(prompts[i].size()));
    EXPECT_GE(answer.usage.cached_prompt_tokens, 150);
    EXPECT_EQ(answer.text, text_of(model, expected)) << i;
  }
}

TEST(LlamaEngine, GivesTheReferenceTokensBatchedAndSharedForQwenMoe) {
  expect_reference_tokens(tiny_moe());
}

TEST(LlamaEngine, GivesTheReferenceTokensBatchedAndSharedForMixtral) {
  expect_reference_tokens(tiny_model("mixtral", {.architecture = Architecture::kMixtral}));
}

TEST(LlamaEngine, GivesTheReferenceTokensBatchedAndSharedForADenseModel) {
  expect_reference_tokens(tiny_model("dense", {.architecture = Architecture::kDense}));
}

TEST(LlamaEngine, SharesNothingBetweenPromptsWithoutACommonBeginning) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(2));
  submit_all(engine, related_prompts(4, 0), {.max_tokens = 4});
  run(engine);
  EXPECT_EQ(engine.shared_prompt_tokens(), 0U);
}

TEST(LlamaEngine, SwitchesToTheBeginningOfTheNextKindOfPrompt) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(2));
  std::vector<std::vector<Token>> prompts = related_prompts(4, 100);
  for (std::vector<Token> prompt : related_prompts(4, 120)) {
    std::rotate(prompt.begin(), prompt.begin() + 1, prompt.begin() + 120);
    prompts.push_back(std::move(prompt));
  }
  submit_all(engine, prompts, {.max_tokens = 6});
  const auto answers = run(engine);
  EXPECT_EQ(answers.at(1).usage.cached_prompt_tokens, 100);
  EXPECT_EQ(answers.at(6).usage.cached_prompt_tokens, 120);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(answers.at(i).text, text_of(model, reference_answer(model, prompts[i], 6))) << i;
  }
}

TEST(LlamaEngine, GivesTheSameBitsEveryTimeIfStrict) {
  const LlamaModel model({.file = tiny_moe()});
  EngineOptions strict = exact(1);
  strict.strict = true;
  strict.micro_batch = 64;
  strict.flash_attention = "on";
  strict.kv_type = "f16";
  const auto prompts = related_prompts(5, 150);
  LlamaEngine engine(model, strict);
  const auto all_at_once = logit_hashes(engine, prompts);
  EXPECT_GT(engine.shared_prompt_tokens(), 0U);
  // Alone on a fresh engine, and after other work on a used one.
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    LlamaEngine fresh(model, strict);
    EXPECT_EQ(logit_hashes(fresh, {prompts[i]}).at(0), all_at_once.at(i)) << i;
  }
  logit_hashes(engine, related_prompts(3, 200));
  EXPECT_EQ(logit_hashes(engine, {prompts[4]}).at(0), all_at_once.at(4));
}

TEST(LlamaEngine, EndsAtTheTokenThatEndsAnswers) {
  const LlamaModel model({.file = tiny_model("known", known_routing_model())});
  LlamaEngine engine(model, exact(2));
  engine.submit({.ticket = 5, .prompt = model.tokenize("?", true), .max_tokens = 100});
  const EngineAnswer answer = run(engine).at(5);
  EXPECT_EQ(answer.text, kKnownAnswer);
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.usage.completion_tokens, 27);
}

TEST(LlamaEngine, EndsBeforeAStopString) {
  const LlamaModel model({.file = tiny_model("known", known_routing_model())});
  LlamaEngine engine(model, exact(2));
  engine.submit({.prompt = model.tokenize("?", true), .max_tokens = 100, .stops = {"def", "xyz"}});
  const EngineAnswer answer = run(engine).at(0);
  EXPECT_EQ(answer.text, "abc");
  EXPECT_EQ(answer.finish_reason, "stop");
}

TEST(LlamaEngine, SaysWhenMaxTokensEndedAnAnswer) {
  const LlamaModel model({.file = tiny_model("known", known_routing_model())});
  LlamaEngine engine(model, exact(1));
  engine.submit({.prompt = model.tokenize("?", true), .max_tokens = 4});
  const EngineAnswer answer = run(engine).at(0);
  EXPECT_EQ(answer.text, "abcd");
  EXPECT_EQ(answer.finish_reason, "length");
}

TEST(LlamaEngine, FailsAPromptThatHasNoRoom) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(2));
  engine.submit({.ticket = 0, .prompt = std::vector<Token>(413, 40), .max_tokens = 100});
  engine.submit({.ticket = 1, .prompt = std::vector<Token>(412, 40), .max_tokens = 100});
  const auto answers = run(engine);
  ASSERT_TRUE(answers.at(0).failure);
  EXPECT_EQ(answers.at(0).failure->failure_class, "too_long");
  EXPECT_THAT(answers.at(0).failure->message, testing::HasSubstr("413"));
  EXPECT_FALSE(answers.at(1).failure);
}

TEST(LlamaEngine, FailsAnAnswerThatGoesInCircles) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(1));
  // A grammar that leaves no choice makes the loop.
  engine.submit({.prompt = model.tokenize("x", true),
                 .max_tokens = 200,
                 .sampling = {.grammar = "root ::= \"ab\" root"},
                 .repetition_window = 40});
  const EngineAnswer answer = run(engine).at(0);
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->failure_class, "repetition");
  EXPECT_EQ(answer.usage.completion_tokens, 40);
}

TEST(LlamaEngine, FailsAConstrainedAnswerThatIsCutShort) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(1));
  engine.submit({.prompt = model.tokenize("x", true),
                 .max_tokens = 3,
                 .sampling = {.grammar = "root ::= \"abcdef\""}});
  const EngineAnswer answer = run(engine).at(0);
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->failure_class, "unfinished");
}

TEST(LlamaEngine, ObeysAGrammar) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(4));
  submit_all(engine, related_prompts(6, 40),
             {.max_tokens = 20, .sampling = {.temperature = 1.0, .grammar = "root ::= [0-9]{3}"}});
  for (const auto& [ticket, answer] : run(engine)) {
    EXPECT_FALSE(answer.failure);
    EXPECT_THAT(answer.text, testing::MatchesRegex("[0-9][0-9][0-9]"));
  }
}

TEST(LlamaEngine, SamplesBySeedAndNotByOrder) {
  const LlamaModel model({.file = tiny_moe()});
  const auto prompts = related_prompts(5, 60);
  const auto sampled = [&](std::size_t parallel, std::uint64_t seed) {
    LlamaEngine engine(model, exact(parallel));
    submit_all(engine, prompts,
               {.max_tokens = 16, .sampling = {.temperature = 1.5, .top_k = 50}, .seed = seed});
    std::vector<std::string> texts;
    for (const auto& [ticket, answer] : run(engine)) {
      texts.push_back(answer.text);
    }
    return texts;
  };
  EXPECT_EQ(sampled(1, 7), sampled(5, 7));
  EXPECT_NE(sampled(5, 7), sampled(5, 8));
}

TEST(LlamaEngine, HasMoreRequestsThanItsCacheHoldsAtATime) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(3));            // 1,536 cells.
  const auto prompts = related_prompts(12, 300);  // Twelve of up to 382 tokens, and the answers.
  submit_all(engine, prompts, {.max_tokens = 100});
  const auto answers = run(engine);
  ASSERT_EQ(answers.size(), prompts.size());
  for (const auto& [ticket, answer] : answers) {
    EXPECT_FALSE(answer.failure) << answer.failure->message;
  }
}

TEST(LlamaEngine, RefusesAMalformedGrammar) {
  const LlamaModel model({.file = tiny_moe()});
  LlamaEngine engine(model, exact(1));
  EXPECT_ERROR(engine.submit({.prompt = {byte_token('x')}, .sampling = {.grammar = "root = ("}}),
               ErrorCode::kInvalidConfig, "GBNF");
}

TEST(LlamaEngine, DecodesWithEveryTypeOfCache) {
  const LlamaModel model({.file = tiny_model("wide", {.head_size = 32})});
  for (const std::string_view type : kKvTypes) {
    EngineOptions options = exact(2);
    options.kv_type = type;
    options.flash_attention = "auto";
    LlamaEngine engine(model, options);
    submit_all(engine, related_prompts(2, 50), {.max_tokens = 4});
    EXPECT_EQ(run(engine).size(), 2U) << type;
  }
}

TEST(LlamaEngine, FindsANumberOfThreads) {
  const LlamaModel model({.file = tiny_moe()});
  EngineOptions options = exact(1);
  options.threads = 0;
  EXPECT_GE(LlamaEngine(model, options).threads(), 1U);
}

}  // namespace
}  // namespace crudbench
