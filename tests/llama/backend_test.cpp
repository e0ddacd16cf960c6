#include "harness/llama/backend.h"

#include <gmock/gmock.h>

#include "harness/core/error.h"

namespace crudbench {
namespace {

TEST(LlamaRuntime, FindsAProcessorBackEnd) {
  if (!has_llama()) {
    GTEST_SKIP() << "this build has no llama.cpp";
  }
  const LlamaRuntime& runtime = llama_runtime();
  EXPECT_FALSE(runtime.version.empty());
  EXPECT_THAT(runtime.devices, testing::Contains(testing::StartsWith("CPU")));
}

TEST(LlamaRuntime, IsRefusedWithAReasonInABuildWithoutIt) {
  if (has_llama()) {
    GTEST_SKIP() << "this build has llama.cpp";
  }
  EXPECT_THROW(llama_runtime(), Error);
}

}  // namespace
}  // namespace crudbench
