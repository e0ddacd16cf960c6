#include "harness/llama/model_bench.h"

#include <cmath>

#include "tests/llama/tiny_models.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::tiny_moe;

TEST(ModelBench, MeasuresEverySizeThatIsAskedFor) {
  const ModelBench bench = bench_model(tiny_moe(), {.prompt_sizes = {8, 16},
                                                    .parallel = {1, 3},
                                                    .decode_steps = 2,
                                                    .threads = 1,
                                                    .churn_prompts = 3,
                                                    .churn_tokens = 4});
  ASSERT_EQ(bench.prefill.size(), 2U);
  EXPECT_EQ(bench.prefill[1].size, 16U);
  EXPECT_GT(bench.prefill[1].tokens_per_second, 0.0);
  ASSERT_EQ(bench.decode.size(), 2U);
  EXPECT_EQ(bench.decode[1].size, 3U);
  EXPECT_GT(bench.decode[0].tokens_per_second, 0.0);
  EXPECT_GT(bench.load_seconds, 0.0);
  EXPECT_EQ(bench.fast.prompts, 3U);
  ASSERT_TRUE(bench.telemetry_cost);
  EXPECT_GT(bench.telemetry_cost->prefill, -1.0);
  EXPECT_TRUE(std::isfinite(bench.telemetry_cost->prefill));
  EXPECT_GT(bench.telemetry_cost->decode, -1.0);
  EXPECT_TRUE(std::isfinite(bench.telemetry_cost->decode));
}

TEST(ModelBench, FindsNoChangedAnswersOfAStrictEngine) {
  const ModelBench bench = bench_model(tiny_moe(), {.prompt_sizes = {8},
                                                    .parallel = {1},
                                                    .decode_steps = 1,
                                                    .threads = 1,
                                                    .churn_prompts = 4,
                                                    .churn_tokens = 8});
  EXPECT_EQ(bench.strict.prompts, 4U);
  EXPECT_EQ(bench.strict.changed, 0U);
}

}  // namespace
}  // namespace crudbench
