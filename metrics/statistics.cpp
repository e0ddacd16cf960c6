#include "metrics/statistics.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>

#if defined(__x86_64__) && defined(__GNUC__)
#define CRUDBENCH_X86_KERNELS 1
#include <immintrin.h>
#endif

#include "harness/core/random.h"

namespace crudbench {

namespace {

/// Sums that differ by no more than this share of their scale are ties: what is left of rounding.
constexpr double kTieTolerance = 1e-10;

double normal_cdf(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

double normal_density(double x) {
  return std::exp(-0.5 * x * x) / std::sqrt(2.0 * std::numbers::pi);
}

/// The mean, and exactly the common value if all values are equal, whatever a sum is rounded to.
double centre_of(std::span<const double> values) {
  const bool equal =
      std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
  return equal ? values.front() : mean(values);
}

/// Deviations from the mean.
std::vector<double> centred(std::span<const double> values) {
  const double centre = centre_of(values);
  std::vector<double> result(values.begin(), values.end());
  for (double& value : result) {
    value -= centre;
  }
  return result;
}

double sum_of_squares(std::span<const double> values) {
  std::vector<double> squares(values.begin(), values.end());
  for (double& value : squares) {
    value *= value;
  }
  return stable_sum(squares);
}

/// How often each of `counts.size()` values is drawn in as many draws with replacement. Positions
/// come from 32 random bits by multiplication; the bias, below counts.size() / 2^32, is far under
/// the noise of any resampling.
void draw_counts(Random& random, std::span<std::int32_t> counts) {
  std::fill(counts.begin(), counts.end(), 0);
  const std::uint64_t bound = counts.size();
  std::uint64_t bits = 0;
  for (std::size_t draw = 0; draw < counts.size(); ++draw) {
    bits = draw % 2 == 0 ? random.next() : bits >> 32U;
    ++counts[(bits & 0xFFFFFFFFU) * bound >> 32U];
  }
}

constexpr std::size_t kLanes = 4;     ///< Running sums of a sum, which do not wait for each other.
constexpr std::size_t kTogether = 4;  ///< Resamples that are summed while values are at hand.
constexpr std::size_t kTileSize =
    512;  ///< Samples whose values and weights stay in the first cache.

/// How often each of some samples is drawn in `kTogether` resamples.
using DrawnWeights = std::array<std::vector<double>, kTogether>;

/// The running sums of `kTogether` resamples of one column, and what the lanes leave over.
struct RunningSums {
  std::array<std::array<double, kLanes>, kTogether> lanes{};
  std::array<double, kTogether> rest{};

  double total(std::size_t resample) const {
    const std::array<double, kLanes>& sums = lanes[resample];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest[resample];
  }
};

using Lanes = std::array<std::array<double, kLanes>, kTogether>;

/// Adds the samples from `begin` to `end`, whose number is a multiple of `kLanes`.
void add_lanes_portable(const DrawnWeights& weights, std::span<const double> values,
                        std::size_t begin, std::size_t end, Lanes& lanes) {
  Lanes sums = lanes;  // In registers, not in memory.
  for (std::size_t i = begin; i < end; i += kLanes) {
    for (std::size_t resample = 0; resample < kTogether; ++resample) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        sums[resample][lane] += weights[resample][i + lane] * values[i + lane];
      }
    }
  }
  lanes = sums;
}

#ifdef CRUDBENCH_X86_KERNELS
/// The same sums, each operation rounded as above: a register holds the lanes of a resample.
[[gnu::target("avx2")]] void add_lanes_avx2(const DrawnWeights& weights,
                                            std::span<const double> values, std::size_t begin,
                                            std::size_t end, Lanes& lanes) {
  static_assert(kLanes == 4 && kTogether == 4);
  __m256d first = _mm256_loadu_pd(lanes[0].data());
  __m256d second = _mm256_loadu_pd(lanes[1].data());
  __m256d third = _mm256_loadu_pd(lanes[2].data());
  __m256d fourth = _mm256_loadu_pd(lanes[3].data());
  for (std::size_t i = begin; i < end; i += kLanes) {
    const __m256d value = _mm256_loadu_pd(&values[i]);
    first = _mm256_add_pd(first, _mm256_mul_pd(_mm256_loadu_pd(&weights[0][i]), value));
    second = _mm256_add_pd(second, _mm256_mul_pd(_mm256_loadu_pd(&weights[1][i]), value));
    third = _mm256_add_pd(third, _mm256_mul_pd(_mm256_loadu_pd(&weights[2][i]), value));
    fourth = _mm256_add_pd(fourth, _mm256_mul_pd(_mm256_loadu_pd(&weights[3][i]), value));
  }
  _mm256_storeu_pd(lanes[0].data(), first);
  _mm256_storeu_pd(lanes[1].data(), second);
  _mm256_storeu_pd(lanes[2].data(), third);
  _mm256_storeu_pd(lanes[3].data(), fourth);
}
#endif

using AddLanes = void (*)(const DrawnWeights&, std::span<const double>, std::size_t, std::size_t,
                          Lanes&);

AddLanes best_add_lanes() {
#ifdef CRUDBENCH_X86_KERNELS
  if (__builtin_cpu_supports("avx2")) {
    return add_lanes_avx2;
  }
#endif
  return add_lanes_portable;
}

/// Adds the samples from `begin` to `end`; `begin` is a multiple of `kLanes`.
void add_weighted(const DrawnWeights& weights, std::span<const double> values, std::size_t begin,
                  std::size_t end, RunningSums& sums) {
  static const AddLanes add_lanes = best_add_lanes();
  std::size_t i = begin + (end - begin) / kLanes * kLanes;
  add_lanes(weights, values, begin, i, sums.lanes);
  for (; i < end; ++i) {
    for (std::size_t resample = 0; resample < kTogether; ++resample) {
      sums.rest[resample] += weights[resample][i] * values[i];
    }
  }
}

/// The sums of all columns under `weights`, tile by tile.
void sum_columns(const DrawnWeights& weights, std::span<const std::vector<double>> columns,
                 std::span<RunningSums> sums) {
  std::fill(sums.begin(), sums.end(), RunningSums());
  const std::size_t size = columns.front().size();
  for (std::size_t begin = 0; begin < size; begin += kTileSize) {
    const std::size_t end = std::min(begin + kTileSize, size);
    for (std::size_t column = 0; column < columns.size(); ++column) {
      add_weighted(weights, columns[column], begin, end, sums[column]);
    }
  }
}

/// The sums of `options.resamples` bootstrap samples of each column; all columns have the same
/// length, below 2^31.
std::vector<std::vector<double>> bootstrap_sums(std::span<const std::vector<double>> columns,
                                                const ResamplingOptions& options,
                                                Executor& executor) {
  constexpr std::size_t kResamplesPerPiece = 64;
  std::vector<std::vector<double>> sums(columns.size(), std::vector<double>(options.resamples));
  run_ranges(executor, options.resamples, kResamplesPerPiece,
             [&](std::size_t begin, std::size_t end) {
               Random random(derive_seed(options.seed, "bootstrap/" + std::to_string(begin)));
               std::vector<std::int32_t> counts(columns.front().size());
               DrawnWeights weights;
               std::vector<RunningSums> running(columns.size());
               for (std::size_t first = begin; first < end; first += kTogether) {
                 const std::size_t count = std::min(kTogether, end - first);
                 for (std::size_t i = 0; i < kTogether; ++i) {
                   if (i < count) {
                     draw_counts(random, counts);
                   }
                   weights[i].assign(counts.begin(), counts.end());
                 }
                 sum_columns(weights, columns, running);
                 for (std::size_t column = 0; column < columns.size(); ++column) {
                   for (std::size_t i = 0; i < count; ++i) {
                     sums[column][first + i] = running[column].total(i);
                   }
                 }
               }
             });
  return sums;
}

/// For each column the first one that holds the same values: hit@k and recall@k are one column
/// where every sample has one gold document.
std::vector<std::size_t> find_first_alike(std::span<const std::span<const double>> columns) {
  const auto precedes = [](std::span<const double> left, std::span<const double> right) {
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end());
  };
  std::map<std::span<const double>, std::size_t, decltype(precedes)> known(precedes);
  std::vector<std::size_t> first_alike;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    first_alike.push_back(known.emplace(columns[i], i).first->second);
  }
  return first_alike;
}

