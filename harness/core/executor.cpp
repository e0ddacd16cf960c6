#include "harness/core/executor.h"

#include <algorithm>

namespace crudbench {

void SerialExecutor::run_all(std::size_t count, const std::function<void(std::size_t)>& piece) {
  for (std::size_t i = 0; i < count; ++i) {
    piece(i);
  }
}

void run_ranges(Executor& executor, std::size_t count, std::size_t grain,
                const std::function<void(std::size_t begin, std::size_t end)>& body) {
  grain = std::max<std::size_t>(grain, 1);
  executor.run_all((count + grain - 1) / grain, [&](std::size_t piece) {
    const std::size_t begin = piece * grain;
    body(begin, std::min(begin + grain, count));
  });
}

}  // namespace crudbench
