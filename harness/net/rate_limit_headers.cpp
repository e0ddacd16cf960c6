#include "harness/net/rate_limit_headers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "harness/net/retry.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

constexpr double kLongestSeconds = 1e9;

/// The unit at the front of `text`, in seconds, and its length; 0 for none.
std::pair<double, std::size_t> leading_unit(std::string_view text) noexcept {
  if (text.starts_with("ms")) {
    return {0.001, 2};
  }
  switch (text.empty() ? '\0' : text.front()) {
    case 's':
      return {1.0, 1};
    case 'm':
      return {60.0, 1};
    case 'h':
      return {3600.0, 1};
    case 'd':
      return {86'400.0, 1};
    default:
      return {0.0, 0};
  }
}

bool is_zero(const std::string* value) noexcept {
  double number = -1.0;
  return value != nullptr &&
         std::from_chars(value->data(), value->data() + value->size(), number).ec == std::errc() &&
         number == 0.0;
}

}  // namespace

std::optional<milliseconds> parse_reset_time(std::string_view text) {
  double seconds = 0.0;
  if (text.empty()) {
    return std::nullopt;
  }
  const std::size_t size = text.size();
  while (!text.empty()) {
    double number = 0.0;
    const auto [rest, problem] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (problem != std::errc() || !std::isfinite(number) || number < 0) {
      return std::nullopt;
    }
    const bool is_first = text.size() == size;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    const auto [unit, length] = leading_unit(text);
    if (length == 0 && !(text.empty() && is_first)) {
      return std::nullopt;
    }
    seconds += number * (length == 0 ? 1.0 : unit);
    text.remove_prefix(length);
  }
  return milliseconds(std::llround(1000.0 * std::min(seconds, kLongestSeconds)));
}

std::optional<milliseconds> requested_wait(const HttpResponse& response,
                                           std::chrono::system_clock::time_point now) {
  std::optional<milliseconds> longest;
  const auto consider = [&longest](std::optional<milliseconds> wait) {
    if (wait) {
      longest = std::max(longest.value_or(milliseconds(0)), *wait);
    }
  };
  if (const std::string* value = response.find_header("retry-after-ms")) {
    consider(parse_reset_time(*value + "ms"));
  } else if (const std::string* seconds = response.find_header("retry-after")) {
    consider(parse_retry_after(*seconds, now));
  }
  for (const std::string kind : {"requests", "tokens"}) {
    const std::string* reset = response.find_header("x-ratelimit-reset-" + kind);
    if (reset != nullptr && is_zero(response.find_header("x-ratelimit-remaining-" + kind))) {
      consider(parse_reset_time(*reset));
    }
  }
  return longest;
}

}  // namespace crudbench
