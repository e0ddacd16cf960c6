#include "reports/engine_cost.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

std::optional<EngineCost> summarize(const EngineCostColumns& columns, bool intervals = true) {
  SerialExecutor executor;
  return columns.summarize(intervals, {.resamples = 200}, executor);
}

TEST(EngineCost, IsTheRateOfSums) {
  EngineCostColumns columns;
  columns.add({{"busy_seconds", 1.0}, {"peak_memory_bytes", 500}}, 10);
  columns.add({{"busy_seconds", 3.0}, {"peak_memory_bytes", 900}}, 50);
  columns.add(nullptr, 7);                      // From the completion cache of an older schema.
  columns.add({{"decode_seconds", 2.0}}, 7);    // Another generator's.
  columns.add({{"busy_seconds", "a lot"}}, 7);  // Damaged.
  const auto cost = summarize(columns);
  ASSERT_TRUE(cost);
  EXPECT_EQ(cost->sample_count, 2U);
  EXPECT_DOUBLE_EQ(cost->tokens_per_second, 15.0);  // 60 / 4, not the mean of 10 and 16.7.
  EXPECT_DOUBLE_EQ(cost->busy_seconds, 4.0);
  EXPECT_EQ(cost->peak_memory_bytes, 900);
  ASSERT_TRUE(cost->interval);
  EXPECT_LE(cost->interval->low, 15.0);
  EXPECT_GE(cost->interval->high, 15.0);
  EXPECT_FALSE(summarize(columns, false)->interval);
}

TEST(EngineCost, IsAbsentWhereNoSampleTells) {
  EXPECT_FALSE(summarize(EngineCostColumns()));
  EXPECT_TRUE(engine_cost_json(std::nullopt).is_null());
}

}  // namespace
}  // namespace crudbench
