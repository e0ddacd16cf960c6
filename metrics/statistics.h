#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"

/// Uncertainty of means and of differences between systems. Pure functions: the same values in the
/// same order and the same seed give the same bits, on any number of threads. Callers sort by
/// sample id. All values are finite.
namespace crudbench {

struct Interval {
  double low = 0.0;
  double high = 0.0;

  friend bool operator==(const Interval&, const Interval&) = default;
};

struct ResamplingOptions {
  std::size_t resamples = 10'000;  ///< Of a bootstrap; random flips of a permutation test; >= 1.
  double confidence = 0.95;        ///< Of intervals, in (0, 1).
  std::uint64_t seed = 22;
};

/// Sum with Neumaier's compensation, in the order given.
double stable_sum(std::span<const double> values) noexcept;

/// Arithmetic mean; `values` must not be empty.
double mean(std::span<const double> values) noexcept;

/// With the denominator n - 1; 0 for fewer than two values.
double standard_deviation(std::span<const double> values);

/// Inverse of the standard normal distribution function, for `probability` in (0, 1).
double normal_quantile(double probability);

struct MeanEstimate {
  std::size_t n = 0;
  double mean = 0.0;
  /// Absent for n < 2. Of no width if all values are equal: a bootstrap sees no other values.
  std::optional<Interval> interval;

  friend bool operator==(const MeanEstimate&, const MeanEstimate&) = default;
};

/// The mean of each column (nullopt for an empty one) with its bootstrap interval over samples.
///
/// The interval is BCa (Efron 1987), because per-sample scores are skewed (many zeros, an upper
/// bound), where percentile intervals lie too far from the tail; for a mean the acceleration has a
/// closed form, so BCa costs nothing more. Columns of the same length share their draws, hence
/// each column's result is the one it would have alone.
std::vector<std::optional<MeanEstimate>> estimate_means(
    std::span<const std::span<const double>> columns, const ResamplingOptions& options,
    Executor& executor);

/// The same for one column.
std::optional<MeanEstimate> estimate_mean(std::span<const double> values,
                                          const ResamplingOptions& options, Executor& executor);

/// The interval of a statistic of a whole run that depends on its samples through sums alone, such
/// as a ratio of totals or corpus BLEU. `columns[c][i]` is what sample i adds to the sum c;
/// `statistic` maps the sums of all columns to a finite number, is called often and from several
/// threads. BCa over samples with the draws of estimate_means, its acceleration from the jackknife
/// (Efron and Tibshirani 1993, section 14.3). nullopt for fewer than two samples.
std::optional<Interval> bootstrap_statistic(
    std::span<const std::vector<double>> columns,
    const std::function<double(std::span<const double> sums)>& statistic,
    const ResamplingOptions& options, Executor& executor);

/// Two-sided p-value of a paired permutation test: the share of sign flips of the differences whose
/// sum is at least as far from 0 as the observed one. Exact for up to 20 differences that are not
/// 0; beyond it (hits + 1) / (flips + 1) over `options.resamples` random flips. 1 without values.
double permutation_p_value(std::span<const double> differences, const ResamplingOptions& options);

/// The p-value of the same test without random numbers, so that it can be far smaller than 1 /
/// flips and survives a correction over thousands of comparisons: exact for up to 20 differences
/// that are not 0; beyond it the saddlepoint approximation of the sign-flip distribution (Lugannani
/// and Rice 1980), where all differences are multiples of one step (counts, recall of two golds)
/// with the continuity correction of Daniels (1987). For 21 differences its error is about 1 % of
/// the p-value down to 0.01 (5 % where one difference outweighs the others), 10 % down to 1e-5, and
/// falls with their number. Never below 2^(1 - n), the p-value of n differences of one sign.
double sign_flip_p_value(std::span<const double> differences);

/// Cohen's d_z: mean difference / standard deviation of the differences. nullopt where that
/// deviation is 0 or n < 2.
std::optional<double> cohens_dz(std::span<const double> differences);

/// The smallest true mean difference that a two-sided paired test of level `1 - confidence` would
/// have found with probability `power`: (z[1 - level/2] + z[power]) · sd(differences) / √n, the
/// normal approximation. nullopt for n < 2.
std::optional<double> smallest_detectable_difference(std::span<const double> differences,
                                                     double power = 0.8, double confidence = 0.95);

/// System A against system B over the samples that both have.
struct PairedComparison {
  std::size_t n = 0;
  double difference = 0.0;           ///< Mean of A - B.
  std::optional<Interval> interval;  ///< Bootstrap over samples, as in estimate_means.
  double p_value = 1.0;              ///< Permutation test; not yet corrected for the family.
  std::optional<double> effect_size;
  std::optional<double> smallest_detectable;  ///< At power 0.8.
};

/// `a[i]` and `b[i]` belong to the same sample; both spans have the same length. nullopt for none.
std::optional<PairedComparison> compare_paired(std::span<const double> a, std::span<const double> b,
                                               const ResamplingOptions& options,
                                               Executor& executor);

/// Holm's step-down correction (1979): the adjusted p-values of a family, in its order.
std::vector<double> holm_correction(std::span<const double> p_values);

/// Which systems the data can tell apart: by row, the rows that it is significantly better than,
/// ascending.
///
/// `rows[r][i]` is the value of row r for sample i, nullopt where it has none; all rows have the
/// same length. Every pair of rows is compared over the samples that both have by
/// `sign_flip_p_value`, corrected over all pairs by Holm's method; `level`, in (0, 1), bounds
/// the chance of any false difference among all rows. Rows without common samples do not differ.
std::vector<std::vector<std::size_t>> significant_wins(
    std::span<const std::vector<std::optional<double>>> rows, bool higher_is_better,
    double level = 0.05);

/// Ranks systems by what the data can tell apart, not by bare means: 1 + the number of rows that
/// are significantly better, given `significant_wins`. Rows of one rank need not be equal to each
/// other, only to be beaten by as many.
std::vector<std::size_t> significance_ranks(std::span<const std::vector<std::size_t>> wins);

/// What the values of repeated runs vary by, as variances.
struct VarianceComponents {
  std::size_t sample_count = 0;  ///< Samples with at least one value.
  std::size_t value_count = 0;
  /// Between the true means of samples. Estimated by a difference, which may come out negative;
  /// then it is 0 here.
  double between_samples = 0.0;
  double between_repeats = 0.0;  ///< Between the repeats of one sample.
  /// between_samples / (between_samples + between_repeats): the correlation of two repeats of a
  /// sample. Absent if all values are equal.
  std::optional<double> intraclass_correlation;
};

/// Random-effects analysis of variance with one factor, the sample: `values_by_sample[i]` are the
/// values of sample i in its repeats, as many as it has; those without any are left out. Unequal
/// numbers of repeats enter by the n0 of Snedecor and Cochran (Statistical Methods, section 13.7;
/// Searle, Casella, McCulloch 1992, section 3.6). nullopt unless there are at least two samples and
/// one of them has at least two values.
std::optional<VarianceComponents> variance_components(
    std::span<const std::vector<double>> values_by_sample);

/// Two-sided exact p-value of McNemar's test for binary metrics: `only_a` samples on which A alone
/// succeeded, `only_b` on which B alone did.
double mcnemar_p_value(std::size_t only_a, std::size_t only_b);

}  // namespace crudbench
