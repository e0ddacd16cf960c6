#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "metrics/bertscore.h"
#include "metrics/metric_values.h"
#include "retrievers/embedders/embedder.h"
#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::Pair;
using testing_support::Scores;

/// Every character is a token; 'a', 'b', 'c' lie at 0, 60 and 90 degrees, others are unknown. A
/// text is the sum of its tokens.
class PlaneEmbedder final : public Embedder {
 public:
  explicit PlaneEmbedder(bool has_tokens = true) : has_tokens_(has_tokens) {}

  std::size_t dimension() const noexcept override { return 2; }

  void embed(std::span<const std::string_view> texts, TextRole, std::span<float> rows,
             Executor&) const override {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      double x = 0.0;
      double y = 0.0;
      for (const char token : texts[i]) {
        x += vector_of(token).first;
        y += vector_of(token).second;
      }
      const double norm = std::max(std::hypot(x, y), 1e-30);
      rows[2 * i] = static_cast<float>(x / norm);
      rows[2 * i + 1] = static_cast<float>(y / norm);
    }
  }

  bool has_token_vectors() const noexcept override { return has_tokens_; }

  std::vector<TokenVectors> embed_tokens(std::span<const std::string_view> texts,
                                         Executor&) const override {
    std::vector<TokenVectors> result;
    for (const std::string_view text : texts) {
      TokenVectors& tokens = result.emplace_back();
      for (const char token : text) {
        tokens.tokens.emplace_back(1, token);
        tokens.rows.push_back(static_cast<float>(vector_of(token).first));
        tokens.rows.push_back(static_cast<float>(vector_of(token).second));
      }
    }
    return result;
  }

 private:
  static std::pair<double, double> vector_of(char token) {
    switch (token) {
      case 'a':
        return {1.0, 0.0};
      case 'b':
        return {0.5, std::sqrt(0.75)};
      case 'c':
        return {0.0, 1.0};
      default:
        return {0.0, 0.0};
    }
  }

  bool has_tokens_;
};

TokenVectors tokens_of(std::string_view text) {
  SerialExecutor executor;
  return PlaneEmbedder().embed_tokens({&text, 1}, executor).front();
}

TEST(MatchTokens, TakesTheBestPartnerOfEachToken) {
  // a meets b with 0.5; c meets b with cos 30°.
  const auto match = match_tokens(tokens_of("ac"), tokens_of("b"), {});
  ASSERT_TRUE(match);
  const double cos30 = std::sqrt(0.75);
  EXPECT_NEAR(match->precision, (0.5 + cos30) / 2, 1e-7);
  EXPECT_NEAR(match->recall, cos30, 1e-7);
  EXPECT_NEAR(match->f1, 2 * match->precision * match->recall / (match->precision + match->recall),
              1e-15);
}

TEST(MatchTokens, CountsRepeatedTokensAsOftenAsTheyStand) {
  const auto match = match_tokens(tokens_of("aaac"), tokens_of("a"), {});
  ASSERT_TRUE(match);
  EXPECT_NEAR(match->precision, 0.75, 1e-15);
  EXPECT_NEAR(match->recall, 1.0, 1e-15);
}

TEST(MatchTokens, MatchesUnknownTokensWithThemselvesOnly) {
  const auto same = match_tokens(tokens_of("x"), tokens_of("x"), {});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->f1, 1.0);
  const auto other = match_tokens(tokens_of("x"), tokens_of("ya"), {});
  ASSERT_TRUE(other);
  EXPECT_EQ(other->f1, 0.0);
}

TEST(MatchTokens, WeighsTokens) {
  const TokenWeights weights{.by_token = {{"a", 3.0}, {"c", 1.0}}, .unseen = 0.0};
  const auto match = match_tokens(tokens_of("ac"), tokens_of("a"), weights);
  ASSERT_TRUE(match);
  EXPECT_NEAR(match->precision, 0.75, 1e-15);
}

TEST(MatchTokens, HasNoValueWithoutTokensOrWeights) {
  EXPECT_FALSE(match_tokens(tokens_of(""), tokens_of("a"), {}));
  EXPECT_FALSE(match_tokens(tokens_of("a"), tokens_of("a"), {.by_token = {}, .unseen = 0.0}));
}