/// The `probability` quantile of sorted values, between order statistics i / (n + 1).
double sorted_quantile(std::span<const double> sorted, double probability) {
  const auto last = static_cast<double>(sorted.size() - 1);
  const double position =
      std::clamp(probability * static_cast<double>(sorted.size() + 1) - 1.0, 0.0, last);
  const auto lower = static_cast<std::size_t>(position);
  const std::size_t upper = std::min(lower + 1, sorted.size() - 1);
  return std::lerp(sorted[lower], sorted[upper], position - std::floor(position));
}

/// BCa interval of the estimate `observed` from those of its bootstrap samples; two that differ by
/// no more than `tie` are equal. `influences`: how far each sample draws the estimate up, less
/// their mean, up to a common factor.
Interval bca_interval(double observed, std::vector<double> estimates, double tie,
                      std::span<const double> influences, double confidence) {
  double square_sum = 0.0;
  double cube_sum = 0.0;
  for (const double value : influences) {
    square_sum += value * value;
    cube_sum += value * value * value;
  }
  if (square_sum == 0.0) {
    return {observed, observed};
  }
  std::sort(estimates.begin(), estimates.end());
  const auto below = std::lower_bound(estimates.begin(), estimates.end(), observed - tie);
  const auto above = std::upper_bound(estimates.begin(), estimates.end(), observed + tie);
  const auto count = static_cast<double>(estimates.size());
  // Ties with the observed estimate lie half below it and half above.
  const double share_below =
      (static_cast<double>(below - estimates.begin()) + 0.5 * static_cast<double>(above - below)) /
      count;
  const double bias = normal_quantile(std::clamp(share_below, 0.5 / count, 1.0 - 0.5 / count));
  const double acceleration = cube_sum / (6.0 * square_sum * std::sqrt(square_sum));
  const auto bound = [&](double probability) {
    const double shifted = bias + normal_quantile(probability);
    // |acceleration| <= 1/6, so only confidences very close to 1 need the guard.
    const double stretch = std::max(1.0 - acceleration * shifted, 1e-3);
    return sorted_quantile(estimates, normal_cdf(bias + shifted / stretch));
  };
  return {bound(0.5 * (1.0 - confidence)), bound(0.5 * (1.0 + confidence))};
}

