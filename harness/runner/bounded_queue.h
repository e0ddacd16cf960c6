#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace crudbench {

/// Hands values from one thread to another, at most `capacity` ahead. Thread-safe.
template <class Value>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for room. False, and the value is dropped, once the queue is closed.
  bool push(Value value) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return closed_ || values_.size() < capacity_; });
    if (closed_) {
      return false;
    }
    values_.push_back(std::move(value));
    filled_.notify_one();
    return true;
  }

  /// Waits at most `wait` for a value; nullopt if none came or none will.
  std::optional<Value> pop(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    filled_.wait_for(lock, wait, [this] { return closed_ || !values_.empty(); });
    if (values_.empty()) {
      return std::nullopt;
    }
    Value value = std::move(values_.front());
    values_.pop_front();
    room_.notify_one();
    return value;
  }

  /// No more values: `push` refuses, `pop` hands out what is left.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }

  /// Closed, and everything handed out.
  bool is_exhausted() const {
    const std::lock_guard lock(mutex_);
    return closed_ && values_.empty();
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;  ///< Guards everything below.
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<Value> values_;
  bool closed_ = false;
};

}  // namespace crudbench
