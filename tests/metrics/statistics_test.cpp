#include "metrics/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "harness/core/random.h"
#include "tests/fakes/backward_executor.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using testing_support::BackwardExecutor;

/// A score such as BLEU: a third zeros, the rest skewed to the right. Its mean is 2/3 · 1/3.
std::vector<double> skewed_scores(Random& random, std::size_t count) {
  std::vector<double> scores(count);
  for (double& score : scores) {
    const double root = random.unit();
    score = random.below(3) == 0 ? 0.0 : root * root;
  }
  return scores;
}
constexpr double kSkewedMean = 2.0 / 9.0;

std::vector<double> normal_values(Random& random, std::size_t count) {
  std::vector<double> values(count);
  for (double& value : values) {
    value = random.normal();
  }
  return values;
}

MeanEstimate estimate(const std::vector<double>& values, const ResamplingOptions& options = {}) {
  SerialExecutor executor;
  return *estimate_mean(values, options, executor);
}

TEST(StableSum, KeepsWhatPlainAdditionLoses) {
  EXPECT_EQ(stable_sum(std::vector<double>{1.0, 1e100, 1.0, -1e100}), 2.0);
  EXPECT_EQ(stable_sum(std::vector<double>(10, 0.1)), 1.0);
  EXPECT_EQ(stable_sum({}), 0.0);
}

TEST(StandardDeviation, DividesByOneLessThanTheCount) {
  EXPECT_DOUBLE_EQ(standard_deviation(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9}),
                   std::sqrt(32.0 / 7));
  EXPECT_EQ(standard_deviation(std::vector<double>(7, 0.1)), 0.0);
  EXPECT_EQ(standard_deviation(std::vector<double>{3.0}), 0.0);
}

TEST(NormalQuantile, EqualsTabulatedValues) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(0.8), 0.8416212335729143, 1e-14);
  EXPECT_NEAR(normal_quantile(0.5), 0.0, 1e-16);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232306167813, 1e-13);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-12);
}

TEST(EstimateMean, HasNoIntervalForOneValueAndNothingForNone) {
  SerialExecutor executor;
  EXPECT_FALSE(estimate_mean({}, {}, executor).has_value());
  EXPECT_EQ(estimate({0.5}), (MeanEstimate{.n = 1, .mean = 0.5, .interval = std::nullopt}));
}

TEST(EstimateMean, HasAnIntervalOfNoWidthForEqualValues) {
  const MeanEstimate equal = estimate(std::vector<double>(7, 0.1));
  EXPECT_EQ(equal.interval->low, equal.interval->high);
}

