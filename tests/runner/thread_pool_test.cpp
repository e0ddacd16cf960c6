#include "harness/runner/thread_pool.h"

#include <atomic>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace crudbench {
namespace {

TEST(ThreadPool, RunsEveryPieceOnce) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> counts(1000);
  pool.run_all(counts.size(), [&](std::size_t i) { ++counts[i]; });
  for (const auto& count : counts) {
    EXPECT_EQ(count.load(), 1);
  }
}

TEST(ThreadPool, ServesSeveralCallersAtOnce) {
  ThreadPool pool(2);
  std::atomic<int> total{0};
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&] { pool.run_all(250, [&](std::size_t) { ++total; }); });
    }
  }
  EXPECT_EQ(total.load(), 1000);
}

TEST(ThreadPool, RethrowsAndStaysUsable) {
  ThreadPool pool(2);
  const auto failing = [](std::size_t i) {
    if (i == 5) {
      throw std::runtime_error("piece 5");
    }
  };
  EXPECT_THROW(pool.run_all(100, failing), std::runtime_error);
  std::atomic<int> total{0};
  pool.run_all(10, [&](std::size_t) { ++total; });
  EXPECT_EQ(total.load(), 10);
}

TEST(ThreadPool, DoesNothingForNoPieces) {
  ThreadPool pool(2);
  pool.run_all(0, [](std::size_t) { FAIL(); });
}

}  // namespace
}  // namespace crudbench
