#include "harness/llama/token_sampler.h"

#include <cmath>
#include <limits>
#include <map>

#include "tests/llama/tiny_models.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

class TokenSamplerTest : public testing::Test {
 protected:
  /// Logits of -20 but for these.
  std::vector<float> logits(const std::map<Token, float>& raised) const {
    std::vector<float> values(model_.vocabulary_size(), -20.0F);
    for (const auto& [token, value] : raised) {
      values[static_cast<std::size_t>(token)] = value;
    }
    return values;
  }

  /// How often each token comes in 200 draws.
  std::map<Token, int> draws(const SamplingOptions& options, const std::vector<float>& values,
                             std::uint64_t seed = 1) const {
    TokenSampler sampler(model_, options, seed);
    std::map<Token, int> counts;
    for (int i = 0; i < 200; ++i) {
      ++counts[sampler.next(values).value()];
    }
    return counts;
  }

  const LlamaModel model_{{.file = tiny_moe(), .vocabulary_only = true}};
};

TEST_F(TokenSamplerTest, TakesTheMostLikelyTokenAtTemperatureZero) {
  TokenSampler sampler(model_, {}, 0);
  EXPECT_EQ(sampler.next(logits({{70, 3.0F}, {80, 5.0F}, {90, 5.0F}})),
            80);  // The first of equals.
}

TEST_F(TokenSamplerTest, DrawsByProbability) {
  const auto counts =
      draws({.temperature = 1.0}, logits({{70, 1.0F}, {80, 1.0F + std::log(3.0F)}}));
  EXPECT_NEAR(counts.at(80), 150, 30);  // Three in four.
}

TEST_F(TokenSamplerTest, DrawsTheSameForTheSameSeed) {
  const std::vector<float> values = logits({{70, 1.0F}, {80, 1.0F}, {90, 1.0F}});
  EXPECT_EQ(draws({.temperature = 1.0}, values, 5), draws({.temperature = 1.0}, values, 5));
  EXPECT_NE(draws({.temperature = 1.0}, values, 5), draws({.temperature = 1.0}, values, 6));
}

TEST_F(TokenSamplerTest, DrawsOnlyFromWhatTheOptionsLeave) {
  const std::vector<float> values = logits({{70, 2.0F}, {80, 1.5F}, {90, 1.0F}});
  EXPECT_EQ(draws({.temperature = 1.0, .top_k = 2}, values).size(), 2U);
  EXPECT_EQ(draws({.temperature = 1.0, .top_p = 0.3}, values).size(), 1U);
  EXPECT_EQ(draws({.temperature = 1.0, .min_p = 0.5}, values).size(), 2U);  // e^-1 is less.
}

TEST_F(TokenSamplerTest, DrawsOnlyWhatTheGrammarAllows) {
  TokenSampler sampler(model_, {.grammar = "root ::= \"b\" [x-z]"}, 0);
  EXPECT_EQ(sampler.next(logits({{byte_token('a'), 9.0F}})), byte_token('b'));
  EXPECT_EQ(sampler.next(logits({{byte_token('a'), 9.0F}, {byte_token('y'), 1.0F}})),
            byte_token('y'));
  const Token end = sampler.next(logits({{byte_token('a'), 9.0F}})).value();
  EXPECT_TRUE(model_.ends_answer(end));
}

TEST_F(TokenSamplerTest, GivesNothingForNumbersThatAreNone) {
  TokenSampler sampler(model_, {}, 0);
  EXPECT_EQ(sampler.next(logits({{70, std::numeric_limits<float>::quiet_NaN()}})), std::nullopt);
  EXPECT_EQ(sampler.next(logits({{70, std::numeric_limits<float>::infinity()}})), std::nullopt);
  const std::vector<float> nothing(model_.vocabulary_size(),
                                   -std::numeric_limits<float>::infinity());
  EXPECT_EQ(sampler.next(nothing), std::nullopt);
}

}  // namespace
}  // namespace crudbench
