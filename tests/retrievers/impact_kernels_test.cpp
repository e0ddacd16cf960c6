#include "retrievers/impact_kernels.h"

#include <algorithm>
#include <string>
#include <vector>

#include "harness/core/random.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

constexpr std::size_t kCount = 3 * kStripChunks;

TEST(ImpactKernels, AreNamedAndEndWithThePortableOnes) {
  std::vector<std::string> names;
  for (const ImpactKernels& kernels : supported_impact_kernels()) {
    names.emplace_back(kernels.name);
  }
  EXPECT_THAT(names, testing::IsSubsetOf({"avx512", "avx2", "portable"}));
  EXPECT_EQ(names.back(), "portable");
}

TEST(ImpactKernels, SumTheRowsOfAllGroups) {
  Random random(1);
  // The levels of a chunk add up to at most 3 * 85 = 255 in each group, the last one of one row.
  const std::vector<std::size_t> group_ends{3, 6, 8, 9};
  std::vector<std::vector<std::uint8_t>> levels(group_ends.back());
  std::vector<const std::uint8_t*> rows;
  std::vector<std::uint16_t> expected(kCount);
  for (std::size_t row = 0; row < levels.size(); ++row) {
    const std::size_t largest = row + 1 == levels.size() ? 255 : 85;
    for (std::size_t i = 0; i < kCount; ++i) {
      levels[row].push_back(
          static_cast<std::uint8_t>(random.below(3) == 0 ? largest : random.below(largest + 1)));
      expected[i] = static_cast<std::uint16_t>(expected[i] + levels[row][i]);
    }
    rows.push_back(levels[row].data());
  }
  for (const ImpactKernels& kernels : supported_impact_kernels()) {
    std::vector<std::uint16_t> sums(kCount, 7);
    kernels.sum_rows(rows, group_ends, kCount, sums.data());
    EXPECT_EQ(sums, expected) << kernels.name;
  }
}

TEST(ImpactKernels, SumUpToTheLargestSum) {
  const std::vector<std::uint8_t> levels(kStripChunks, 255);
  const std::vector<const std::uint8_t*> rows(257, levels.data());  // 257 * 255 = 65,535
  std::vector<std::size_t> group_ends(rows.size());
  for (std::size_t group = 0; group < group_ends.size(); ++group) {
    group_ends[group] = group + 1;
  }
  for (const ImpactKernels& kernels : supported_impact_kernels()) {
    std::vector<std::uint16_t> sums(kStripChunks);
    kernels.sum_rows(rows, group_ends, kStripChunks, sums.data());
    EXPECT_THAT(sums, testing::Each(65535)) << kernels.name;
  }
}

TEST(ImpactKernels, SumNoRowsToZero) {
  for (const ImpactKernels& kernels : supported_impact_kernels()) {
    std::vector<std::uint16_t> sums(kStripChunks, 7);
    kernels.sum_rows({}, {}, kStripChunks, sums.data());
    EXPECT_THAT(sums, testing::Each(0)) << kernels.name;
  }
}

TEST(ImpactKernels, FindTheFirstSumAboveTheLimitFromAnyBeginToAnyEnd) {
  Random random(2);
  // What stands behind the end must not be found.
  std::vector<std::uint16_t> sums(kCount + kStripChunks, 65535);
  for (const std::size_t rarity : {2, 50, 1000}) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t sum = random.below(rarity) == 0 ? random.below(65536) : random.below(100);
      sums[i] = static_cast<std::uint16_t>(sum);
    }
    for (const int limit : {0, 1, 99, 100, 32767, 32768, 65534, 65535}) {
      for (const std::size_t end : {kCount, 2 * kStripChunks, std::size_t{77}}) {
        for (std::size_t begin = 0; begin <= end; ++begin) {
          std::size_t expected = begin;
          while (expected < end && sums[expected] <= limit) {
            ++expected;
          }
          for (const ImpactKernels& kernels : supported_impact_kernels()) {
            const auto found =
                kernels.find_above(sums.data(), begin, end, static_cast<std::uint16_t>(limit));
            ASSERT_EQ(found, expected)
                << kernels.name << " from " << begin << " to " << end << " above " << limit;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace crudbench
