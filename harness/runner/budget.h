#pragma once

#include <cstddef>
#include <mutex>
#include <optional>

namespace crudbench {

/// The money of an experiment: what may be spent and what has been. Every request reserves the most
/// that it can cost before it is sent, so that the limit is kept whatever the answers are.
/// Thread-safe.
class Budget {
 public:
  /// `spent_before` is what earlier executions of the experiment have spent. No limit: nothing is
  /// ever refused.
  explicit Budget(std::optional<double> limit, double spent_before = 0.0)
      : limit_(limit), spent_(spent_before) {}

  /// False if the limit could be exceeded, and then nothing is reserved.
  bool reserve(double most) {
    const std::lock_guard lock(mutex_);
    if (limit_ && spent_ + unknown_ + reserved_ + most > *limit_) {
      return false;
    }
    reserved_ += most;
    ++reservations_;
    return true;
  }

  /// A request that had reserved `most` came to `cost`; `unknown` is what may have been charged
  /// without a word, by attempts that were never answered. It counts against the limit only.
  void settle(double most, double cost, double unknown) {
    const std::lock_guard lock(mutex_);
    reserved_ -= most;
    --reservations_;
    spent_ += cost;
    unknown_ += unknown;
  }

  /// An answer from the cache would have cost so much.
  void add_saved(double cost) {
    const std::lock_guard lock(mutex_);
    saved_ += cost;
  }

  /// From now on nothing more is asked; `is_used_up` says so.
  void close() {
    const std::lock_guard lock(mutex_);
    is_used_up_ = true;
  }

  bool is_used_up() const {
    const std::lock_guard lock(mutex_);
    return is_used_up_;
  }
  /// Whether requests under way may still cost less than they have reserved.
  bool has_reservations() const {
    const std::lock_guard lock(mutex_);
    return reservations_ > 0;
  }
  double spent() const {
    const std::lock_guard lock(mutex_);
    return spent_;
  }
  double saved() const {
    const std::lock_guard lock(mutex_);
    return saved_;
  }
  std::optional<double> limit() const noexcept { return limit_; }

 private:
  const std::optional<double> limit_;
  mutable std::mutex mutex_;  ///< Guards everything below.
  double spent_;
  double unknown_ = 0.0;
  double reserved_ = 0.0;
  std::size_t reservations_ = 0;
  double saved_ = 0.0;
  bool is_used_up_ = false;
};

}  // namespace crudbench
