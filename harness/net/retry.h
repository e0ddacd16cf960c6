#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace crudbench {

/// How often a request is tried and how long to wait in between.
struct RetryPolicy {
  int max_attempts = 4;  ///< >= 1, the first one included.
  std::chrono::milliseconds initial_backoff{500};
  std::chrono::milliseconds max_backoff{30'000};
  /// The most of a server's Retry-After that is obeyed.
  std::chrono::milliseconds max_retry_after{120'000};
  std::uint64_t seed = 0;
};

/// The wait after failed attempt number `attempt` (from 1), or nullopt where no more are allowed.
///
/// It is b = min(initial_backoff · 2^(attempt-1), max_backoff), jittered to a uniform value in
/// [b/2, b]; after a Retry-After, that time plus the jittered wait, so that held-back requests do
/// not return all at once. The jitter depends on (seed, item, attempt) only.
std::optional<std::chrono::milliseconds> next_delay(
    const RetryPolicy& policy, std::string_view item, int attempt,
    std::optional<std::chrono::milliseconds> retry_after);

/// A Retry-After header (RFC 9110, 10.2.3): seconds, or a date, which is taken relative to `now`;
/// nullopt for anything else. Never negative; a fraction of a second is accepted, as some send it.
std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view value, std::chrono::system_clock::time_point now);

}  // namespace crudbench
