#include "retrievers/impact_kernels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#define CRUDBENCH_X86_KERNELS 1
#include <immintrin.h>
#endif

namespace crudbench {

namespace {

using Rows = std::span<const std::uint8_t* const>;
using GroupEnds = std::span<const std::size_t>;

/// Adds eight levels at a time as one 64-bit number: no byte of a group's sums carries.
void sum_rows_portable(Rows rows, GroupEnds group_ends, std::size_t count, std::uint16_t* sums) {
  using Lanes = std::array<std::uint64_t, kStripChunks / sizeof(std::uint64_t)>;
  for (std::size_t strip = 0; strip < count; strip += kStripChunks) {
    std::array<std::uint16_t, kStripChunks> wide{};
    std::size_t row = 0;
    for (const std::size_t group_end : group_ends) {
      Lanes narrow{};
      for (; row < group_end; ++row) {
        Lanes levels;
        std::memcpy(levels.data(), rows[row] + strip, kStripChunks);
        for (std::size_t i = 0; i < levels.size(); ++i) {
          narrow[i] += levels[i];
        }
      }
      const auto bytes = std::bit_cast<std::array<std::uint8_t, kStripChunks>>(narrow);
      for (std::size_t i = 0; i < kStripChunks; ++i) {
        wide[i] = static_cast<std::uint16_t>(wide[i] + bytes[i]);
      }
    }
    std::memcpy(sums + strip, wide.data(), sizeof(wide));
  }
}

std::size_t find_above_portable(const std::uint16_t* sums, std::size_t begin, std::size_t end,
                                std::uint16_t limit) {
  constexpr std::size_t kGroup = 32;
  for (; begin + kGroup <= end; begin += kGroup) {
    std::uint16_t largest = 0;
    for (std::size_t i = begin; i < begin + kGroup; ++i) {
      largest = std::max(largest, sums[i]);
    }
    if (largest > limit) {
      break;
    }
  }
  while (begin < end && sums[begin] <= limit) {
    ++begin;
  }
  return begin;
}

constexpr ImpactKernels kPortable{"portable", sum_rows_portable, find_above_portable};

#ifdef CRUDBENCH_X86_KERNELS

// The registers stand in arrays of fixed size, whose loops GCC unrolls.

[[gnu::target("avx2")]] void sum_rows_avx2(Rows rows, GroupEnds group_ends, std::size_t count,
                                           std::uint16_t* sums) {
  constexpr std::size_t kBytes = sizeof(__m256i);
  constexpr std::size_t kRegisters = kStripChunks / kBytes;
  for (std::size_t strip = 0; strip < count; strip += kStripChunks) {
    __m256i wide[2 * kRegisters];
    for (__m256i& sum : wide) {
      sum = _mm256_setzero_si256();
    }
    std::size_t row = 0;
    for (const std::size_t group_end : group_ends) {
      __m256i narrow[kRegisters];
      for (__m256i& sum : narrow) {
        sum = _mm256_setzero_si256();
      }
      for (; row < group_end; ++row) {
        const std::uint8_t* const levels = rows[row] + strip;
        for (std::size_t r = 0; r < kRegisters; ++r) {
          const auto* const source = reinterpret_cast<const __m256i*>(levels + r * kBytes);
          narrow[r] = _mm256_add_epi8(narrow[r], _mm256_loadu_si256(source));
        }
      }
      for (std::size_t r = 0; r < kRegisters; ++r) {
        const __m256i low = _mm256_cvtepu8_epi16(_mm256_castsi256_si128(narrow[r]));
        const __m256i high = _mm256_cvtepu8_epi16(_mm256_extracti128_si256(narrow[r], 1));
        wide[2 * r] = _mm256_add_epi16(wide[2 * r], low);
        wide[2 * r + 1] = _mm256_add_epi16(wide[2 * r + 1], high);
      }
    }
    for (std::size_t r = 0; r < 2 * kRegisters; ++r) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(sums + strip) + r, wide[r]);
    }
  }
}

