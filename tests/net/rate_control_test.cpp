#include "harness/net/rate_control.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using TimePoint = RateControl::TimePoint;

constexpr std::int64_t kTokens = 10;

/// A rate control on a clock that the test moves.
class RateControlTest : public ::testing::Test {
 protected:
  void make(RateLimits limits) { control_.emplace(limits, "endpoint"); }

  bool starts(std::int64_t tokens = kTokens) { return !control_->try_start(now_, tokens); }

  /// When the next request may start: nullopt if now, and then it has started.
  std::optional<TimePoint> next_start() { return control_->try_start(now_, kTokens); }

  bool finish(RequestFate fate, std::int64_t used = -1) {
    return control_->finish(now_, now_, fate, kTokens, used, "reason");
  }

  /// Starts one and ends it at once.
  bool pass(RequestFate fate) {
    EXPECT_TRUE(starts());
    return finish(fate);
  }

  std::size_t starts_at_once() {
    std::size_t count = 0;
    while (starts()) {
      ++count;
    }
    for (std::size_t i = 0; i < count; ++i) {
      control_->abandon();
    }
    return count;
  }

  TimePoint now_{std::chrono::hours(100)};
  std::optional<RateControl> control_;
};

TEST_F(RateControlTest, LetsMaxConcurrencyStartAtOnce) {
  make({.max_concurrency = 3});
  EXPECT_EQ(starts_at_once(), 3U);
}

TEST_F(RateControlTest, HalvesOnOverloadAndGrowsByOneARound) {
  make({.max_concurrency = 8});
  pass(RequestFate::kOverloaded);
  EXPECT_EQ(control_->concurrency(), 4U);
  now_ += seconds(1);
  pass(RequestFate::kOverloaded);
  EXPECT_EQ(control_->concurrency(), 2U);
  // 2 + 1/2 = 2.5, 2.5 + 1/2.5 = 2.9, 2.9 + 1/2.9 = 3.24
  pass(RequestFate::kAnswered);
  pass(RequestFate::kAnswered);
  EXPECT_EQ(control_->concurrency(), 2U);
  pass(RequestFate::kAnswered);
  EXPECT_EQ(control_->concurrency(), 3U);
}

TEST_F(RateControlTest, HalvesOnceForRequestsThatWereUnderWayTogether) {
  make({.max_concurrency = 8});
  const TimePoint started = now_;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(starts());
  }
  now_ += seconds(1);
  for (int i = 0; i < 5; ++i) {
    control_->finish(started, now_, RequestFate::kOverloaded, kTokens, -1, "429");
  }
  EXPECT_EQ(control_->concurrency(), 4U);
}

TEST_F(RateControlTest, NeverFallsBelowOneNorRisesAboveTheMost) {
  make({.max_concurrency = 2, .failures_until_pause = 1000});
  for (int i = 0; i < 10; ++i) {
    now_ += seconds(1);
    pass(RequestFate::kOverloaded);
  }
  EXPECT_EQ(control_->concurrency(), 1U);
  for (int i = 0; i < 100; ++i) {
    pass(RequestFate::kAnswered);
  }
  EXPECT_EQ(control_->concurrency(), 2U);
}

TEST_F(RateControlTest, KeepsItsConcurrencyWhereItIsNotAdaptive) {
  make({.max_concurrency = 8, .is_adaptive = false});
  pass(RequestFate::kOverloaded);
  EXPECT_EQ(control_->concurrency(), 8U);
}

TEST_F(RateControlTest, KeepsToTheRequestsPerMinuteInAnySixtySeconds) {
  make({.requests_per_minute = 2});
  const TimePoint first = now_;
  pass(RequestFate::kAnswered);
  now_ += seconds(40);
  pass(RequestFate::kAnswered);
  EXPECT_EQ(next_start(), first + minutes(1));
  now_ = first + minutes(1);
  pass(RequestFate::kAnswered);
  EXPECT_EQ(next_start(), first + seconds(100)) << "40 s + 60 s";
}

TEST_F(RateControlTest, CountsTheTokensThatWereUsed) {
  make({.tokens_per_minute = 25});
  const TimePoint first = now_;
  ASSERT_TRUE(starts());
  finish(RequestFate::kAnswered, 4);  // Not 10.
  now_ += seconds(1);
  pass(RequestFate::kAnswered);  // 14
  now_ += seconds(1);
  pass(RequestFate::kAnswered);  // 24
  EXPECT_EQ(next_start(), first + minutes(1));
}

