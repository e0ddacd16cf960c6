#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using testing_support::build_metric;
using testing_support::Pair;
using testing_support::random_words;
using testing_support::Scores;

const Json kAll = {{"type", "rouge"}, {"variants", {"1", "2", "l"}}};

TEST(Rouge, GivesRougeLByDefault) {
  const Pair pair("a", "a");
  EXPECT_THAT(Scores({{"type", "rouge"}}, pair.prediction()).names(),
              ElementsAre("rouge_l", "rouge_l_p", "rouge_l_r"));
}

TEST(Rouge, CountsTheLongestCommonSubsequence) {
  // Lin 2004, section 3.1: "police kill the gunman" against "police killed the gunman": LCS 3 of 4.
  const Pair pair("police|kill|the|gunman", "police|killed|the|gunman");
  const Scores scores(kAll, pair.prediction());
  EXPECT_DOUBLE_EQ(scores.value("rouge_l"), 0.75);
}

TEST(Rouge, TellsPrecisionFromRecall) {
  // a b c against a b d e f: unigrams 2/3 and 2/5, bigrams 1/2 and 1/4, LCS 2/3 and 2/5.
  const Pair pair("a|b|c", "a|b|d|e|f");
  const Scores scores(kAll, pair.prediction());
  EXPECT_DOUBLE_EQ(scores.value("rouge_1_p"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores.value("rouge_1_r"), 2.0 / 5);
  EXPECT_DOUBLE_EQ(scores.value("rouge_1"), 0.5);
  EXPECT_DOUBLE_EQ(scores.value("rouge_2_p"), 1.0 / 2);
  EXPECT_DOUBLE_EQ(scores.value("rouge_2_r"), 1.0 / 4);
  EXPECT_DOUBLE_EQ(scores.value("rouge_2"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(scores.value("rouge_l"), 0.5);
}

TEST(Rouge, SwapsPrecisionAndRecallWithTheSides) {
  Random random(3);
  const std::unique_ptr<Metric> rouge = build_metric({{"type", "rouge"}, {"variants", {"1", "l"}}});
  for (int round = 0; round < 200; ++round) {
    const std::string left = random_words(random, 100, 15);
    const std::string right = random_words(random, 100, 15);
    const Pair forth(left, right);
    const Pair back(right, left);
    const Scores one(*rouge, forth.prediction());
    const Scores other(*rouge, back.prediction());
    for (const std::string& variant : std::vector<std::string>{"rouge_1", "rouge_l"}) {
      ASSERT_EQ(one.value(variant + "_p"), other.value(variant + "_r"));
      ASSERT_EQ(one.value(variant + "_r"), other.value(variant + "_p"));
      ASSERT_DOUBLE_EQ(one.value(variant), other.value(variant));
    }
  }
}

TEST(Rouge, FailsForAnEmptySideWhereUpstreamScoresZero) {
  EXPECT_EQ(Scores(kAll, Pair("", "参考").prediction()).failure("rouge_l"), "empty_prediction");
  EXPECT_EQ(Scores(kAll, Pair("预测", "").prediction()).failure("rouge_2_p"), "empty_reference");
  EXPECT_FALSE(Scores(kAll, Pair("", "参考").prediction()).at("rouge_l").value.has_value());
}

TEST(Rouge, HasNoBigramsInAReferenceOfOneWord) {
  const Pair pair("a|b", "a");
  const Scores scores(kAll, pair.prediction());
  EXPECT_FALSE(scores.at("rouge_2").value.has_value());
  EXPECT_EQ(scores.failure("rouge_2"), "");
  EXPECT_EQ(scores.value("rouge_1_r"), 1.0);
}

TEST(Rouge, ScoresAPredictionWithoutBigramsAsZero) {
  const Pair pair("a", "a|b");
  EXPECT_EQ(Scores(kAll, pair.prediction()).value("rouge_2"), 0.0);
}

TEST(Rouge, RefusesUnknownRepeatedOrNoVariants) {
  for (const Json& variants : {Json{"3"}, Json{"l", "l"}, Json::array()}) {
    EXPECT_ERROR(build_metric({{"type", "rouge"}, {"variants", variants}}),
                 ErrorCode::kInvalidConfig, "/variants: expected a list of different variants");
  }
}

}  // namespace
}  // namespace crudbench
