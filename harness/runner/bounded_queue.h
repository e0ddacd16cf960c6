#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace crudbench {

/// Hands values from one thread to another, at most `capacity` ahead. Thread-safe; one thread
/// takes.
///
/// A thread that waits is woken once there is work for it that is worth the waking: the giver when
/// half of the queue is free, the taker when what it waits for is there.
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
    if (values_.size() >= wanted_) {
      filled_.notify_one();
    }
    return true;
  }

  /// Waits at most `wait` for a value; nullopt if none came or none will.
  std::optional<Value> pop(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    if (!wait_for(1, wait, lock)) {
      return std::nullopt;
    }
    Value value = std::move(values_.front());
    values_.pop_front();
    tell_of_room();
    return value;
  }

  /// Waits at most `wait` for `count` values, at most `capacity`, and takes them; fewer if no more
  /// came or will.
  std::vector<Value> pop_batch(std::size_t count, std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    wait_for(count, wait, lock);
    std::vector<Value> batch;
    while (batch.size() < count && !values_.empty()) {
      batch.push_back(std::move(values_.front()));
      values_.pop_front();
    }
    tell_of_room();
    return batch;
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
  /// True if there is any value.
  bool wait_for(std::size_t count, std::chrono::milliseconds wait,
                std::unique_lock<std::mutex>& lock) {
    if (wait.count() > 0) {
      wanted_ = count;
      filled_.wait_for(lock, wait, [&] { return closed_ || values_.size() >= count; });
      wanted_ = 1;
    }
    return !values_.empty();
  }

  void tell_of_room() {
    if (values_.size() <= capacity_ / 2) {
      room_.notify_all();
    }
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;  ///< Guards everything below.
  std::condition_variable room_;
  std::condition_variable filled_;
  std::deque<Value> values_;
  std::size_t wanted_ = 1;  ///< Values that the taker waits for.
  bool closed_ = false;
};

}  // namespace crudbench
