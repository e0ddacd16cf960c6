#include "harness/runner/metered_generator.h"

#include "tests/fakes/answering_generator.h"
#include "tests/fakes/generation.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::AnsweringGenerator;
using testing_support::ListSource;
using testing_support::numbered_prompts;
using testing_support::RecordingSink;
using testing_support::TemporaryFolder;

/// Every answer costs 0.001: 500 tokens in and 500 out at one a million.
Reply answer(const Prompt& /*prompt*/) {
  return {.text = "答",
          .usage = {.prompt_tokens = 500, .completion_tokens = 500},
          .attempts = {{.http_status = 200}}};
}

class MeteredGeneratorTest : public ::testing::Test {
 protected:
  /// Asks `count` prompts of 7 bytes, each of which may cost 7 + 256 + 737 = 1000 tokens.
  RecordingSink ask(std::size_t count, Budget& budget,
                    const AnsweringGenerator::Answer& answering = answer) {
    ListSource source(numbered_prompts(count));
    RecordingSink sink;
    make_metered_generator(std::make_unique<AnsweringGenerator>(answering),
                           {.experiment = "e",
                            .purpose = "generation",
                            .model = "m",
                            .currency = "USD",
                            .price = ModelPrice{1.0, 1.0, 1.0},
                            .max_tokens = 737},
                           budget, completions_)
        ->generate(source, sink, {});
    pulled_ = source.pulled();
    return sink;
  }

  TemporaryFolder folder_;
  Store store_{Workspace{folder_.path()}, Database::Mode::kReadWrite};
  StoredCompletions completions_{store_};
  std::size_t pulled_ = 0;
};

TEST_F(MeteredGeneratorTest, CountsRequestsTokensAndMoney) {
  Budget budget(std::nullopt);
  ask(3, budget);
  EXPECT_DOUBLE_EQ(budget.spent(), 0.003);
  const auto spending = store_.spending("e");
  ASSERT_EQ(spending.size(), 1U);
  EXPECT_EQ(spending[0].model, "m");
  EXPECT_EQ(spending[0].requests, 3);
  EXPECT_EQ(spending[0].usage, (Usage{1500, 0, 1500}));
  EXPECT_DOUBLE_EQ(spending[0].cost, 0.003);
}

TEST_F(MeteredGeneratorTest, StopsBeforeTheBudgetIsExceeded) {
  Budget budget(0.0035);
  const RecordingSink sink = ask(10, budget);
  EXPECT_DOUBLE_EQ(budget.spent(), 0.003) << "the fourth could have come to 0.004";
  EXPECT_TRUE(budget.is_used_up());
  EXPECT_EQ(pulled_, 4U);
  EXPECT_EQ(sink.replies().size(), 4U);
  EXPECT_FALSE(sink.reply(2).failure.has_value());
  EXPECT_EQ(sink.reply(3).failure->failure_class, "budget");
}

TEST_F(MeteredGeneratorTest, CountsWhatWasSpentBefore) {
  Budget budget(0.0035, 0.003);
  EXPECT_EQ(ask(10, budget).reply(0).failure->failure_class, "budget");
  EXPECT_DOUBLE_EQ(budget.spent(), 0.003);
}

TEST_F(MeteredGeneratorTest, CountsFailuresThatWereAnswered) {
  Budget budget(std::nullopt);
  ask(2, budget, [](const Prompt& prompt) {
    Reply reply = answer(prompt);
    reply.failure = Failure{Stage::kGeneration, "empty", "blank"};
    return reply;
  });
  EXPECT_DOUBLE_EQ(store_.spending("e").at(0).cost, 0.002) << "blank answers are charged too";
}

TEST_F(MeteredGeneratorTest, SetsAttemptsWithoutAnAnswerAgainstTheBudgetAtTheirHighest) {
  Budget budget(0.0045);
  ask(10, budget, [](const Prompt& prompt) {
    Reply reply = answer(prompt);
    reply.attempts.insert(reply.attempts.begin(),
                          {.failure = Failure{Stage::kGeneration, "timeout", "slow"}});
    return reply;
  });
  EXPECT_DOUBLE_EQ(budget.spent(), 0.002) << "of which nobody knows whether it is 0.004";
}

TEST(Budget, KeepsToItsLimitWhateverIsReserved) {
  Budget budget(1.0);
  EXPECT_TRUE(budget.reserve(0.6));
  EXPECT_FALSE(budget.reserve(0.6));
  budget.settle(0.6, 0.1, 0.0);
  EXPECT_TRUE(budget.reserve(0.6));
  EXPECT_EQ(budget.spent(), 0.1);
}

}  // namespace
}  // namespace crudbench