TEST(InverseDocumentFrequencies, AreThoseOfBertScore) {
  const std::vector<TokenVectors> texts{tokens_of("aab"), tokens_of("a"), tokens_of("c")};
  const TokenWeights weights = inverse_document_frequencies(texts);
  EXPECT_DOUBLE_EQ(weights.of("a"), std::log(4.0 / 3.0));
  EXPECT_DOUBLE_EQ(weights.of("b"), std::log(4.0 / 2.0));
  EXPECT_DOUBLE_EQ(weights.of("z"), std::log(4.0));
}

/// Builds metrics over a PlaneEmbedder.
class EmbeddingMetricTest : public ::testing::Test {
 protected:
  std::unique_ptr<Metric> build(const Json& options,
                                std::span<const std::string_view> references = {}) {
    Catalog catalog;
    add_builtin_metrics(catalog);
    return catalog.metrics.build(
        options, MetricParts{.label = "plane", .embedder = &embedder_, .references = references});
  }

  PlaneEmbedder embedder_;
};

TEST_F(EmbeddingMetricTest, SimilarityIsTheCosineOfTheTexts) {
  const Pair pair("a", "b");
  EXPECT_NEAR(
      Scores(*build({{"type", "similarity"}}), pair.prediction()).value("similarity[plane]"), 0.5,
      1e-7);
}

TEST_F(EmbeddingMetricTest, SimilarityFailsWhereNoWordIsKnown) {
  const Pair pair("x", "a");
  EXPECT_EQ(
      Scores(*build({{"type", "similarity"}}), pair.prediction()).failure("similarity[plane]"),
      kUnknownWords);
}

TEST_F(EmbeddingMetricTest, EmptySidesFail) {
  const Pair empty("", "a");
  for (const char* type : {"similarity", "bertscore"}) {
    const std::string name = std::string(type) + "[plane]";
    EXPECT_EQ(Scores(*build({{"type", type}}), empty.prediction()).failure(name), kEmptyPrediction);
    Prediction none = empty.prediction();
    none.answered = false;
    EXPECT_EQ(Scores(*build({{"type", type}}), none).failure(name), kNoPrediction);
  }
}

TEST_F(EmbeddingMetricTest, BertscoreSwapsPrecisionAndRecallWithTheSides) {
  const Pair pair("aab", "ca");
  const Pair swapped("ca", "aab");
  const auto metric = build({{"type", "bertscore"}});
  const Scores one(*metric, pair.prediction());
  const Scores other(*metric, swapped.prediction());
  EXPECT_EQ(one.value("bertscore_p[plane]"), other.value("bertscore_r[plane]"));
  EXPECT_EQ(one.value("bertscore[plane]"), other.value("bertscore[plane]"));
}

TEST_F(EmbeddingMetricTest, BertscoreOfATextWithItselfIsOne) {
  const Pair pair("abcx", "abcx");
  EXPECT_EQ(Scores(*build({{"type", "bertscore"}}), pair.prediction()).value("bertscore[plane]"),
            1.0);
}

TEST_F(EmbeddingMetricTest, RescalingMapsUnrelatedReferencesToZero) {
  // The only pair of different references is (a, b), so the baseline is 0.5 throughout.
  const std::vector<std::string_view> references{"a", "b"};
  const auto metric = build({{"type", "bertscore"}, {"rescale", true}}, references);
  const Pair unrelated("a", "b");
  EXPECT_NEAR(Scores(*metric, unrelated.prediction()).value("bertscore_rescaled[plane]"), 0.0,
              1e-7);
  const Pair same("a", "a");
  EXPECT_NEAR(Scores(*metric, same.prediction()).value("bertscore_rescaled[plane]"), 1.0, 1e-7);
}

TEST_F(EmbeddingMetricTest, RescalingFailsWithoutTwoReferences) {
  const auto metric = build({{"type", "bertscore"}, {"rescale", true}});
  const Pair pair("a", "b");
  EXPECT_EQ(Scores(*metric, pair.prediction()).failure("bertscore_rescaled[plane]"), "no_baseline");
}

TEST_F(EmbeddingMetricTest, BertscoreNeedsVectorsOfTokens) {
  const PlaneEmbedder without(false);
  Catalog catalog;
  add_builtin_metrics(catalog);
  EXPECT_ERROR(catalog.metrics.build({{"type", "bertscore"}},
                                     MetricParts{.label = "plane", .embedder = &without}),
               ErrorCode::kInvalidConfig, "plane gives no vectors of tokens");
}

}  // namespace
}  // namespace crudbench