TEST_F(RateControlTest, LetsASingleLargeRequestOut) {
  make({.tokens_per_minute = 5});
  EXPECT_TRUE(starts(100));
  EXPECT_FALSE(starts(100));
}

TEST_F(RateControlTest, WaitsAsLongAsTheEndpointAsks) {
  make({});
  control_->wait_until(now_ + seconds(7));
  control_->wait_until(now_ + seconds(3));
  EXPECT_EQ(next_start(), now_ + seconds(7));
  now_ += seconds(7);
  EXPECT_TRUE(starts());
}

TEST_F(RateControlTest, PausesAfterFailuresInARowAndGoesOnAfterAnAnswer) {
  make({.failures_until_pause = 3, .first_pause = seconds(2)});
  EXPECT_TRUE(pass(RequestFate::kFailed));
  EXPECT_TRUE(pass(RequestFate::kFailed));
  EXPECT_FALSE(pass(RequestFate::kFailed)) << "does not count against the request";
  EXPECT_TRUE(control_->is_paused());
  EXPECT_EQ(next_start(), now_ + seconds(2));
  now_ += seconds(2);
  EXPECT_EQ(next_start(), std::nullopt) << "the probe";
  EXPECT_EQ(next_start(), TimePoint::max()) << "one at a time";
  EXPECT_FALSE(finish(RequestFate::kFailed));
  EXPECT_EQ(next_start(), now_ + seconds(4)) << "twice as long";
  now_ += seconds(4);
  EXPECT_TRUE(pass(RequestFate::kAnswered));
  EXPECT_FALSE(control_->is_paused());
  EXPECT_GT(starts_at_once(), 1U);
}

TEST_F(RateControlTest, StartsTheRowAgainAfterAnAnswer) {
  make({.failures_until_pause = 2});
  pass(RequestFate::kFailed);
  pass(RequestFate::kAnswered);
  pass(RequestFate::kFailed);
  EXPECT_FALSE(control_->is_paused());
}

TEST_F(RateControlTest, GivesUpAfterTheLongestOutage) {
  make({.failures_until_pause = 1, .first_pause = seconds(1), .longest_outage = minutes(5)});
  pass(RequestFate::kFailed);
  now_ += minutes(4);
  pass(RequestFate::kFailed);
  now_ += minutes(2);
  ASSERT_TRUE(starts());
  EXPECT_ERROR(finish(RequestFate::kFailed), ErrorCode::kUnavailable,
               "endpoint has not answered for 360 s, the last failure: reason");
}

TEST_F(RateControlTest, AnHourAsleepIsNoFailureAndNoBurst) {
  make({.max_concurrency = 4, .requests_per_minute = 3});
  const TimePoint started = now_;
  ASSERT_TRUE(starts());
  now_ += std::chrono::hours(1);
  EXPECT_TRUE(control_->finish(started, now_, RequestFate::kOverloaded, kTokens, -1, "timeout"));
  EXPECT_FALSE(control_->is_paused());
  EXPECT_EQ(control_->concurrency(), 2U) << "half of four";
  EXPECT_EQ(starts_at_once(), 2U) << "and not what an hour would have allowed";
}

TEST_F(RateControlTest, AllowsRetriesAsFarAsAnswersPayForThem) {
  make({.retry_budget = 0.5});
  for (int i = 0; i < static_cast<int>(RateLimits::kFreeRetries); ++i) {
    ASSERT_TRUE(control_->take_retry());
  }
  EXPECT_FALSE(control_->take_retry());
  pass(RequestFate::kAnswered);
  EXPECT_FALSE(control_->take_retry());
  pass(RequestFate::kAnswered);
  EXPECT_TRUE(control_->take_retry());
  EXPECT_FALSE(control_->take_retry());
}

TEST(RateControls, ShareWhatIsKnownOfAnEndpoint) {
  RateControls controls;
  RateControl& first = controls.of("a", {.max_concurrency = 2});
  EXPECT_EQ(&controls.of("a", {.max_concurrency = 9}), &first);
  EXPECT_NE(&controls.of("b", {}), &first);
}

}  // namespace
}  // namespace crudbench
