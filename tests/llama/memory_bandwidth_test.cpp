#include <gtest/gtest.h>

#include "harness/llama/model_bench.h"

namespace crudbench {
namespace {

TEST(BytesPerStep, AreThoseOfOneTokenForOneSequence) {
  // 800 bytes of experts, 2 of 8 chosen: 200, and 50 others.
  EXPECT_DOUBLE_EQ(bytes_per_step(800, 250, 8, 2, 1), 250.0);
}

TEST(BytesPerStep, GrowWithTheExpertsThatSequencesTouch) {
  // Two tokens touch 1 - (3/4)^2 = 7/16 of the experts: 350, and 50 others.
  EXPECT_DOUBLE_EQ(bytes_per_step(800, 250, 8, 2, 2), 400.0);
  EXPECT_NEAR(bytes_per_step(800, 250, 8, 2, 1000), 850.0, 1e-6);
}

TEST(BytesPerStep, AreTheSameForADenseModel) {
  EXPECT_DOUBLE_EQ(bytes_per_step(0, 250, 0, 0, 8), 250.0);
}

TEST(MemoryBandwidth, IsPositive) {
  SerialExecutor executor;
  EXPECT_GT(measure_memory_bandwidth(executor), 0.0);
}

}  // namespace
}  // namespace crudbench
