#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::Pair;
using testing_support::Scores;

const Json kChrf = {{"type", "chrf"}};

TEST(Chrf, AveragesOverTheOrdersThatBothSidesHave) {
  // abc against abd: 2/3, 1/2, 0/1, the same for both sides.
  const Pair pair("abc", "abd");
  EXPECT_DOUBLE_EQ(Scores(kChrf, pair.prediction()).value("chrf"), 7.0 / 18);
}

TEST(Chrf, CountsRecallFourTimes) {
  // 北京 against 北京市: P = (1 + 1)/2 = 1, R = (2/3 + 1/2)/2 = 7/12; 5·PR/(4P + R) = 7/11.
  const Pair pair("北京", "北京市");
  EXPECT_NEAR(Scores(kChrf, pair.prediction()).value("chrf"), 7.0 / 11, 1e-15);
}

TEST(Chrf, EqualsSacrebleusPublishedExample) {
  // Hugging Face's metric card of chrF, sacrebleu with its defaults: 61.576379378113785.
  const Pair pair("The relationship between Obama and Netanyahu is not exactly friendly.",
                  "The ties between Obama and Netanyahu are not particularly friendly.");
  EXPECT_NEAR(Scores(kChrf, pair.prediction()).value("chrf"), 0.61576379378113785, 1e-14);
}

TEST(Chrf, IgnoresWhiteSpace) {
  const Pair pair("北 京\n", "北京");
  EXPECT_EQ(Scores(kChrf, pair.prediction()).value("chrf"), 1.0);
}

TEST(Chrf, FailsForASideOfWhiteSpaceOnly) {
  EXPECT_EQ(Scores(kChrf, Pair(" \n", "参考").prediction()).failure("chrf"), "empty_prediction");
  EXPECT_EQ(Scores(kChrf, Pair("预测", "\u3000").prediction()).failure("chrf"), "empty_reference");
}

}  // namespace
}  // namespace crudbench
