#pragma once

#include <cstddef>
#include <cstdint>
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

/// Two-sided p-value of a paired permutation test: the share of sign flips of the differences whose
/// sum is at least as far from 0 as the observed one. Exact for up to 20 differences that are not
/// 0; beyond it (hits + 1) / (flips + 1) over `options.resamples` random flips. 1 without values.
double permutation_p_value(std::span<const double> differences, const ResamplingOptions& options);

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

/// Two-sided exact p-value of McNemar's test for binary metrics: `only_a` samples on which A alone
/// succeeded, `only_b` on which B alone did.
double mcnemar_p_value(std::size_t only_a, std::size_t only_b);

}  // namespace crudbench
