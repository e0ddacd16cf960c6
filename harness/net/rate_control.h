#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace crudbench {

/// How hard an endpoint may be asked.
struct RateLimits {
  std::size_t max_concurrency = 8;
  /// Halves the requests in flight when the endpoint is overloaded, and raises them again by one
  /// for every round of answers (additive increase, multiplicative decrease; Chiu and Jain 1989).
  bool is_adaptive = true;
  std::int64_t requests_per_minute = 0;  ///< In any 60 seconds; 0: no cap.
  std::int64_t tokens_per_minute = 0;    ///< Of prompts and answers, in any 60 seconds; 0: no cap.
  /// Retries for every answer, beyond the first `kFreeRetries`; when they are used up, failures are
  /// final until more answers come.
  double retry_budget = 2.0;
  /// So many failures in a row, and the endpoint counts as down.
  int failures_until_pause = 16;
  std::chrono::milliseconds first_pause{1'000};     ///< Doubled after every failed probe …
  std::chrono::milliseconds longest_pause{60'000};  ///< … up to this.
  std::chrono::milliseconds longest_outage{1'800'000};

  static constexpr double kFreeRetries = 100.0;
};

/// What became of one request, as far as the endpoint's health is concerned.
enum class RequestFate {
  kAnswered,    ///< It works, be the answer yes or no.
  kOverloaded,  ///< 429, 503 or no answer in time.
  kFailed,      ///< Any other failure that may pass: a broken connection, HTTP 500, nonsense.
};

/// Decides when requests to one endpoint may start: adaptive concurrency, caps, waits that the
/// endpoint asks for, and a circuit breaker. Knows no clock of its own: every time is handed in, so
/// only differences count and a changed wall clock cannot confuse it. Thread-safe.
///
/// The breaker: after `failures_until_pause` failures in a row everything pauses but one probe at a
/// time, after waits that grow; the first answer ends the pause. Both are logged as warnings.
class RateControl {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `name` is what messages call the endpoint.
  RateControl(RateLimits limits, std::string name);

  /// Starts a request of about `tokens` and returns nullopt, or says when to ask again at the
  /// latest: TimePoint::max() for when another request has finished.
  std::optional<TimePoint> try_start(TimePoint now, std::int64_t tokens);

  /// A request that `try_start` let through at `started` has ended. `tokens` are those it was
  /// started with, `used_tokens` what it came to, -1 if unknown. `reason` goes into messages.
  /// False: the failure is one of an endpoint that is down, not of the request, and does not count
  /// against its attempts. Throws Error(kUnavailable) when it has been down for `longest_outage`.
  bool finish(TimePoint started, TimePoint now, RequestFate fate, std::int64_t tokens,
              std::int64_t used_tokens, std::string_view reason);

  /// A request that `try_start` let through was given up before its end.
  void abandon();

  /// Nothing starts before `when`; the endpoint asked for it.
  void wait_until(TimePoint when);

  /// Whether one more retry is within the budget; takes it if so.
  bool take_retry();

  bool is_paused() const;
  std::size_t concurrency() const;  ///< Requests that may be in flight now.

 private:
  struct Started {
    TimePoint when;
    std::int64_t tokens = 0;
  };

  std::optional<TimePoint> cap_reached(TimePoint now, std::int64_t tokens);
  void adapt(TimePoint started, TimePoint now, RequestFate fate);
  void count_failure(TimePoint now, std::string_view reason);

  const RateLimits limits_;
  const std::string name_;
  mutable std::mutex mutex_;  ///< Guards everything below.
  std::size_t in_flight_ = 0;
  double concurrency_;
  TimePoint last_decrease_ = TimePoint::min();
  std::deque<Started> last_minute_;  ///< Requests started in the last 60 seconds, if capped.
  std::int64_t tokens_last_minute_ = 0;
  TimePoint not_before_ = TimePoint::min();
  double retries_left_ = RateLimits::kFreeRetries;
  int failures_in_row_ = 0;
  // Of a pause:
  bool is_paused_ = false;
  TimePoint paused_since_;
  TimePoint next_probe_;
  std::chrono::milliseconds pause_{0};
};

/// The rate controls of a process, one for each endpoint: what is learned about an endpoint serves
/// every run that asks it. Thread-safe.
class RateControls {
 public:
  /// The control of `endpoint`; the first caller's limits hold. Lives as long as this object.
  RateControl& of(const std::string& endpoint, const RateLimits& limits);

 private:
  std::mutex mutex_;  ///< Guards `controls_`.
  std::map<std::string, std::unique_ptr<RateControl>> controls_;
};

}  // namespace crudbench