/// The distribution of the sum of differences whose signs are chosen at random, each choice as
/// likely, and where the observed sum stands in it. Differences of 0 change nothing and are left
/// out.
class SignFlipTest {
 public:
  explicit SignFlipTest(std::span<const double> differences) {
    for (const double difference : differences) {
      if (difference != 0.0) {
        sizes_.push_back(std::abs(difference));
      }
    }
    largest_ = stable_sum(sizes_);
    observed_ = std::abs(stable_sum(differences));
    tie_ = kTieTolerance * largest_;
  }

  /// All choices of signs can be listed.
  bool is_small() const noexcept {
    constexpr std::size_t kMaxListed = 20;
    return sizes_.size() <= kMaxListed;
  }

  /// From the sums of all 2^n choices of signs, each with the first sign positive: the others
  /// mirror them.
  double exact_p_value() const {
    if (sizes_.empty()) {
      return 1.0;
    }
    std::vector<double> sums = {sizes_.front()};
    sums.reserve(std::size_t{1} << (sizes_.size() - 1));
    for (const double size : std::span(sizes_).subspan(1)) {
      const std::size_t count = sums.size();
      for (std::size_t i = 0; i < count; ++i) {
        sums.push_back(sums[i] - size);
        sums[i] += size;
      }
    }
    return static_cast<double>(count_extreme(sums)) / static_cast<double>(sums.size());
  }

  /// From `options.resamples` choices, 64 signs a random number. The sums of eight neighbours under
  /// all 256 choices are tabulated once and used in every permutation.
  double random_p_value(const ResamplingOptions& options) const {
    constexpr std::size_t kSigns = 64;
    constexpr std::size_t kGroup = 8;
    constexpr std::size_t kChoices = 1U << kGroup;
    Random random(derive_seed(options.seed, "permutation"));
    std::vector<double> sums(options.resamples, 0.0);
    std::vector<std::array<double, kChoices>> tables(kSigns / kGroup);
    for (std::size_t begin = 0; begin < sizes_.size(); begin += kSigns) {
      for (std::size_t group = 0; group < tables.size(); ++group) {
        tables[group][0] = 0.0;
        for (std::size_t i = 0; i < kGroup; ++i) {
          const std::size_t position = begin + group * kGroup + i;
          const double size = position < sizes_.size() ? sizes_[position] : 0.0;
          const std::size_t count = std::size_t{1} << i;
          for (std::size_t choice = 0; choice < count; ++choice) {
            tables[group][count + choice] = tables[group][choice] - size;
            tables[group][choice] += size;
          }
        }
      }
      for (double& sum : sums) {
        std::uint64_t signs = random.next();
        double part = 0.0;
        for (const std::array<double, kChoices>& table : tables) {
          part += table[signs & (kChoices - 1)];
          signs >>= kGroup;
        }
        sum += part;
      }
    }
    return (static_cast<double>(count_extreme(sums)) + 1.0) /
           (static_cast<double>(sums.size()) + 1.0);
  }

