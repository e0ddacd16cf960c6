#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/core/executor.h"

namespace crudbench::testing_support {

/// Runs pieces on threads of its own, made anew for every call.
class ThreadPoolExecutor final : public Executor {
 public:
  explicit ThreadPoolExecutor(std::size_t threads) : threads_(threads) {}

  std::size_t concurrency() const noexcept override { return threads_; }

  void run_all(std::size_t count, const std::function<void(std::size_t)>& piece) override {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;  // Guards the two below.
    std::size_t failed_piece = std::numeric_limits<std::size_t>::max();
    std::exception_ptr failure;
    const auto work = [&] {
      for (std::size_t i = next++; i < count; i = next++) {
        try {
          piece(i);
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (i < failed_piece) {
            failed_piece = i;
            failure = std::current_exception();
          }
        }
      }
    };
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < std::min(threads_, count); ++i) {
        threads.emplace_back(work);
      }
    }
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

 private:
  std::size_t threads_;
};

}  // namespace crudbench::testing_support
