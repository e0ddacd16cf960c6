#include "metrics/bleu.h"

#include <cmath>

#include "tests/fakes/backward_executor.h"
#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing_support::Pair;
using testing_support::random_words;
using testing_support::Scores;

const Json kBleu = {{"type", "bleu"}};

BleuCounts counts_of(const Pair& pair) {
  return count_bleu(pair.prediction().text_words, pair.prediction().reference_words);
}

TEST(Bleu, NamesItsValuesInAFixedOrder) {
  const Pair pair("a", "a");
  EXPECT_THAT(Scores(kBleu, pair.prediction()).names(),
              ElementsAre("bleu_upstream", "bleu_p1", "bleu_p2", "bleu_p3", "bleu_p4", "bleu",
                          "bleu_corpus"));
}

TEST(Bleu, DividesClippedMatchesByTheNgramsOfThePrediction) {
  // Papineni et al. 2002, section 2.1: seven times "the", of which the reference has two.
  const Pair pair("the|the|the|the|the|the|the", "the|cat|is|on|the|mat");
  const Scores scores(kBleu, pair.prediction());
  EXPECT_DOUBLE_EQ(scores.value("bleu_p1"), 2.0 / 7.0);
  EXPECT_EQ(scores.value("bleu_p2"), 0.0);
  EXPECT_EQ(scores.value("bleu"), 0.0);
}

TEST(Bleu, AppliesTheBrevityPenaltyAndLeavesItOutOfTheUpstreamValue) {
  // Five of ten words, all n-grams matched: precisions 1, penalty exp(1 - 10/5).
  const Pair pair("a|b|c|d|e", "a|b|c|d|e|f|g|h|i|j");
  const Scores scores(kBleu, pair.prediction());
  EXPECT_DOUBLE_EQ(scores.value("bleu"), std::exp(-1.0));
  EXPECT_DOUBLE_EQ(scores.value("bleu_upstream"), 1.0);
}

TEST(Bleu, IsTheGeometricMeanOfThePrecisions) {
  // Prediction a b c d x: p = 4/5, 3/4, 2/3, 1/2; product 1/5; as long as the reference.
  const Pair pair("a|b|c|d|x", "a|b|c|d|e");
  EXPECT_NEAR(Scores(kBleu, pair.prediction()).value("bleu"), std::pow(0.2, 0.25), 1e-15);
}

TEST(Bleu, IsZeroForFewerThanFourWordsAsUpstream) {
  const Pair pair("新闻", "新闻");
  const Scores scores(kBleu, pair.prediction());
  EXPECT_EQ(scores.value("bleu_p1"), 1.0);
  EXPECT_EQ(scores.value("bleu_upstream"), 0.0);
}

TEST(Bleu, IsZeroWhereThePenaltyUnderflows) {
  std::string reference = "a|b|c|d";
  for (int i = 0; i < 4'000; ++i) {
    reference += "|e";
  }
  const Pair pair("a|b|c|d", reference);
  EXPECT_EQ(Scores(kBleu, pair.prediction()).value("bleu_upstream"), 0.0);
}

TEST(Bleu, FailsForAnEmptySide) {
  for (const char* name : {"bleu_upstream", "bleu_p1", "bleu", "bleu_corpus"}) {
    EXPECT_EQ(Scores(kBleu, Pair("", "参考").prediction()).failure(name), "empty_prediction");
    EXPECT_EQ(Scores(kBleu, Pair("预测", "").prediction()).failure(name), "empty_reference");
    EXPECT_EQ(Scores(kBleu, Pair("", "").prediction()).failure(name), "empty_reference");
  }
}

TEST(Bleu, GivesItsCountsToTheScoreOfTheCorpus) {
  // In common: a, b, c; a b.
  const Pair pair("a|b|x|c", "a|b|c");
  const Scores scores(kBleu, pair.prediction());
  EXPECT_FALSE(scores.at("bleu_corpus").value.has_value());
  EXPECT_THAT(scores.at("bleu_corpus").counts, ElementsAre(3, 1, 0, 0, 4, 3, 2, 1, 4, 3));
  EXPECT_EQ(scores.failure("bleu_corpus"), "");
}

TEST(BleuCounts, ComeBackFromTheirList) {
  const BleuCounts counts = counts_of(Pair("a|b|x|c", "a|b|c"));
  EXPECT_EQ(bleu_counts_from(to_list(counts)), counts);
  EXPECT_FALSE(bleu_counts_from(std::vector<std::uint64_t>(9, 1)).has_value());
  EXPECT_FALSE(bleu_counts_from({}).has_value());
}