[[gnu::target("avx2")]] std::size_t find_above_avx2(const std::uint16_t* sums, std::size_t begin,
                                                    std::size_t end, std::uint16_t limit) {
  constexpr std::size_t kLanes = sizeof(__m256i) / sizeof(std::uint16_t);
  constexpr std::size_t kRegisters = 4;
  const __m256i limits = _mm256_set1_epi16(static_cast<short>(limit));
  for (; begin < end; begin += kRegisters * kLanes) {
    __m256i excess[kRegisters];  // by how much a sum is above the limit, else 0
    for (std::size_t r = 0; r < kRegisters; ++r) {
      const auto* const source = reinterpret_cast<const __m256i*>(sums + begin + r * kLanes);
      excess[r] = _mm256_subs_epu16(_mm256_loadu_si256(source), limits);
    }
    const __m256i any = _mm256_or_si256(_mm256_or_si256(excess[0], excess[1]),
                                        _mm256_or_si256(excess[2], excess[3]));
    if (_mm256_testz_si256(any, any) != 0) {
      continue;
    }
    for (std::size_t r = 0; r < kRegisters; ++r) {
      const __m256i none = _mm256_cmpeq_epi16(excess[r], _mm256_setzero_si256());
      const auto above = ~static_cast<std::uint32_t>(_mm256_movemask_epi8(none));
      if (above != 0) {  // two bits a lane
        const auto lane = static_cast<std::size_t>(std::countr_zero(above)) / 2;
        return std::min(end, begin + r * kLanes + lane);
      }
    }
  }
  return end;
}

constexpr ImpactKernels kAvx2{"avx2", sum_rows_avx2, find_above_avx2};

[[gnu::target("avx512f,avx512bw")]] void sum_rows_avx512(Rows rows, GroupEnds group_ends,
                                                         std::size_t count, std::uint16_t* sums) {
  constexpr std::size_t kBytes = sizeof(__m512i);
  constexpr std::size_t kRegisters = kStripChunks / kBytes;
  for (std::size_t strip = 0; strip < count; strip += kStripChunks) {
    __m512i wide[2 * kRegisters];
    for (__m512i& sum : wide) {
      sum = _mm512_setzero_si512();
    }
    std::size_t row = 0;
    for (const std::size_t group_end : group_ends) {
      __m512i narrow[kRegisters];
      for (__m512i& sum : narrow) {
        sum = _mm512_setzero_si512();
      }
      for (; row < group_end; ++row) {
        const std::uint8_t* const levels = rows[row] + strip;
        for (std::size_t r = 0; r < kRegisters; ++r) {
          narrow[r] = _mm512_add_epi8(narrow[r], _mm512_loadu_si512(levels + r * kBytes));
        }
      }
      for (std::size_t r = 0; r < kRegisters; ++r) {
        // Not _mm512_extracti64x4_epi64, of which GCC 12 warns in its own header.
        const auto* const halves = reinterpret_cast<const __m256i*>(&narrow[r]);
        const __m512i low = _mm512_cvtepu8_epi16(_mm256_loadu_si256(halves));
        const __m512i high = _mm512_cvtepu8_epi16(_mm256_loadu_si256(halves + 1));
        wide[2 * r] = _mm512_add_epi16(wide[2 * r], low);
        wide[2 * r + 1] = _mm512_add_epi16(wide[2 * r + 1], high);
      }
    }
    for (std::size_t r = 0; r < 2 * kRegisters; ++r) {
      _mm512_storeu_si512(sums + strip + r * (kBytes / sizeof(std::uint16_t)), wide[r]);
    }
  }
}

[[gnu::target("avx512f,avx512bw")]] std::size_t find_above_avx512(const std::uint16_t* sums,
                                                                  std::size_t begin,
                                                                  std::size_t end,
                                                                  std::uint16_t limit) {
  constexpr std::size_t kLanes = sizeof(__m512i) / sizeof(std::uint16_t);
  const __m512i limits = _mm512_set1_epi16(static_cast<short>(limit));
  for (; begin < end; begin += 2 * kLanes) {
    const std::uint32_t low = _mm512_cmpgt_epu16_mask(_mm512_loadu_si512(sums + begin), limits);
    const std::uint32_t high =
        _mm512_cmpgt_epu16_mask(_mm512_loadu_si512(sums + begin + kLanes), limits);
    const std::uint64_t above = std::uint64_t{high} << kLanes | low;
    if (above != 0) {
      return std::min(end, begin + static_cast<std::size_t>(std::countr_zero(above)));
    }
  }
  return end;
}

constexpr ImpactKernels kAvx512{"avx512", sum_rows_avx512, find_above_avx512};

#endif

std::vector<ImpactKernels> find_supported() {
  std::vector<ImpactKernels> supported;
#ifdef CRUDBENCH_X86_KERNELS
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
    supported.push_back(kAvx512);
  }
  if (__builtin_cpu_supports("avx2")) {
    supported.push_back(kAvx2);
  }
#endif
  supported.push_back(kPortable);
  return supported;
}

}  // namespace

std::span<const ImpactKernels> supported_impact_kernels() {
  static const std::vector<ImpactKernels> supported = find_supported();
  return supported;
}

}  // namespace crudbench
