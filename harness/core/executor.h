#pragma once

#include <cstddef>
#include <functional>

namespace crudbench {

/// Runs independent pieces of CPU work. Only the runner makes threads; everything else is handed
/// an Executor, and gives the same result on any number of threads.
class Executor {
 public:
  virtual ~Executor() = default;

  /// How many pieces can run at once, >= 1.
  virtual std::size_t concurrency() const noexcept = 0;

  /// Calls `piece(0)` … `piece(count - 1)`, each once, in any order and possibly at the same time,
  /// and returns when all are done. If pieces throw, the remaining ones may be left out and the
  /// exception of the lowest piece that threw is rethrown. `piece` must not call `run_all` again.
  virtual void run_all(std::size_t count, const std::function<void(std::size_t)>& piece) = 0;
};

/// Runs everything on the calling thread, in order.
class SerialExecutor final : public Executor {
 public:
  std::size_t concurrency() const noexcept override { return 1; }
  void run_all(std::size_t count, const std::function<void(std::size_t)>& piece) override;
};

/// Splits [0, count) into consecutive ranges of at most `grain` and calls `body(begin, end)` for
/// each. The ranges depend on `count` and `grain` only, never on the number of threads, so sums
/// made per range are the same everywhere.
void run_ranges(Executor& executor, std::size_t count, std::size_t grain,
                const std::function<void(std::size_t begin, std::size_t end)>& body);

}  // namespace crudbench
