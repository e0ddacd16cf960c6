#include "harness/net/retry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <curl/curl.h>
#include <string>

#include "harness/core/random.h"

namespace crudbench {

using std::chrono::milliseconds;

std::optional<milliseconds> next_delay(const RetryPolicy& policy, std::string_view item,
                                       int attempt, std::optional<milliseconds> retry_after) {
  if (attempt >= policy.max_attempts) {
    return std::nullopt;
  }
  const double backoff =
      std::min(std::ldexp(static_cast<double>(policy.initial_backoff.count()), attempt - 1),
               static_cast<double>(policy.max_backoff.count()));
  Random random(derive_seed(derive_seed(policy.seed, item), std::to_string(attempt)));
  const milliseconds jittered(std::llround(backoff * (0.5 + 0.5 * random.unit())));
  return jittered +
         std::clamp(retry_after.value_or(milliseconds(0)), milliseconds(0), policy.max_retry_after);
}

std::optional<milliseconds> parse_retry_after(std::string_view value,
                                              std::chrono::system_clock::time_point now) {
  constexpr double kLongestSeconds = 1e9;
  constexpr milliseconds kLongest{static_cast<milliseconds::rep>(1000.0 * kLongestSeconds)};
  double seconds = 0.0;
  const char* end = value.data() + value.size();
  if (const auto [rest, error] =
          std::from_chars(value.data(), end, seconds, std::chars_format::fixed);
      error == std::errc() && rest == end) {
    if (std::isnan(seconds)) {
      return std::nullopt;
    }
    return milliseconds(std::llround(1000.0 * std::clamp(seconds, 0.0, kLongestSeconds)));
  }
  const std::time_t date = curl_getdate(std::string(value).c_str(), nullptr);
  if (date < 0) {
    return std::nullopt;
  }
  // In milliseconds: nanoseconds, the clock's own, end in the year 2262.
  constexpr std::time_t kLastDate = 1'000'000'000'000;
  const milliseconds at = std::chrono::seconds(std::min(date, kLastDate));
  const auto wait = at - std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  return std::clamp(wait, milliseconds(0), kLongest);
}

}  // namespace crudbench