  /// Lugannani and Rice's tail probability, twice. The cumulant generating function of the sum is
  /// K(t) = Σ log cosh(t d).
  double saddlepoint_p_value() const {
    if (observed_ <= tie_) {
      return 1.0;
    }
    // Only the observed signs and their mirror image reach the end of the distribution.
    const double least = std::exp2(1.0 - static_cast<double>(sizes_.size()));
    if (observed_ >= largest_ - tie_) {
      return least;
    }
    const Saddlepoint saddlepoint = find_saddlepoint();
    const double t = saddlepoint.position;
    double cumulant = 0.0;
    for (const double size : sizes_) {
      const double x = t * size;
      cumulant += x + std::log1p(std::exp(-2.0 * x)) - std::numbers::ln2;
    }
    const double distance = std::sqrt(std::max(0.0, 2.0 * (t * observed_ - cumulant)));
    constexpr double kCentre = 0.01;  // Closer to it the correction below is mere rounding.
    if (distance < kCentre) {
      return std::min(1.0, 2.0 * normal_cdf(-distance));
    }
    // Sums of multiples of a step lie two steps apart.
    const double spacing = 2.0 * common_step();
    const double slope = spacing == 0.0 ? t : -std::expm1(-t * spacing) / spacing;
    const double correction = 1.0 / (slope * std::sqrt(saddlepoint.curvature)) - 1.0 / distance;
    const double tail = normal_cdf(-distance) + normal_density(distance) * correction;
    return std::clamp(2.0 * tail, least, 1.0);
  }

 private:
  struct Saddlepoint {
    double position = 0.0;   ///< t with K'(t) = observed sum.
    double curvature = 0.0;  ///< K''(t).
  };

  std::ptrdiff_t count_extreme(std::span<const double> sums) const {
    return std::count_if(sums.begin(), sums.end(),
                         [&](double sum) { return std::abs(sum) >= observed_ - tie_; });
  }

  /// Newton's method from the left: K' is concave for t > 0, so no step passes the solution.
  Saddlepoint find_saddlepoint() const {
    constexpr int kMaxSteps = 200;
    constexpr double kPrecision = 1e-8;
    Saddlepoint saddlepoint;
    for (int step = 0; step < kMaxSteps; ++step) {
      double slope = 0.0;
      double curvature = 0.0;
      for (const double size : sizes_) {
        const double tangent = std::tanh(saddlepoint.position * size);
        slope += size * tangent;
        curvature += size * size * (1.0 - tangent * tangent);
      }
      saddlepoint.curvature = curvature;
      const double change = (observed_ - slope) / curvature;
      if (!(change > kPrecision * saddlepoint.position)) {
        break;
      }
      saddlepoint.position += change;
    }
    return saddlepoint;
  }

  /// The largest number of which all differences are multiples; 0 if it is too small to matter.
  double common_step() const {
    constexpr double kRounding = 1e-9;
    constexpr double kSmall = 1e-5;
    const double scale = *std::max_element(sizes_.begin(), sizes_.end());
    double step = sizes_.front();
    for (const double size : sizes_) {
      double divisor = step;  // Euclid's algorithm.
      step = size;
      while (divisor > kRounding * scale) {
        step = std::exchange(divisor, std::abs(std::remainder(step, divisor)));
      }
      if (step < kSmall * scale) {
        return 0.0;
      }
    }
    return step;
  }

  std::vector<double> sizes_;  ///< Absolute values of the differences that are not 0.
  double observed_ = 0.0;      ///< Absolute value of the observed sum.
  double largest_ = 0.0;       ///< The largest possible sum.
  double tie_ = 0.0;           ///< Sums no further apart are equal.
};

}  // namespace

