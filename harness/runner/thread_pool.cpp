#include "harness/runner/thread_pool.h"

#include <algorithm>
#include <sched.h>

namespace crudbench {

ThreadPool::ThreadPool(std::size_t threads, Priority priority) : priority_(priority) {
  workers_.reserve(threads);
  for (std::size_t i = 0; i < std::max<std::size_t>(threads, 1); ++i) {
    workers_.emplace_back([this] { work(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  work_ready_.notify_all();
}

void ThreadPool::run_all(std::size_t count, const std::function<void(std::size_t)>& piece) {
  if (count == 0) {
    return;
  }
  Job job{.piece = &piece, .count = count};
  std::unique_lock lock(mutex_);
  jobs_.push_back(&job);
  work_ready_.notify_all();
  job_done_.wait(lock, [&job] { return job.next == job.count && job.running == 0; });
  if (job.error) {
    std::rethrow_exception(job.error);
  }
}

void ThreadPool::work() {
  if (priority_ == Priority::kIdle) {
    const sched_param parameters{};
    ::sched_setscheduler(0, SCHED_IDLE, &parameters);  // Of this thread alone.
  }
  std::unique_lock lock(mutex_);
  for (;;) {
    work_ready_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
    if (jobs_.empty()) {
      return;
    }
    Job& job = *jobs_.front();
    const std::size_t index = job.next++;
    if (job.next == job.count) {
      jobs_.pop_front();
    }
    ++job.running;
    lock.unlock();
    std::exception_ptr error;
    try {
      (*job.piece)(index);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --job.running;
    if (error && (!job.error || index < job.error_piece)) {
      job.error = error;
      job.error_piece = index;
      if (job.next < job.count) {  // Leave the remaining pieces out.
        job.next = job.count;
        jobs_.erase(std::find(jobs_.begin(), jobs_.end(), &job));
      }
    }
    if (job.next == job.count && job.running == 0) {
      job_done_.notify_all();
    }
  }
}

std::size_t available_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof(cores), &cores) == 0) {
    return static_cast<std::size_t>(CPU_COUNT(&cores));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace crudbench
