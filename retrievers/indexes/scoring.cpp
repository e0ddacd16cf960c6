#include "retrievers/indexes/scoring.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <limits>
#include <numeric>
#include <string>

#include "harness/core/error.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define CRUDBENCH_X86_KERNELS 1
#include <immintrin.h>
#endif

namespace crudbench {

namespace {

template <class Right>
using Kernel = float (*)(const float* left, const Right* right, std::size_t dimension);

// Every kernel makes sums in the same order: sum i is over the positions p with p % kSums == i, and
// `total` adds the sums. This file is compiled without contraction of a * b + c, which would round
// differently where there is FMA.
constexpr std::size_t kSums = 64;

using Sums = std::array<float, kSums>;

float total(Sums& sums) {
  for (std::size_t width = kSums / 2; width > 0; width /= 2) {
    for (std::size_t i = 0; i < width; ++i) {
      sums[i] += sums[i + width];
    }
  }
  return sums[0];
}

/// Adds the products of positions [begin, dimension), fewer than `kSums`.
template <class Right>
void add_rest(const float* left, const Right* right, std::size_t begin, std::size_t dimension,
              Sums& sums) {
  for (std::size_t i = begin; i < dimension; ++i) {
    sums[i - begin] += left[i] * static_cast<float>(right[i]);
  }
}

template <class Right>
float portable(const float* left, const Right* right, std::size_t dimension) {
  Sums sums{};
  std::size_t begin = 0;
  for (; begin + kSums <= dimension; begin += kSums) {
    for (std::size_t i = 0; i < kSums; ++i) {
      sums[i] += left[begin + i] * static_cast<float>(right[begin + i]);
    }
  }
  add_rest(left, right, begin, dimension, sums);
  return total(sums);
}

#ifdef CRUDBENCH_X86_KERNELS

// The registers stand in arrays of fixed size, whose loops GCC unrolls.

[[gnu::target("avx2"), gnu::always_inline]] inline __m256 load_256(const float* values) {
  return _mm256_loadu_ps(values);
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256 load_256(const std::uint8_t* values) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(values));
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

template <class Right>
[[gnu::target("avx2")]] float avx2(const float* left, const Right* right, std::size_t dimension) {
  constexpr std::size_t kLanes = sizeof(__m256) / sizeof(float);
  __m256 lanes[kSums / kLanes];
  for (__m256& sum : lanes) {
    sum = _mm256_setzero_ps();
  }
  std::size_t begin = 0;
  for (; begin + kSums <= dimension; begin += kSums) {
    for (std::size_t i = 0; i < kSums / kLanes; ++i) {
      const std::size_t place = begin + i * kLanes;
      lanes[i] =
          _mm256_add_ps(lanes[i], _mm256_mul_ps(load_256(left + place), load_256(right + place)));
    }
  }
  Sums sums;
  std::memcpy(sums.data(), lanes, sizeof(lanes));
  add_rest(left, right, begin, dimension, sums);
  return total(sums);
}

[[gnu::target("avx512f"), gnu::always_inline]] inline __m512 load_512(const float* values) {
  return _mm512_loadu_ps(values);
}

[[gnu::target("avx512f"), gnu::always_inline]] inline __m512 load_512(const std::uint8_t* values) {
  constexpr __mmask16 kAll = 0xFFFF;
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(values));
  return _mm512_maskz_cvtepi32_ps(kAll, _mm512_maskz_cvtepu8_epi32(kAll, bytes));
}

template <class Right>
[[gnu::target("avx512f")]] float avx512(const float* left, const Right* right,
                                        std::size_t dimension) {
  constexpr std::size_t kLanes = sizeof(__m512) / sizeof(float);
  __m512 lanes[kSums / kLanes];
  for (__m512& sum : lanes) {
    sum = _mm512_setzero_ps();
  }
  std::size_t begin = 0;
  for (; begin + kSums <= dimension; begin += kSums) {
    for (std::size_t i = 0; i < kSums / kLanes; ++i) {
      const std::size_t place = begin + i * kLanes;
      lanes[i] =
          _mm512_add_ps(lanes[i], _mm512_mul_ps(load_512(left + place), load_512(right + place)));
    }
  }
  Sums sums;
  std::memcpy(sums.data(), lanes, sizeof(lanes));
  add_rest(left, right, begin, dimension, sums);
  return total(sums);
}

#endif

template <class Right>
std::vector<Kernel<Right>> find_supported() {
  std::vector<Kernel<Right>> supported;
#ifdef CRUDBENCH_X86_KERNELS
  if (__builtin_cpu_supports("avx512f")) {
    supported.push_back(avx512<Right>);
  }
  if (__builtin_cpu_supports("avx2")) {
    supported.push_back(avx2<Right>);
  }
#endif
  supported.push_back(portable<Right>);
  return supported;
}

}  // namespace

