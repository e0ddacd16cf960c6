#pragma once

#include <cstddef>
#include <functional>

#include "harness/core/executor.h"

namespace crudbench::testing_support {

/// Says that it has `concurrency` threads, and runs pieces last to first: what must not matter.
class BackwardExecutor final : public Executor {
 public:
  explicit BackwardExecutor(std::size_t concurrency) : concurrency_(concurrency) {}

  std::size_t concurrency() const noexcept override { return concurrency_; }
  void run_all(std::size_t count, const std::function<void(std::size_t)>& piece) override {
    for (std::size_t i = count; i > 0; --i) {
      piece(i - 1);
    }
  }

 private:
  std::size_t concurrency_;
};

}  // namespace crudbench::testing_support
