#include "harness/net/rate_limit_headers.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using std::chrono::milliseconds;

std::optional<milliseconds> wait_of(std::vector<HttpHeader> headers) {
  return requested_wait({.status = 200, .headers = std::move(headers)},
                        std::chrono::system_clock::from_time_t(1'000'000'000));
}

TEST(ParseResetTime, TakesUnitsAndPlainSeconds) {
  EXPECT_EQ(parse_reset_time("1s"), milliseconds(1'000));
  EXPECT_EQ(parse_reset_time("6m0s"), milliseconds(360'000));
  EXPECT_EQ(parse_reset_time("120ms"), milliseconds(120));
  EXPECT_EQ(parse_reset_time("1h2m3.5s"), milliseconds(3'723'500));
  EXPECT_EQ(parse_reset_time("1d"), milliseconds(86'400'000));
  EXPECT_EQ(parse_reset_time("12.25"), milliseconds(12'250));
}

TEST(ParseResetTime, RefusesEverythingElse) {
  for (const char* text : {"", "s", "-1s", "1w", "1 s", "nan", "inf", "1s2", "1e9s", "0x1s"}) {
    EXPECT_FALSE(parse_reset_time(text).has_value()) << text;
  }
}

TEST(RequestedWait, IsNothingWithoutHeaders) {
  EXPECT_FALSE(wait_of({}).has_value());
  EXPECT_FALSE(
      wait_of({{"x-ratelimit-remaining-requests", "5"}, {"x-ratelimit-reset-requests", "9s"}})
          .has_value())
      << "there are requests left";
  EXPECT_FALSE(wait_of({{"x-ratelimit-remaining-tokens", "0"}}).has_value());
}

TEST(RequestedWait, TakesTheLongest) {
  EXPECT_EQ(wait_of({{"retry-after", "2"},
                     {"x-ratelimit-remaining-requests", "0"},
                     {"x-ratelimit-reset-requests", "7s"},
                     {"x-ratelimit-remaining-tokens", "0"},
                     {"x-ratelimit-reset-tokens", "500ms"}}),
            milliseconds(7'000));
  EXPECT_EQ(wait_of({{"retry-after-ms", "250"}, {"retry-after", "9"}}), milliseconds(250))
      << "the exact one is the one that is meant";
}

TEST(RequestedWait, TakesADateAsTimeFromNow) {
  // 1,000,000,000 is Sun, 09 Sep 2001 01:46:40 GMT.
  EXPECT_EQ(wait_of({{"retry-after", "Sun, 09 Sep 2001 01:46:45 GMT"}}), milliseconds(5'000));
  EXPECT_EQ(wait_of({{"retry-after", "Sun, 09 Sep 2001 00:00:00 GMT"}}), milliseconds(0));
}

TEST(RequestedWait, IgnoresNonsense) {
  EXPECT_FALSE(wait_of({{"retry-after", "soon"},
                        {"x-ratelimit-remaining-requests", "none"},
                        {"x-ratelimit-reset-requests", "7s"}})
                   .has_value());
}

}  // namespace
}  // namespace crudbench
