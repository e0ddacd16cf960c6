#include "harness/net/retry.h"

#include <set>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using std::chrono::milliseconds;

constexpr RetryPolicy kPolicy{.max_attempts = 10,
                              .initial_backoff = milliseconds(100),
                              .max_backoff = milliseconds(1000),
                              .max_retry_after = milliseconds(5000),
                              .seed = 7};

TEST(NextDelay, DoublesFromTheInitialBackoffUpToTheMaximum) {
  const int full[] = {100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000};
  for (int attempt = 1; attempt <= 9; ++attempt) {
    const milliseconds longest(full[attempt - 1]);
    const auto delay = next_delay(kPolicy, "sample", attempt, std::nullopt);
    ASSERT_TRUE(delay.has_value());
    EXPECT_GE(*delay, longest / 2) << "attempt " << attempt;
    EXPECT_LE(*delay, longest) << "attempt " << attempt;
  }
}

TEST(NextDelay, EndsAfterTheLastAttempt) {
  EXPECT_TRUE(next_delay(kPolicy, "sample", 9, std::nullopt).has_value());
  EXPECT_FALSE(next_delay(kPolicy, "sample", 10, std::nullopt).has_value());
  EXPECT_FALSE(next_delay({.max_attempts = 1}, "sample", 1, milliseconds(5)).has_value());
}

TEST(NextDelay, IsTheSameForTheSameSeedItemAndAttempt) {
  EXPECT_EQ(next_delay(kPolicy, "sample", 3, std::nullopt),
            next_delay(kPolicy, "sample", 3, std::nullopt));
}

TEST(NextDelay, SpreadsItems) {
  std::set<milliseconds> delays;
  for (int i = 0; i < 20; ++i) {
    delays.insert(*next_delay(kPolicy, "sample" + std::to_string(i), 5, std::nullopt));
  }
  EXPECT_GT(delays.size(), 15U);
}

TEST(NextDelay, WaitsAtLeastForRetryAfter) {
  const auto delay = next_delay(kPolicy, "sample", 1, milliseconds(3000));
  EXPECT_GE(*delay, milliseconds(3050));
  EXPECT_LE(*delay, milliseconds(3100));
}

TEST(NextDelay, CapsRetryAfter) {
  EXPECT_LE(*next_delay(kPolicy, "sample", 1, milliseconds(3'600'000)), milliseconds(5100));
}

TEST(NextDelay, IsZeroWithoutBackoff) {
  EXPECT_EQ(next_delay({.initial_backoff = milliseconds(0)}, "sample", 1, std::nullopt),
            milliseconds(0));
}

TEST(ParseRetryAfter, ReadsSeconds) {
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(parse_retry_after("7", now), milliseconds(7000));
  EXPECT_EQ(parse_retry_after("0", now), milliseconds(0));
  EXPECT_EQ(parse_retry_after("1.5", now), milliseconds(1500));
}

TEST(ParseRetryAfter, ReadsADateRelativeToNow) {
  // 784111777 s after the epoch is the date that RFC 9110, 5.6.7 uses as its example.
  const auto now = std::chrono::system_clock::from_time_t(784'111'777 - 30);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), milliseconds(30'000));
}

TEST(ParseRetryAfter, TakesADateBeyondTheClocksEnd) {
  const auto now = std::chrono::system_clock::from_time_t(1'700'000'000);
  EXPECT_EQ(parse_retry_after("Sun, 01 Jan 5551 00:00:00 GMT", now),
            std::chrono::seconds(1'000'000'000));
}

TEST(ParseRetryAfter, IsZeroForThePast) {
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), milliseconds(0));
  EXPECT_EQ(parse_retry_after("-5", now), milliseconds(0));
}

TEST(ParseRetryAfter, RefusesEverythingElse) {
  const auto now = std::chrono::system_clock::now();
  EXPECT_FALSE(parse_retry_after("", now).has_value());
  EXPECT_FALSE(parse_retry_after("soon", now).has_value());
  EXPECT_FALSE(parse_retry_after("nan", now).has_value());
}

}  // namespace
}  // namespace crudbench