double stable_sum(std::span<const double> values) noexcept {
  double sum = 0.0;
  double lost = 0.0;
  for (const double value : values) {
    const double next = sum + value;
    lost += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return sum + lost;
}

double mean(std::span<const double> values) noexcept {
  assert(!values.empty());
  return stable_sum(values) / static_cast<double>(values.size());
}

double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) {
    return 0.0;
  }
  return std::sqrt(sum_of_squares(centred(values)) / static_cast<double>(values.size() - 1));
}

double normal_quantile(double probability) {
  assert(probability > 0.0 && probability < 1.0);
  // Acklam's rational approximation, relative error below 1.2e-9, then one step of Halley's method.
  constexpr std::array kCentreTop = {-3.969683028665376e+01, 2.209460984245205e+02,
                                     -2.759285104469687e+02, 1.383577518672690e+02,
                                     -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr std::array kCentreBottom = {-5.447609879822406e+01, 1.615858368580409e+02,
                                        -1.556989798598866e+02, 6.680131188771972e+01,
                                        -1.328068155288572e+01, 1.0};
  constexpr std::array kTailTop = {-7.784894002430293e-03, -3.223964580411365e-01,
                                   -2.400758277161838e+00, -2.549732539343734e+00,
                                   4.374664141464968e+00,  2.938163982698783e+00};
  constexpr std::array kTailBottom = {7.784695709041462e-03, 3.224671290700398e-01,
                                      2.445134137142996e+00, 3.754408661907416e+00, 1.0};
  constexpr double kTail = 0.02425;
  const auto polynomial = [](const auto& coefficients, double x) {
    return std::accumulate(
        coefficients.begin(), coefficients.end(), 0.0,
        [x](double value, double coefficient) { return value * x + coefficient; });
  };
  double x = 0.0;
  if (probability < kTail || probability > 1.0 - kTail) {
    const double tail = std::min(probability, 1.0 - probability);
    const double root = std::sqrt(-2.0 * std::log(tail));
    x = polynomial(kTailTop, root) / polynomial(kTailBottom, root);
    x = probability < kTail ? x : -x;
  } else {
    const double offset = probability - 0.5;
    const double square = offset * offset;
    x = offset * polynomial(kCentreTop, square) / polynomial(kCentreBottom, square);
  }
  const double error = normal_cdf(x) - probability;
  const double step = error * std::sqrt(2.0 * std::numbers::pi) * std::exp(0.5 * x * x);
  return x - step / (1.0 + 0.5 * x * step);
}

std::vector<std::optional<MeanEstimate>> estimate_means(
    std::span<const std::span<const double>> columns, const ResamplingOptions& options,
    Executor& executor) {
  std::vector<std::optional<MeanEstimate>> estimates(columns.size());
  const std::vector<std::size_t> first_alike = find_first_alike(columns);
  std::map<std::size_t, std::vector<std::size_t>> columns_by_length;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i].empty() && first_alike[i] == i) {
      estimates[i] =
          MeanEstimate{.n = columns[i].size(), .mean = mean(columns[i]), .interval = std::nullopt};
      columns_by_length[columns[i].size()].push_back(i);
    }
  }
  for (const auto& [length, positions] : columns_by_length) {
    if (length < 2) {
      continue;
    }
    std::vector<std::vector<double>> values;
    values.reserve(positions.size());
    for (const std::size_t position : positions) {
      values.push_back(centred(columns[position]));
    }
    std::vector<std::vector<double>> sums = bootstrap_sums(values, options, executor);
    for (std::size_t i = 0; i < positions.size(); ++i) {
      MeanEstimate& estimate = *estimates[positions[i]];
      const double tie = kTieTolerance * std::sqrt(sum_of_squares(values[i]));
      const Interval of_sum =
          bca_interval(0.0, std::move(sums[i]), tie, values[i], options.confidence);
      const auto n = static_cast<double>(length);
      // A mean of resampled values lies between them; rounding may not carry it past.
      const std::span<const double> column = columns[positions[i]];
      const auto [least, greatest] = std::minmax_element(column.begin(), column.end());
      estimate.interval = Interval{std::clamp(estimate.mean + of_sum.low / n, *least, *greatest),
                                   std::clamp(estimate.mean + of_sum.high / n, *least, *greatest)};
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    estimates[i] = estimates[first_alike[i]];
  }
  return estimates;
}

