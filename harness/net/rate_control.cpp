#include "harness/net/rate_control.h"

#include <algorithm>
#include <cmath>

#include "harness/core/error.h"
#include "harness/core/log.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kMinute{60};

std::string in_seconds(std::chrono::steady_clock::duration duration) {
  const auto tenths = std::chrono::duration_cast<milliseconds>(duration).count() / 100;
  return std::to_string(tenths / 10) + (tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10)) +
         " s";
}

}  // namespace

RateControl::RateControl(RateLimits limits, std::string name)
    : limits_(limits),
      name_(std::move(name)),
      concurrency_(static_cast<double>(limits.max_concurrency)) {}

std::optional<RateControl::TimePoint> RateControl::try_start(TimePoint now, std::int64_t tokens) {
  const std::lock_guard lock(mutex_);
  if (is_paused_) {
    if (in_flight_ > 0) {
      return TimePoint::max();  // Its fate decides.
    }
    if (now < next_probe_) {
      return next_probe_;
    }
  }
  if (static_cast<double>(in_flight_) >= std::floor(concurrency_)) {
    return TimePoint::max();
  }
  if (now < not_before_) {
    return not_before_;
  }
  if (const auto later = cap_reached(now, tokens)) {
    return later;
  }
  ++in_flight_;
  if (limits_.requests_per_minute > 0 || limits_.tokens_per_minute > 0) {
    last_minute_.push_back({now, tokens});
    tokens_last_minute_ += tokens;
  }
  return std::nullopt;
}

std::optional<RateControl::TimePoint> RateControl::cap_reached(TimePoint now, std::int64_t tokens) {
  while (!last_minute_.empty() && last_minute_.front().when + kMinute <= now) {
    tokens_last_minute_ -= last_minute_.front().tokens;
    last_minute_.pop_front();
  }
  // A single request above the cap goes out alone: waiting would not make it smaller.
  const bool too_many =
      limits_.requests_per_minute > 0 &&
      last_minute_.size() >= static_cast<std::size_t>(limits_.requests_per_minute);
  const bool too_much = limits_.tokens_per_minute > 0 && !last_minute_.empty() &&
                        tokens_last_minute_ + tokens > limits_.tokens_per_minute;
  return too_many || too_much ? std::optional(last_minute_.front().when + kMinute) : std::nullopt;
}

bool RateControl::finish(TimePoint started, TimePoint now, RequestFate fate, std::int64_t tokens,
                         std::int64_t used_tokens, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  --in_flight_;
  if (used_tokens >= 0 && used_tokens != tokens) {
    const auto entry = std::find_if(
        last_minute_.begin(), last_minute_.end(),
        [&](const Started& one) { return one.when == started && one.tokens == tokens; });
    if (entry != last_minute_.end()) {
      tokens_last_minute_ += used_tokens - tokens;
      entry->tokens = used_tokens;
    }
  }
  adapt(started, now, fate);
  if (fate != RequestFate::kAnswered) {
    count_failure(now, reason);
    return !is_paused_;
  }
  failures_in_row_ = 0;
  retries_left_ = std::min(retries_left_ + limits_.retry_budget,
                           RateLimits::kFreeRetries + limits_.retry_budget);
  if (is_paused_) {
    is_paused_ = false;
    log_warning("net",
                name_ + " answers again after " + in_seconds(now - paused_since_) + "; going on");
  }
  return true;
}

void RateControl::adapt(TimePoint started, TimePoint now, RequestFate fate) {
  if (!limits_.is_adaptive) {
    return;
  }
  const auto highest = static_cast<double>(limits_.max_concurrency);
  if (fate == RequestFate::kAnswered) {
    concurrency_ = std::min(concurrency_ + 1.0 / concurrency_, highest);
  } else if (fate == RequestFate::kOverloaded && started >= last_decrease_) {
    // Requests that were under way at the last decrease tell nothing about the new level.
    concurrency_ = std::max(concurrency_ / 2.0, 1.0);
    last_decrease_ = now;
  }
}

void RateControl::count_failure(TimePoint now, std::string_view reason) {
  ++failures_in_row_;
  if (!is_paused_) {
    if (failures_in_row_ < limits_.failures_until_pause) {
      return;
    }
    is_paused_ = true;
    paused_since_ = now;
    pause_ = limits_.first_pause;
    next_probe_ = now + pause_;
    log_warning("net", name_ + ": " + std::to_string(failures_in_row_) +
                           " failures in a row, the last: " + std::string(reason) +
                           "; paused, one request tries again in " + in_seconds(pause_));
    return;
  }
  if (in_flight_ > 0) {
    return;  // Started before the pause; not the probe.
  }
  if (now - paused_since_ >= limits_.longest_outage) {
    throw Error(ErrorCode::kUnavailable,
                name_ + " has not answered for " + in_seconds(now - paused_since_) +
                    ", the last failure: " + std::string(reason) +
                    "; what is finished is stored, the same command continues");
  }
  pause_ = std::min(pause_ * 2, limits_.longest_pause);
  next_probe_ = now + pause_;
}

void RateControl::abandon() {
  const std::lock_guard lock(mutex_);
  --in_flight_;
}

void RateControl::wait_until(TimePoint when) {
  const std::lock_guard lock(mutex_);
  not_before_ = std::max(not_before_, when);
}

bool RateControl::take_retry() {
  const std::lock_guard lock(mutex_);
  if (retries_left_ < 1.0) {
    return false;
  }
  retries_left_ -= 1.0;
  return true;
}

bool RateControl::is_paused() const {
  const std::lock_guard lock(mutex_);
  return is_paused_;
}

std::size_t RateControl::concurrency() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(concurrency_);
}

RateControl& RateControls::of(const std::string& endpoint, const RateLimits& limits) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<RateControl>& control = controls_[endpoint];
  if (!control) {
    control = std::make_unique<RateControl>(limits, endpoint);
  }
  return *control;
}

}  // namespace crudbench