TEST(BleuCounts, OfSamplesAddUpToThoseOfTheirCorpus) {
  const Pair first("a|b|c|d|e", "a|b|c|d");
  const Pair second("x", "y|z");
  BleuCounts sum = counts_of(first);
  sum += counts_of(second);
  EXPECT_THAT(sum.matches, ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(sum.possible, ElementsAre(6, 4, 3, 2));
  EXPECT_EQ(sum.prediction_words, 6);
  EXPECT_EQ(sum.reference_words, 6);
}

TEST(CorpusBleu, PoolsTheCounts) {
  // p = 4/6, 3/4, 2/3, 1/2, lengths equal.
  const Pair first("a|b|c|d|e", "a|b|c|d");
  const Pair second("x", "y|z");
  const std::vector<BleuCounts> samples = {counts_of(first), counts_of(second)};
  EXPECT_NEAR(corpus_bleu(samples)->bleu, std::pow(4.0 / 6 * 3 / 4 * 2 / 3 / 2, 0.25), 1e-15);
}

TEST(CorpusBleu, DoesNotExistWithoutWords) {
  EXPECT_FALSE(corpus_bleu({}).has_value());
}

TEST(EstimateCorpusBleu, ScoresTheCorpusWithAnInterval) {
  Random random(24);
  std::vector<BleuCounts> samples;
  for (int i = 0; i < 200; ++i) {
    const Pair pair("新闻|发布|于|北京|" + random_words(random, 40, 9),
                    "新闻|发布|于|上海|" + random_words(random, 40, 9));
    samples.push_back(counts_of(pair));
  }
  SerialExecutor executor;
  const CorpusBleuEstimate estimate = *estimate_corpus_bleu(samples, {}, executor);
  EXPECT_EQ(estimate.n, 200);
  EXPECT_EQ(estimate.bleu, corpus_bleu(samples)->bleu);
  EXPECT_LT(estimate.interval->low, estimate.bleu);
  EXPECT_GT(estimate.interval->high, estimate.bleu);
  EXPECT_LT(estimate.interval->high - estimate.interval->low, 0.1);
  testing_support::BackwardExecutor backward(2);
  EXPECT_EQ(estimate_corpus_bleu(samples, {}, backward), estimate);
}

TEST(EstimateCorpusBleu, HasNoIntervalForOneSampleAndNothingForNone) {
  SerialExecutor executor;
  const std::vector<BleuCounts> one = {counts_of(Pair("a|b|c|d", "a|b|c|d"))};
  EXPECT_EQ(estimate_corpus_bleu(one, {}, executor),
            (CorpusBleuEstimate{.n = 1, .bleu = 1.0, .interval = std::nullopt}));
  EXPECT_FALSE(estimate_corpus_bleu({}, {}, executor).has_value());
}

TEST(BleuSmooth, AddsOneAboveTheUnigrams) {
  // Prediction a b x against a b c: 2/3 · (1+1)/(2+1) · (0+1)/(1+1) · (0+1)/(0+1).
  const Pair pair("a|b|x", "a|b|c");
  const Scores scores({{"type", "bleu_smooth"}, {"method", "add_one"}}, pair.prediction());
  EXPECT_NEAR(scores.value("bleu_smooth_add1"), std::pow(2.0 / 3 * 2 / 3 / 2, 0.25), 1e-15);
}

TEST(BleuSmooth, HalvesTheMissingMatchesFromOrderToOrder) {
  // a b x y against a b c d: p = 2/4, 1/3, (1/2)/2, (1/4)/1.
  const Pair pair("a|b|x|y", "a|b|c|d");
  const Scores scores({{"type", "bleu_smooth"}, {"method", "chen_cherry_3"}}, pair.prediction());
  EXPECT_NEAR(scores.value("bleu_smooth_cc3"), std::pow(1.0 / 2 / 3 / 4 / 4, 0.25), 1e-15);
}

TEST(BleuSmooth, IsOneForAnyTextAgainstItself) {
  for (const char* method : {"add_one", "chen_cherry_3"}) {
    for (const char* text : {"新闻", "a|b", "a|b|c|d|e"}) {
      const Pair pair(text, text);
      const Scores scores({{"type", "bleu_smooth"}, {"method", method}}, pair.prediction());
      EXPECT_EQ(scores.value(scores.names().front()), 1.0) << method << ' ' << text;
    }
  }
}

TEST(BleuSmooth, IsZeroWithoutACommonWord) {
  for (const char* method : {"add_one", "chen_cherry_3"}) {
    const Pair pair("a|b|c|d", "e|f|g|h");
    const Scores scores({{"type", "bleu_smooth"}, {"method", method}}, pair.prediction());
    EXPECT_EQ(scores.value(scores.names().front()), 0.0) << method;
  }
}

TEST(BleuSmooth, KeepsTheBrevityPenalty) {
  const Pair pair("a|b|c|d|e", "a|b|c|d|e|f|g|h|i|j");
  const Scores scores({{"type", "bleu_smooth"}}, pair.prediction());
  EXPECT_DOUBLE_EQ(scores.value("bleu_smooth_add1"), std::exp(-1.0));
}

TEST(BleuSmooth, RefusesAnUnknownMethod) {
  EXPECT_ERROR(testing_support::build_metric({{"type", "bleu_smooth"}, {"method", "add_two"}}),
               ErrorCode::kInvalidConfig, "add_one");
}

}  // namespace
}  // namespace crudbench