float exact_inner_product(const float* left, const float* right, std::size_t dimension) noexcept {
  constexpr std::size_t kPartialSums = 8;
  double sums[kPartialSums] = {};
  std::size_t i = 0;
  for (; i + kPartialSums <= dimension; i += kPartialSums) {
    for (std::size_t j = 0; j < kPartialSums; ++j) {
      sums[j] += static_cast<double>(left[i + j]) * static_cast<double>(right[i + j]);
    }
  }
  for (; i < dimension; ++i) {
    sums[i % kPartialSums] += static_cast<double>(left[i]) * static_cast<double>(right[i]);
  }
  return static_cast<float>(std::accumulate(std::begin(sums), std::end(sums), 0.0));
}

std::span<const InnerProduct> supported_inner_products() {
  static const std::vector<InnerProduct> supported = find_supported<float>();
  return supported;
}

std::span<const ByteInnerProduct> supported_byte_inner_products() {
  static const std::vector<ByteInnerProduct> supported = find_supported<std::uint8_t>();
  return supported;
}

float rounding_of_two_scores(std::size_t dimension) noexcept {
  return static_cast<float>(dimension + 8) * std::numeric_limits<float>::epsilon();
}

void keep_best(std::vector<Neighbor>& neighbors, std::size_t count) {
  const std::size_t kept = std::min(count, neighbors.size());
  std::partial_sort(neighbors.begin(), neighbors.begin() + static_cast<std::ptrdiff_t>(kept),
                    neighbors.end(), is_better);
  neighbors.resize(kept);
}

void rescore(const float* query, std::span<const float> rows, std::size_t dimension,
             std::size_t top_k, std::vector<Neighbor>& candidates) {
  for (Neighbor& candidate : candidates) {
    const float* const row = rows.data() + std::size_t{candidate.row} * dimension;
    candidate.score = exact_inner_product(query, row, dimension);
  }
  keep_best(candidates, top_k);
}

std::vector<std::vector<Neighbor>> search_each(
    std::span<const float> queries, std::size_t dimension, Executor& executor,
    const std::function<void(const float* query, std::vector<Neighbor>& result)>& search_one) {
  constexpr std::size_t kQueriesPerRange = 16;
  std::vector<std::vector<Neighbor>> results(queries.size() / dimension);
  run_ranges(executor, results.size(), kQueriesPerRange, [&](std::size_t begin, std::size_t end) {
    for (std::size_t query = begin; query < end; ++query) {
      search_one(queries.data() + query * dimension, results[query]);
    }
  });
  return results;
}

void check_pool(std::string_view index, std::string_view name, std::size_t pool, std::size_t top_k,
                std::size_t row_count) {
  if (std::min(top_k, row_count) > pool) {
    throw Error(ErrorCode::kInvalidConfig,
                "index " + std::string(index) + ": \"" + std::string(name) +
                    "\" must be at least the number of hits asked for (" + std::to_string(top_k) +
                    "), found " + std::to_string(pool));
  }
}

}  // namespace crudbench
