#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/core/executor.h"

namespace crudbench {

/// A fixed number of worker threads; `run_all` may be called from several threads at once and then
/// shares the workers, first come first served.
class ThreadPool final : public Executor {
 public:
  enum class Priority {
    kNormal,
    kIdle,  ///< Works on cores that nothing else on the machine wants.
  };

  explicit ThreadPool(std::size_t threads, Priority priority = Priority::kNormal);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t concurrency() const noexcept override { return workers_.size(); }
  void run_all(std::size_t count, const std::function<void(std::size_t)>& piece) override;

 private:
  struct Job {
    const std::function<void(std::size_t)>* piece = nullptr;
    std::size_t count = 0;
    std::size_t next = 0;     ///< First piece that nobody has taken.
    std::size_t running = 0;  ///< Pieces taken and not finished.
    std::exception_ptr error;
    std::size_t error_piece = 0;
  };

  void work();

  const Priority priority_;

  std::mutex mutex_;  ///< Guards everything below and the jobs.
  std::condition_variable work_ready_;
  std::condition_variable job_done_;
  std::deque<Job*> jobs_;  ///< Those with pieces that nobody has taken.
  bool closing_ = false;
  std::vector<std::jthread> workers_;
};

/// Cores this process may use.
std::size_t available_cores();

}  // namespace crudbench
