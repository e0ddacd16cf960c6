#include "harness/llama/memory_check.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

constexpr std::uint64_t kGibi = std::uint64_t{1} << 30U;

TEST(RequireMemory, RefusesWhatIsTooMuchWithTheNumbers) {
  const MemoryEstimate needed{.weights = 18 * kGibi, .kv_cache = 3 * kGibi, .compute = kGibi / 2};
  EXPECT_NO_THROW(require_memory(needed, 22 * kGibi));
  EXPECT_ERROR(
      require_memory(needed, 16 * kGibi), ErrorCode::kInvalidConfig,
      "needs about 21.5 GiB of memory (weights 18.0 GiB, cache of keys and values 3.0 GiB, "
      "computation 512 MiB) and 16.0 GiB are available");
}

TEST(RequireMemory, TakesZeroForUnknown) {
  EXPECT_NO_THROW(require_memory({.weights = kGibi}, 0));
}

TEST(AvailableMemory, IsKnownHere) {
  EXPECT_GT(available_memory_bytes(), 0U);
}

}  // namespace
}  // namespace crudbench
