#include "metrics/statistics.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include "harness/core/random.h"
#include "tests/fakes/backward_executor.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
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

/// Differences between two systems that are equally good.
std::vector<double> differences_under_null(Random& random, std::size_t count) {
  const std::vector<double> a = skewed_scores(random, count);
  const std::vector<double> b = skewed_scores(random, count);
  std::vector<double> differences(count);
  std::transform(a.begin(), a.end(), b.begin(), differences.begin(), std::minus<>());
  return differences;
}

/// Kolmogorov and Smirnov's largest distance between the shares of values and those of [0, 1].
double distance_from_uniform(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto count = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto below = static_cast<double>(i);
    distance = std::max({distance, (below + 1.0) / count - values[i], values[i] - below / count});
  }
  return distance;
}

/// What that distance exceeds in one case of a hundred.
double kolmogorov_bound(std::size_t count) {
  return 1.628 / std::sqrt(static_cast<double>(count));
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

/// Zero-inflated scores such as exact matches of parts: half zeros, the rest from Beta(2, 5) (the
/// second smallest of six uniform numbers). Their mean is 1/2 · 2/7.
std::vector<double> zero_inflated_scores(Random& random, std::size_t count) {
  std::vector<double> scores(count);
  for (double& score : scores) {
    std::array<double, 6> uniform{};
    std::generate(uniform.begin(), uniform.end(), [&] { return random.unit(); });
    std::sort(uniform.begin(), uniform.end());
    score = random.below(2) == 0 ? 0.0 : uniform[1];
  }
  return scores;
}

TEST(EstimateMean, CoversTheTrueMeanOfZeroInflatedScores) {
  constexpr int kTrials = 2'000;
  Random random(20);
  SerialExecutor executor;
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::vector<double> scores = zero_inflated_scores(random, 200);
    const ResamplingOptions options{.resamples = 1'000, .seed = random.next()};
    const Interval interval = *estimate_mean(scores, options, executor)->interval;
    covered += interval.low <= 1.0 / 7 && 1.0 / 7 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, kTrials * 93 / 100);
  EXPECT_LE(covered, kTrials * 97 / 100);
}

double ratio_of_sums(std::span<const double> sums) {
  return sums[0] / sums[1];
}

TEST(BootstrapStatistic, IsTheIntervalOfTheMeanForSumsOverCounts) {
  Random random(21);
  const std::vector<double> scores = skewed_scores(random, 150);
  const std::vector<std::vector<double>> columns = {scores,
                                                    std::vector<double>(scores.size(), 1.0)};
  SerialExecutor executor;
  const Interval of_ratio = *bootstrap_statistic(columns, ratio_of_sums, {}, executor);
  const Interval of_mean = *estimate(scores).interval;
  EXPECT_NEAR(of_ratio.low, of_mean.low, 1e-12);
  EXPECT_NEAR(of_ratio.high, of_mean.high, 1e-12);
}

TEST(BootstrapStatistic, CoversTheTrueRatioInNineteenCasesOfTwenty) {
  // As many matches as words on average, but in samples of very unequal length.
  constexpr int kTrials = 1'000;
  Random random(22);
  SerialExecutor executor;
  int covered = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<std::vector<double>> columns(2, std::vector<double>(100));
    for (std::size_t i = 0; i < 100; ++i) {
      columns[1][i] = std::exp(0.7 * random.normal());
      columns[0][i] = columns[1][i] * random.unit();
    }
    const ResamplingOptions options{.resamples = 1'000, .seed = random.next()};
    const Interval interval = *bootstrap_statistic(columns, ratio_of_sums, options, executor);
    covered += interval.low <= 0.5 && 0.5 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, kTrials * 92 / 100);
  EXPECT_LE(covered, kTrials * 97 / 100);
}

TEST(BootstrapStatistic, FollowsTheSeedAlone) {
  Random random(23);
  const std::vector<std::vector<double>> columns = {skewed_scores(random, 333),
                                                    std::vector<double>(333, 2.0)};
  SerialExecutor executor;
  BackwardExecutor backward(2);
  const auto interval = bootstrap_statistic(columns, ratio_of_sums, {.seed = 1}, executor);
  EXPECT_EQ(bootstrap_statistic(columns, ratio_of_sums, {.seed = 1}, backward), interval);
  EXPECT_NE(bootstrap_statistic(columns, ratio_of_sums, {.seed = 2}, executor), interval);
}

TEST(BootstrapStatistic, HasNoIntervalForOneSampleAndNoWidthForEqualOnes) {
  SerialExecutor executor;
  const std::vector<std::vector<double>> one = {{1.0}, {2.0}};
  EXPECT_FALSE(bootstrap_statistic(one, ratio_of_sums, {}, executor).has_value());
  EXPECT_FALSE(bootstrap_statistic({}, ratio_of_sums, {}, executor).has_value());
  const std::vector<std::vector<double>> equal = {{1, 1, 1}, {2, 2, 2}};
  EXPECT_EQ(bootstrap_statistic(equal, ratio_of_sums, {}, executor), (Interval{0.5, 0.5}));
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
    const std::vector<double> differences = differences_under_null(random, 50);
    p_value = permutation_p_value(differences, {.resamples = 999, .seed = random.next()});
  }
  EXPECT_LT(distance_from_uniform(p_values), kolmogorov_bound(kTrials));
}

