#include "harness/llama/thread_count.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <llama.h>
#include <sched.h>
#include <set>
#include <thread>

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kTokens = 4;  ///< Timed with each number of threads.

/// Seconds of the fastest of some tokens: what slows single ones down is not the number of threads.
/// Fewer tokens are tried where they take much longer than `known`.
double seconds_per_token(llama_context* context, std::size_t threads, double known) {
  constexpr double kHopeless = 3.0;
  const auto count = static_cast<std::int32_t>(threads);
  llama_set_n_threads(context, count, count);
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= kTokens && (i < 2 || best < kHopeless * known); ++i) {
    llama_token token = 0;
    const auto start = Clock::now();
    if (llama_decode(context, llama_batch_get_one(&token, 1)) != 0) {
      return std::numeric_limits<double>::infinity();
    }
    llama_synchronize(context);
    if (i > 0) {  // The first one warms up.
      best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
  }
  return best;
}

}  // namespace

std::size_t usable_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof(cores), &cores) == 0) {
    return static_cast<std::size_t>(CPU_COUNT(&cores));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

std::size_t fastest_thread_count(llama_context* context) {
  const std::size_t cores = usable_cores();
  const std::set<std::size_t> candidates{cores, std::max<std::size_t>(cores * 3 / 4, 1),
                                         std::max<std::size_t>(cores / 2, 1)};
  std::size_t best = cores;
  double best_seconds = std::numeric_limits<double>::infinity();
  for (const std::size_t threads : candidates) {
    const double seconds = seconds_per_token(context, threads, best_seconds);
    if (seconds < best_seconds) {
      best = threads;
      best_seconds = seconds;
    }
  }
  llama_memory_clear(llama_get_memory(context), true);
  return best;
}

}  // namespace crudbench
