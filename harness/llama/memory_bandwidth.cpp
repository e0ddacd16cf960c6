/// The parts of model_bench.h that need no llama.cpp.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness/llama/model_bench.h"

namespace crudbench {

double measure_memory_bandwidth(Executor& executor) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kBytes = std::size_t{512} << 20U;
  constexpr std::size_t kGrain = std::size_t{1} << 20U;
  constexpr int kPasses = 5;
  const std::vector<std::uint64_t> numbers(kBytes / sizeof(std::uint64_t), 1);
  std::vector<std::uint64_t> sums((numbers.size() + kGrain - 1) / kGrain);
  double best = std::numeric_limits<double>::infinity();
  for (int pass = 0; pass < kPasses; ++pass) {
    const auto start = Clock::now();
    run_ranges(executor, numbers.size(), kGrain, [&](std::size_t begin, std::size_t end) {
      sums[begin / kGrain] +=
          std::accumulate(numbers.begin() + static_cast<std::ptrdiff_t>(begin),
                          numbers.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
    });
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  // The sums are used, so that no pass can be left out.
  const bool is_right = std::accumulate(sums.begin(), sums.end(), std::uint64_t{0}) ==
                        kPasses * static_cast<std::uint64_t>(numbers.size());
  return is_right ? static_cast<double>(kBytes) / best : 0.0;
}

double bytes_per_step(std::uint64_t expert_bytes, std::uint64_t bytes_per_token,
                      std::uint64_t experts, std::uint64_t experts_used, std::size_t parallel) {
  if (experts == 0 || experts_used >= experts) {
    return static_cast<double>(bytes_per_token);
  }
  const double used = static_cast<double>(experts_used) / static_cast<double>(experts);
  const double touched = 1.0 - std::pow(1.0 - used, static_cast<double>(parallel));
  return static_cast<double>(bytes_per_token) +
         (touched - used) * static_cast<double>(expert_bytes);
}

}  // namespace crudbench