TEST(EstimateMean, IsCloseToTheNormalIntervalForManyNormalValues) {
  Random random(4);
  const std::vector<double> values = normal_values(random, 2'000);
  const double half = 1.959963984540054 * standard_deviation(values) / std::sqrt(2'000.0);
  const MeanEstimate estimated = estimate(values);
  EXPECT_NEAR(estimated.interval->low, estimated.mean - half, 0.05 * half);
  EXPECT_NEAR(estimated.interval->high, estimated.mean + half, 0.05 * half);
}

TEST(EstimateMean, ReachesFurtherTowardsTheLongTail) {
  Random random(5);
  std::vector<double> values(40);
  for (double& value : values) {
    value = -std::log(1.0 - random.unit());
  }
  const MeanEstimate estimated = estimate(values);
  EXPECT_GT(estimated.interval->high - estimated.mean,
            1.1 * (estimated.mean - estimated.interval->low));
}

TEST(EstimateMean, StaysWithinTheValues) {
  SerialExecutor executor;
  Random random(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> values(14, 0.0);
    values[0] = random.unit();
    const auto estimate = estimate_mean(values, {.resamples = 200}, executor);
    EXPECT_GE(estimate->interval->low, 0.0);
    EXPECT_LE(estimate->interval->high, values[0]);
  }
}

TEST(EstimateMean, IsNarrowerAtLowerConfidence) {
  Random random(6);
  const std::vector<double> values = normal_values(random, 100);
  const Interval wide = *estimate(values).interval;
  const Interval narrow = *estimate(values, {.confidence = 0.5}).interval;
  EXPECT_LT(wide.low, narrow.low);
  EXPECT_GT(wide.high, narrow.high);
}

TEST(EstimateMean, FollowsTheSeedAlone) {
  Random random(7);
  const std::vector<double> values = skewed_scores(random, 333);
  EXPECT_EQ(estimate(values, {.seed = 1}), estimate(values, {.seed = 1}));
  EXPECT_NE(estimate(values, {.seed = 1}), estimate(values, {.seed = 2}));
  BackwardExecutor backward(2);
  EXPECT_EQ(*estimate_mean(values, {.seed = 1}, backward), estimate(values, {.seed = 1}));
}

TEST(EstimateMeans, GivesEachColumnWhatItWouldHaveAlone) {
  Random random(8);
  std::vector<std::vector<double>> columns;
  for (std::size_t i = 0; i < 15; ++i) {
    columns.push_back(skewed_scores(random, i == 4 ? 0 : 1'100 + i % 2));
  }
  const std::vector<std::span<const double>> views(columns.begin(), columns.end());
  const ResamplingOptions options{.resamples = 200};
  SerialExecutor executor;
  const auto together = estimate_means(views, options, executor);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    EXPECT_EQ(together[i], estimate_mean(columns[i], options, executor)) << i;
  }
}

TEST(EstimateMean, CoversTheTrueMeanInNineteenCasesOfTwenty) {
  constexpr int kTrials = 2'000;
  Random random(9);
  SerialExecutor executor;
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::vector<double> scores = skewed_scores(random, 120);
    const ResamplingOptions options{.resamples = 1'000, .seed = random.next()};
    const Interval interval = *estimate_mean(scores, options, executor)->interval;
    covered += interval.low <= kSkewedMean && kSkewedMean <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, kTrials * 93 / 100);
  EXPECT_LE(covered, kTrials * 97 / 100);
}

TEST(PermutationPValue, EqualsFishersForDarwinsMaize) {
  // Fisher, The Design of Experiments (1935), section 21: 1,726 of the 32,768 sums are as extreme.
  const std::vector<double> differences = {49, -67, 8,  16, 6,  23, 28, 41,
                                           14, 29,  56, 24, 75, 60, -48};
  EXPECT_EQ(permutation_p_value(differences, {}), 1'726.0 / 32'768.0);
}

TEST(PermutationPValue, IgnoresSamplesThatDoNotDiffer) {
  EXPECT_EQ(permutation_p_value(std::vector<double>{0, 1, 0, 2, 0, 3}, {}), 2.0 / 8);
  EXPECT_EQ(permutation_p_value(std::vector<double>{0, 0}, {}), 1.0);
  EXPECT_EQ(permutation_p_value({}, {}), 1.0);
}

TEST(PermutationPValue, TakesSumsThatDifferByRoundingForEqual) {
  // All sums ±0.1 ± 0.2 ± 0.3 with 0.1 + 0.2 - 0.3 = 0 in exact arithmetic: all are as extreme.
  EXPECT_EQ(permutation_p_value(std::vector<double>{0.1, 0.2, -0.3}, {}), 1.0);
}

TEST(PermutationPValue, IsNeverZeroWhenSigned) {
  // Of 2^30 sign choices two are as extreme; none is among the 10,000 drawn.
  EXPECT_EQ(permutation_p_value(std::vector<double>(30, 1.0), {}), 1.0 / 10'001);
}

TEST(PermutationPValue, AgreesWithTheNormalApproximationForManySamples) {
  Random random(10);
  std::vector<double> differences = normal_values(random, 1'000);
  const double square_sum =
      std::inner_product(differences.begin(), differences.end(), differences.begin(), 0.0);
  // Moves the sum to 1.6449 standard deviations of the sign-flip distribution: p = 0.1.
  const double shift =
      (1.6448536269514722 * std::sqrt(square_sum) - stable_sum(differences)) / 1'000.0;
  for (double& difference : differences) {
    difference += shift;
  }
  EXPECT_NEAR(permutation_p_value(differences, {}), 0.1, 0.01);
}

TEST(PermutationPValue, IsUniformUnderTheNull) {
  constexpr std::size_t kTrials = 2'000;
  Random random(11);
  std::vector<double> p_values(kTrials);
  for (double& p_value : p_values) {
    const std::vector<double> a = skewed_scores(random, 50);
    const std::vector<double> b = skewed_scores(random, 50);
    std::vector<double> differences(a.size());
    std::transform(a.begin(), a.end(), b.begin(), differences.begin(), std::minus<>());
    p_value = permutation_p_value(differences, {.resamples = 999, .seed = random.next()});
  }
  std::sort(p_values.begin(), p_values.end());
  // Kolmogorov and Smirnov's largest distance, critical value at 1 %: 1.628 / √n.
  double distance = 0.0;
  for (std::size_t i = 0; i < kTrials; ++i) {
    const double expected = static_cast<double>(i + 1) / kTrials;
    distance = std::max(distance, std::abs(p_values[i] - expected));
  }
  EXPECT_LT(distance, 1.628 / std::sqrt(static_cast<double>(kTrials)));
}

TEST(CohensDz, IsTheMeanInStandardDeviations) {
  EXPECT_DOUBLE_EQ(*cohens_dz(std::vector<double>{1, 2, 3}), 2.0);
}

TEST(CohensDz, DoesNotExistWithoutVariation) {
  EXPECT_FALSE(cohens_dz(std::vector<double>{1, 1, 1}).has_value());
  EXPECT_FALSE(cohens_dz(std::vector<double>{1}).has_value());
  // 0.1 up to rounding.
  EXPECT_FALSE(cohens_dz(std::vector<double>{0.3 - 0.2, 0.5 - 0.4}).has_value());
}

TEST(SmallestDetectableDifference, FollowsItsFormula) {
  // sd 1, n 3: (1.95996 + 0.84162) / √3.
  EXPECT_NEAR(*smallest_detectable_difference(std::vector<double>{1, 2, 3}),
              2.8015852181129684 / std::sqrt(3.0), 1e-13);
  EXPECT_FALSE(smallest_detectable_difference(std::vector<double>{1}).has_value());
}

TEST(SmallestDetectableDifference, IsFoundInFourTrialsOfFive) {
  constexpr int kTrials = 1'000;
  const double true_difference = 2.8015852181129684 / std::sqrt(100.0);  // For sd 1 and n 100.
  Random random(12);
  int found = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> differences = normal_values(random, 100);
    for (double& difference : differences) {
      difference += true_difference;
    }
    found += permutation_p_value(differences, {.resamples = 999, .seed = random.next()}) <= 0.05;
  }
  EXPECT_NEAR(found, 800, 40);
}

TEST(ComparePaired, DescribesTheDifferencesOfTheSameSamples) {
  SerialExecutor executor;
  const std::vector<double> a = {0.5, 0.75, 1.0};
  const std::vector<double> b = {0.25, 0.25, 0.25};
  const PairedComparison comparison = *compare_paired(a, b, {}, executor);
  EXPECT_EQ(comparison.n, 3);
  EXPECT_DOUBLE_EQ(comparison.difference, 0.5);
  EXPECT_DOUBLE_EQ(*comparison.effect_size, 2.0);
  EXPECT_EQ(comparison.p_value, 0.25);
  EXPECT_GT(comparison.interval->low, 0.0);
  EXPECT_LE(comparison.interval->high, 0.75);
  EXPECT_NEAR(*comparison.smallest_detectable, 0.25 * 2.8015852181129684 / std::sqrt(3.0), 1e-13);
  EXPECT_FALSE(compare_paired({}, {}, {}, executor).has_value());
}

TEST(HolmCorrection, MultipliesStepByStepAndNeverFalls) {
  // Sorted 0.005·4, 0.01·3, 0.03·2, then 0.04·1 lifted to 0.06.
  const std::vector<double> p_values = {0.01, 0.04, 0.03, 0.005};
  EXPECT_THAT(holm_correction(p_values),
              ElementsAre(DoubleNear(0.03, 1e-15), DoubleNear(0.06, 1e-15), DoubleNear(0.06, 1e-15),
                          DoubleNear(0.02, 1e-15)));
  EXPECT_THAT(holm_correction(std::vector<double>{0.9, 0.8}), ElementsAre(1.0, 1.0));
  EXPECT_TRUE(holm_correction({}).empty());
}

TEST(McnemarPValue, IsTheBinomialTailOfTheDiscordantPairs) {
  // P(X <= 1), X ~ B(10, 1/2), is 11/1024.
  EXPECT_NEAR(mcnemar_p_value(1, 9), 22.0 / 1024, 1e-15);
  EXPECT_NEAR(mcnemar_p_value(9, 1), 22.0 / 1024, 1e-15);
  EXPECT_EQ(mcnemar_p_value(5, 5), 1.0);
  EXPECT_EQ(mcnemar_p_value(0, 0), 1.0);
}

TEST(McnemarPValue, StaysExactForManyPairs) {
  // The tail summed in Python's fractions.
  EXPECT_NEAR(mcnemar_p_value(9'800, 10'200), 0.004780889455902644, 1e-12);
}

}  // namespace
}  // namespace crudbench