/// The p-value from all 2^n choices of signs, each a change of one sign to the one before.
double p_value_by_listing(const std::vector<double>& differences) {
  std::vector<double> signed_sizes = differences;
  const double observed = std::abs(stable_sum(differences));
  double sum = stable_sum(differences);
  const std::size_t choices = std::size_t{1} << differences.size();
  std::size_t extreme = 0;
  for (std::size_t choice = 1; choice <= choices; ++choice) {
    extreme += std::abs(sum) >= observed - 1e-9 ? 1 : 0;
    if (choice < choices) {
      double& size = signed_sizes[static_cast<std::size_t>(std::countr_zero(choice))];
      size = -size;
      sum += 2.0 * size;
    }
  }
  return static_cast<double>(extreme) / static_cast<double>(choices);
}

/// `count` differences from `draw`, each positive with the given chance.
template <class Draw>
std::vector<double> signed_values(Random& random, std::size_t count, double positive, Draw draw) {
  std::vector<double> differences(count);
  for (double& difference : differences) {
    difference = draw();
    difference = random.unit() < positive ? difference : -difference;
  }
  return differences;
}

TEST(SignFlipPValue, IsThatOfThePermutationTestForFewDifferences) {
  const std::vector<double> differences = {49, -67, 8,  16, 6,  23, 28,  41,
                                           14, 29,  56, 24, 75, 60, -48, 0};
  EXPECT_EQ(sign_flip_p_value(differences), 1'726.0 / 32'768.0);
  EXPECT_EQ(sign_flip_p_value(std::vector<double>{0, 0}), 1.0);
  EXPECT_EQ(sign_flip_p_value({}), 1.0);
}

TEST(SignFlipPValue, IsCloseToTheListOfAllSignsForTwentyTwoDifferences) {
  Random random(15);
  for (const double positive : {0.5, 0.6, 0.7, 0.8, 0.9}) {
    const std::vector<double> differences =
        signed_values(random, 22, positive, [&] { return std::abs(random.normal()); });
    const double exact = p_value_by_listing(differences);
    EXPECT_NEAR(sign_flip_p_value(differences), exact, (exact > 0.01 ? 0.02 : 0.1) * exact);
  }
}

TEST(SignFlipPValue, AllowsForTheGapsBetweenSumsOfMultiplesOfAStep) {
  Random random(16);
  for (const double positive : {0.5, 0.6, 0.7, 0.8, 0.9}) {
    // Recall of one, two or three of three golds; without the correction it would be 20 % less.
    const std::vector<double> differences = signed_values(
        random, 22, positive, [&] { return static_cast<double>(1 + random.below(2)) / 3.0; });
    const double exact = p_value_by_listing(differences);
    EXPECT_NEAR(sign_flip_p_value(differences), exact, (exact > 0.01 ? 0.02 : 0.1) * exact);
  }
}

