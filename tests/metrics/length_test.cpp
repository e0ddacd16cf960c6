#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::Pair;
using testing_support::Scores;

const Json kLength = {{"type", "length"}};

TEST(Length, CountsCodePoints) {
  const Pair pair("𠮷野家ab", "参考");
  const Scores scores(kLength, pair.prediction());
  EXPECT_EQ(scores.value("length_chars"), 5.0);
  EXPECT_EQ(scores.value("length_ratio"), 2.5);
}

TEST(Length, NeedsAReferenceForTheRatioOnly) {
  const Pair pair("预测", "");
  const Scores scores(kLength, pair.prediction());
  EXPECT_EQ(scores.value("length_chars"), 2.0);
  EXPECT_EQ(scores.failure("length_ratio"), "empty_reference");
}

TEST(Length, FailsForAnEmptyPrediction) {
  const Pair pair("", "参考");
  EXPECT_EQ(Scores(kLength, pair.prediction()).failure("length_chars"), "empty_prediction");
}

}  // namespace
}  // namespace crudbench