std::optional<MeanEstimate> estimate_mean(std::span<const double> values,
                                          const ResamplingOptions& options, Executor& executor) {
  return estimate_means(std::span(&values, 1), options, executor).front();
}

std::optional<Interval> bootstrap_statistic(
    std::span<const std::vector<double>> columns,
    const std::function<double(std::span<const double> sums)>& statistic,
    const ResamplingOptions& options, Executor& executor) {
  if (columns.empty() || columns.front().size() < 2) {
    return std::nullopt;
  }
  const std::size_t sample_count = columns.front().size();
  std::vector<double> sums;
  for (const std::vector<double>& column : columns) {
    assert(column.size() == sample_count);
    sums.push_back(stable_sum(column));
  }
  const double observed = statistic(sums);

  std::vector<double> without(sample_count);
  std::vector<double> others(columns.size());
  for (std::size_t i = 0; i < sample_count; ++i) {
    for (std::size_t column = 0; column < columns.size(); ++column) {
      others[column] = sums[column] - columns[column][i];
    }
    without[i] = statistic(others);
  }
  std::vector<double> influences = centred(without);
  for (double& influence : influences) {
    influence = -influence;
  }

  const std::vector<std::vector<double>> drawn = bootstrap_sums(columns, options, executor);
  constexpr std::size_t kResamplesPerPiece = 256;
  std::vector<double> estimates(options.resamples);
  run_ranges(executor, options.resamples, kResamplesPerPiece,
             [&](std::size_t begin, std::size_t end) {
               std::vector<double> drawn_sums(columns.size());
               for (std::size_t resample = begin; resample < end; ++resample) {
                 for (std::size_t column = 0; column < columns.size(); ++column) {
                   drawn_sums[column] = drawn[column][resample];
                 }
                 estimates[resample] = statistic(drawn_sums);
               }
             });
  return bca_interval(observed, std::move(estimates), kTieTolerance * std::abs(observed),
                      influences, options.confidence);
}

double permutation_p_value(std::span<const double> differences, const ResamplingOptions& options) {
  const SignFlipTest test(differences);
  return test.is_small() ? test.exact_p_value() : test.random_p_value(options);
}

double sign_flip_p_value(std::span<const double> differences) {
  const SignFlipTest test(differences);
  return test.is_small() ? test.exact_p_value() : test.saddlepoint_p_value();
}

std::optional<double> cohens_dz(std::span<const double> differences) {
  if (differences.size() < 2) {
    return std::nullopt;
  }
  const double difference = mean(differences);
  const double deviation = standard_deviation(differences);
  if (deviation <= kTieTolerance * std::abs(difference)) {
    return std::nullopt;
  }
  return difference / deviation;
}

std::optional<double> smallest_detectable_difference(std::span<const double> differences,
                                                     double power, double confidence) {
  if (differences.size() < 2) {
    return std::nullopt;
  }
  return (normal_quantile(0.5 * (1.0 + confidence)) + normal_quantile(power)) *
         standard_deviation(differences) / std::sqrt(static_cast<double>(differences.size()));
}

std::optional<PairedComparison> compare_paired(std::span<const double> a, std::span<const double> b,
                                               const ResamplingOptions& options,
                                               Executor& executor) {
  assert(a.size() == b.size());
  if (a.empty()) {
    return std::nullopt;
  }
  std::vector<double> differences(a.size());
  std::transform(a.begin(), a.end(), b.begin(), differences.begin(), std::minus<>());
  const MeanEstimate estimate = *estimate_mean(differences, options, executor);
  return PairedComparison{
      .n = estimate.n,
      .difference = estimate.mean,
      .interval = estimate.interval,
      .p_value = permutation_p_value(differences, options),
      .effect_size = cohens_dz(differences),
      .smallest_detectable = smallest_detectable_difference(differences, 0.8, options.confidence),
  };
}

std::vector<double> holm_correction(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t i, std::size_t j) { return p_values[i] < p_values[j]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0.0;
  for (std::size_t step = 0; step < order.size(); ++step) {
    const auto remaining = static_cast<double>(order.size() - step);
    largest = std::max(largest, std::min(1.0, remaining * p_values[order[step]]));
    adjusted[order[step]] = largest;
  }
  return adjusted;
}