TEST(SignFlipPValue, IsMcnemarsForOnesAndZeros) {
  for (const std::size_t only_a : {70U, 60U, 55U}) {
    std::vector<double> differences(only_a, 1.0);
    differences.resize(100, -1.0);
    const double exact = mcnemar_p_value(only_a, 100 - only_a);
    EXPECT_NEAR(sign_flip_p_value(differences), exact, 0.02 * exact);
  }
}

TEST(SignFlipPValue, AgreesWithManyRandomFlips) {
  Random random(17);
  constexpr double kFlips = 100'000;
  for (const double positive : {0.5, 0.55, 0.6}) {
    const std::vector<double> differences =
        signed_values(random, 200, positive, [&] { return random.unit() * random.unit(); });
    const double p_value = sign_flip_p_value(differences);
    const double flipped = permutation_p_value(differences, {.resamples = 100'000});
    // Four standard errors of the share of flips.
    EXPECT_NEAR(p_value, flipped, 4.0 * std::sqrt(p_value * (1.0 - p_value) / kFlips));
  }
}

TEST(SignFlipPValue, ReachesTheSmallestPossibleValueForOneSign) {
  EXPECT_EQ(sign_flip_p_value(std::vector<double>(30, 0.1)), std::exp2(-29));
  EXPECT_EQ(sign_flip_p_value(std::vector<double>(30, -0.1)), std::exp2(-29));
}

TEST(SignFlipPValue, IsOneForASumOfZero) {
  std::vector<double> differences(25, 0.1);
  differences.resize(50, -0.1);
  EXPECT_EQ(sign_flip_p_value(differences), 1.0);
}

TEST(SignFlipPValue, IsUniformUnderTheNull) {
  constexpr std::size_t kTrials = 20'000;
  Random random(18);
  std::vector<double> p_values(kTrials);
  for (double& p_value : p_values) {
    p_value = sign_flip_p_value(differences_under_null(random, 60));
  }
  EXPECT_LT(distance_from_uniform(p_values), kolmogorov_bound(kTrials));
}

TEST(SignificanceRanks, CountTheRowsThatAreSignificantlyBetter) {
  // Sixteen samples. The second row is 1 better everywhere, the third differs from the first in two
  // samples only: p = 2^-15 for the pairs with the second (times 3), 0.5 for the other.
  std::vector<std::vector<std::optional<double>>> rows(3);
  for (int i = 0; i < 16; ++i) {
    rows[0].emplace_back(0.01 * i);
    rows[1].emplace_back(0.01 * i + 1.0);
    rows[2].emplace_back(0.01 * i + (i < 2 ? 0.5 : 0.0));
  }
  const auto wins = significant_wins(rows, true);
  EXPECT_THAT(wins, ElementsAre(ElementsAre(), ElementsAre(0, 2), ElementsAre()));
  EXPECT_THAT(significance_ranks(wins), ElementsAre(2, 1, 2));
  EXPECT_THAT(significance_ranks(significant_wins(rows, false)), ElementsAre(1, 3, 1));
}

TEST(SignificantWins, AreCorrectedForAllPairsOfRows) {
  // Six samples of one sign: p = 2^-5 = 0.031, which two rows survive; three rows make it 0.094.
  const std::vector<std::optional<double>> low(6, 0.1);
  const std::vector<std::optional<double>> high(6, 0.2);
  EXPECT_THAT(significant_wins(std::vector{low, high}, true),
              ElementsAre(ElementsAre(), ElementsAre(0)));
  EXPECT_THAT(significant_wins(std::vector{low, high, low}, true), Each(ElementsAre()));
}

TEST(SignificantWins, AreOverTheSamplesThatBothHave) {
  std::vector<std::optional<double>> low(8, 0.1);
  std::vector<std::optional<double>> high(8, 0.2);
  low[0] = std::nullopt;
  high[7] = std::nullopt;
  high[0] = -100.0;
  low[7] = 100.0;
  EXPECT_THAT(significant_wins(std::vector{low, high}, true),
              ElementsAre(ElementsAre(), ElementsAre(0)));
  const std::vector<std::optional<double>> nothing(8);
  EXPECT_THAT(significant_wins(std::vector{low, nothing}, true), Each(ElementsAre()));
  EXPECT_TRUE(significant_wins({}, true).empty());
}

TEST(VarianceComponents, FollowTheTableOfTheAnalysis) {
  // Means 2, 6, 4 about 4: mean squares 2 · 8 / 2 = 8 between and (2 + 8 + 0) / 3 within; n0 = 2.
  const std::vector<std::vector<double>> values = {{1, 3}, {4, 8}, {4, 4}};
  const VarianceComponents components = *variance_components(values);
  EXPECT_EQ(components.sample_count, 3);
  EXPECT_EQ(components.value_count, 6);
  EXPECT_DOUBLE_EQ(components.between_repeats, 10.0 / 3);
  EXPECT_DOUBLE_EQ(components.between_samples, (8 - 10.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(*components.intraclass_correlation, (7.0 / 3) / (7.0 / 3 + 10.0 / 3));
}

TEST(VarianceComponents, AllowUnequalNumbersOfRepeats) {
  // Means 2, 5, 8 of 3, 1, 2 values about 4.5; squares 3 · 6.25 + 0.25 + 2 · 12.25 = 43.5 between
  // over 2, (1 + 0 + 1) + 0 + (4 + 4) = 10 within over 3; n0 = (6 - 14/6) / 2 = 11/6.
  const std::vector<std::vector<double>> values = {{1, 2, 3}, {5}, {}, {6, 10}};
  const VarianceComponents components = *variance_components(values);
  EXPECT_EQ(components.sample_count, 3);
  EXPECT_EQ(components.value_count, 6);
  EXPECT_DOUBLE_EQ(components.between_repeats, 10.0 / 3);
  EXPECT_DOUBLE_EQ(components.between_samples, (43.5 / 2 - 10.0 / 3) / (11.0 / 6));
}

TEST(VarianceComponents, CutNegativeEstimatesOffAtZero) {
  const VarianceComponents components =
      *variance_components(std::vector<std::vector<double>>{{0, 1}, {1, 0}});
  EXPECT_EQ(components.between_samples, 0.0);
  EXPECT_EQ(components.between_repeats, 0.5);
  EXPECT_EQ(components.intraclass_correlation, 0.0);
}

TEST(VarianceComponents, HaveNoCorrelationForEqualValues) {
  const VarianceComponents components =
      *variance_components(std::vector<std::vector<double>>{{0.1, 0.1, 0.1}, {0.1, 0.1, 0.1}});
  EXPECT_EQ(components.between_samples, 0.0);
  EXPECT_EQ(components.between_repeats, 0.0);
  EXPECT_FALSE(components.intraclass_correlation.has_value());
}

TEST(VarianceComponents, NeedTwoSamplesAndARepeat) {
  using Values = std::vector<std::vector<double>>;
  EXPECT_FALSE(variance_components(Values{}).has_value());
  EXPECT_FALSE(variance_components(Values{{1, 2, 3}, {}}).has_value());
  EXPECT_FALSE(variance_components(Values{{1}, {2}, {3}}).has_value());
}

TEST(VarianceComponents, FindTheVariancesOfASimulation) {
  Random random(19);
  std::vector<std::vector<double>> values(20'000, std::vector<double>(3));
  for (std::vector<double>& repeats : values) {
    const double sample = 2.0 * random.normal();
    for (double& value : repeats) {
      value = sample + random.normal();
    }
  }
  const VarianceComponents components = *variance_components(values);
  EXPECT_NEAR(components.between_samples, 4.0, 0.15);
  EXPECT_NEAR(components.between_repeats, 1.0, 0.03);
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
