#include "harness/core/random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <gtest/gtest.h>

namespace crudbench {
namespace {

TEST(Random, GivesTheSameNumbersForTheSameSeed) {
  Random first(22);
  Random second(22);
  Random other(23);
  EXPECT_EQ(first.next(), second.next());
  EXPECT_NE(first.next(), other.next());
}

TEST(Random, BelowIsUniform) {
  Random random(1);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) {
    ++counts[random.below(counts.size())];
  }
  // Standard deviation of a count: sqrt(70000 * 1/7 * 6/7) = 92.6; five of them.
  for (const int count : counts) {
    EXPECT_NEAR(count, 10'000, 463);
  }
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Random random(1);
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 5 / std::sqrt(kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0, 5 * std::sqrt(2.0 / kDraws));
}

TEST(SamplePositions, AreDistinctAscendingAndSeeded) {
  const auto chosen = sample_positions(100, 10, 22);
  EXPECT_EQ(chosen.size(), 10U);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  EXPECT_EQ(std::adjacent_find(chosen.begin(), chosen.end()), chosen.end());
  EXPECT_EQ(chosen, sample_positions(100, 10, 22));
  EXPECT_NE(chosen, sample_positions(100, 10, 23));
  EXPECT_EQ(sample_positions(3, 10, 22), (std::vector<std::size_t>{0, 1, 2}));
}

TEST(DeriveSeed, DependsOnSeedAndItem) {
  EXPECT_EQ(derive_seed(1, "a"), derive_seed(1, "a"));
  EXPECT_NE(derive_seed(1, "a"), derive_seed(1, "b"));
  EXPECT_NE(derive_seed(1, "a"), derive_seed(2, "a"));
}

}  // namespace
}  // namespace crudbench
