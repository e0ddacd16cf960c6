#include "harness/core/executor.h"

#include <gtest/gtest.h>
#include <utility>
#include <vector>

namespace crudbench {
namespace {

TEST(RunRanges, CoversEveryIndexOnceInRangesOfTheGrain) {
  SerialExecutor executor;
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  run_ranges(executor, 10, 4,
             [&](std::size_t begin, std::size_t end) { ranges.emplace_back(begin, end); });
  EXPECT_EQ(ranges, (std::vector<std::pair<std::size_t, std::size_t>>{{0, 4}, {4, 8}, {8, 10}}));
}

TEST(RunRanges, CallsNothingForAnEmptyRange) {
  SerialExecutor executor;
  run_ranges(executor, 0, 4, [](std::size_t, std::size_t) { FAIL(); });
}

}  // namespace
}  // namespace crudbench