std::vector<std::vector<std::size_t>> significant_wins(
    std::span<const std::vector<std::optional<double>>> rows, bool higher_is_better, double level) {
  struct Pair {
    std::size_t better;
    std::size_t worse;
  };
  std::vector<Pair> pairs;
  std::vector<double> p_values;
  std::vector<double> differences;
  for (std::size_t a = 0; a < rows.size(); ++a) {
    for (std::size_t b = a + 1; b < rows.size(); ++b) {
      assert(rows[a].size() == rows[b].size());
      differences.clear();
      for (std::size_t i = 0; i < rows[a].size(); ++i) {
        if (rows[a][i].has_value() && rows[b][i].has_value()) {
          differences.push_back(*rows[a][i] - *rows[b][i]);
        }
      }
      const bool a_is_better = (stable_sum(differences) > 0.0) == higher_is_better;
      pairs.push_back(a_is_better ? Pair{a, b} : Pair{b, a});
      p_values.push_back(sign_flip_p_value(differences));
    }
  }
  const std::vector<double> corrected = holm_correction(p_values);
  std::vector<std::vector<std::size_t>> wins(rows.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (corrected[i] <= level) {
      wins[pairs[i].better].push_back(pairs[i].worse);
    }
  }
  for (std::vector<std::size_t>& worse : wins) {
    std::sort(worse.begin(), worse.end());
  }
  return wins;
}

std::vector<std::size_t> significance_ranks(std::span<const std::vector<std::size_t>> wins) {
  std::vector<std::size_t> ranks(wins.size(), 1);
  for (const std::vector<std::size_t>& worse : wins) {
    for (const std::size_t row : worse) {
      ++ranks[row];
    }
  }
  return ranks;
}

std::optional<VarianceComponents> variance_components(
    std::span<const std::vector<double>> values_by_sample) {
  VarianceComponents components;
  std::vector<double> all;
  double square_of_counts = 0.0;
  for (const std::vector<double>& values : values_by_sample) {
    const auto count = static_cast<double>(values.size());
    components.sample_count += values.empty() ? 0 : 1;
    square_of_counts += count * count;
    all.insert(all.end(), values.begin(), values.end());
  }
  components.value_count = all.size();
  if (components.sample_count < 2 || components.value_count == components.sample_count) {
    return std::nullopt;
  }
  const double overall = centre_of(all);
  std::vector<double> squares_between;
  std::vector<double> squares_within;
  for (const std::vector<double>& values : values_by_sample) {
    if (!values.empty()) {
      const double deviation = centre_of(values) - overall;
      squares_between.push_back(static_cast<double>(values.size()) * deviation * deviation);
      squares_within.push_back(sum_of_squares(centred(values)));
    }
  }
  const auto samples = static_cast<double>(components.sample_count);
  const auto count = static_cast<double>(components.value_count);
  const double mean_square_between = stable_sum(squares_between) / (samples - 1.0);
  const double mean_square_within = stable_sum(squares_within) / (count - samples);
  const double repeats = (count - square_of_counts / count) / (samples - 1.0);  // n0
  components.between_samples = std::max(0.0, (mean_square_between - mean_square_within) / repeats);
  components.between_repeats = mean_square_within;
  const double total = components.between_samples + components.between_repeats;
  if (total > 0.0) {
    components.intraclass_correlation = components.between_samples / total;
  }
  return components;
}

double mcnemar_p_value(std::size_t only_a, std::size_t only_b) {
  const std::size_t n = only_a + only_b;
  const std::size_t fewer = std::min(only_a, only_b);
  // The binomial tail P(X <= fewer), p = 1/2: its largest term in logarithms, the others from it.
  double log_term = -static_cast<double>(n) * std::numbers::ln2;
  for (std::size_t i = 1; i <= fewer; ++i) {
    log_term += std::log(static_cast<double>(n - fewer + i) / static_cast<double>(i));
  }
  double tail = 1.0;
  double term = 1.0;
  for (std::size_t k = fewer; k > 0; --k) {
    term *= static_cast<double>(k) / static_cast<double>(n - k + 1);
    tail += term;
  }
  return std::min(1.0, 2.0 * std::exp(log_term) * tail);
}

}  // namespace crudbench
