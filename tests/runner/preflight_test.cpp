#include "harness/runner/preflight.h"

#include "tests/fakes/answering_generator.h"
#include "tests/fakes/generation.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::AnsweringGenerator;
using testing_support::ListSource;
using testing_support::numbered_prompts;
using testing_support::RecordingSink;

Reply failed(const std::string& failure_class, int status = 0) {
  const Failure failure{Stage::kGeneration, failure_class, "the server's words"};
  return {.failure = failure, .attempts = {{.failure = failure, .http_status = status}}};
}

/// Pulls everything it can get before it answers, as a generator with many requests in flight does.
class EagerGenerator final : public Generator {
 public:
  explicit EagerGenerator(AnsweringGenerator::Answer answer) : answer_(std::move(answer)) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token /*stop*/) override {
    for (;;) {
      std::vector<TicketReply> replies;
      Prompt prompt;
      PromptSource::Status status{};
      while ((status = source.next(prompt, std::chrono::milliseconds(0))) ==
             PromptSource::Status::kPrompt) {
        replies.push_back({prompt.ticket, answer_(prompt)});
      }
      batches.push_back(replies.size());
      if (replies.empty() && status == PromptSource::Status::kEnd) {
        return;
      }
      sink.accept_all(std::move(replies));
    }
  }

  std::vector<std::size_t> batches;

 private:
  AnsweringGenerator::Answer answer_;
};

class PreflightTest : public ::testing::Test {
 protected:
  void ask(std::size_t count, const AnsweringGenerator::Answer& answer) {
    ListSource source(numbered_prompts(count));
    auto inner = std::make_unique<EagerGenerator>(answer);
    EagerGenerator& eager = *inner;
    const auto generator = make_preflight_generator(std::move(inner), "openai m", proven_);
    try {
      generator->generate(source, sink_, {});
    } catch (const Error&) {
      pulled_ = source.pulled();
      throw;
    }
    pulled_ = source.pulled();
    batches_ = eager.batches;
  }

  ProvenGenerators proven_;
  RecordingSink sink_;
  std::size_t pulled_ = 0;
  std::vector<std::size_t> batches_;
};

TEST_F(PreflightTest, LetsOneThroughUntilItIsAnswered) {
  ask(10, [](const Prompt&) { return Reply{.text = "答"}; });
  EXPECT_EQ(batches_, (std::vector<std::size_t>{1, 9, 0}));
  ask(10, [](const Prompt&) { return Reply{.text = "答"}; });
  EXPECT_EQ(batches_, (std::vector<std::size_t>{10, 0})) << "it has been proven";
}

TEST_F(PreflightTest, EndsTheRunWithTheServersWordsWhereTheFirstIsRefused) {
  for (const char* what : {"http_4xx", "tls", "redirect"}) {
    EXPECT_ERROR(ask(10, [&](const Prompt&) { return failed(what, 404); }),
                 ErrorCode::kInvalidConfig,
                 "openai m: the first request was refused: the server's words");
    EXPECT_EQ(pulled_, 1U) << what;
  }
  EXPECT_TRUE(sink_.replies().empty()) << "no sample has failed by it";
}

TEST_F(PreflightTest, EndsTheRunWhereNothingAnswers) {
  EXPECT_ERROR(ask(10, [](const Prompt&) { return failed("connect"); }), ErrorCode::kUnavailable,
               "nothing answers");
}

TEST_F(PreflightTest, TriesTheNextOneWhereTheFirstFailsByItself) {
  ask(4, [](const Prompt& prompt) {
    return prompt.ticket == 0 ? failed("too_long", 400) : Reply{.text = "答"};
  });
  EXPECT_EQ(batches_, (std::vector<std::size_t>{1, 1, 2, 0}));
  EXPECT_EQ(sink_.replies().size(), 4U);
}

TEST_F(PreflightTest, EndsTheRunWhereAccessIsRefusedAgainAndAgain) {
  EXPECT_ERROR(ask(100,
                   [](const Prompt& prompt) {
                     return prompt.ticket < 5 ? Reply{.text = "答"} : failed("http_4xx", 401);
                   }),
               ErrorCode::kUnavailable, "16 requests in a row were refused");
}

TEST_F(PreflightTest, LetsSingleRefusalsBeFailures) {
  ask(100, [](const Prompt& prompt) {
    return prompt.ticket % 10 != 3 ? Reply{.text = "答"} : failed("http_4xx", 403);
  });
  EXPECT_EQ(sink_.replies().size(), 100U);
}

}  // namespace
}  // namespace crudbench
