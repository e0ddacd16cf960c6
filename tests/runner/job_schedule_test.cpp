#include "harness/runner/job_schedule.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

#include "harness/core/error.h"
#include "harness/core/random.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::size_t started(JobSchedule& schedule) {
  const auto start = schedule.next();
  return start ? start->job : SIZE_MAX;
}

TEST(JobSchedule, GivesJobsInTheirOrder) {
  JobSchedule schedule({{}, {}, {}}, {}, 0);
  EXPECT_EQ(started(schedule), 0U);
  EXPECT_EQ(started(schedule), 1U);
  EXPECT_EQ(started(schedule), 2U);
  EXPECT_EQ(started(schedule), SIZE_MAX);
}

TEST(JobSchedule, LetsLaterJobsPassOneThatHasToWait) {
  JobSchedule schedule(
      {{.exclusive = {"cores"}}, {.exclusive = {"cores"}}, {.exclusive = {"requests"}}}, {}, 0);
  EXPECT_EQ(started(schedule), 0U);
  EXPECT_EQ(started(schedule), 2U);
  schedule.finish(0);
  EXPECT_EQ(started(schedule), 1U);
}

TEST(JobSchedule, StartsAJobAfterTheOneItNeeds) {
  JobSchedule schedule({{}, {.after = 0}, {}}, {}, 0);
  EXPECT_EQ(started(schedule), 0U);
  EXPECT_EQ(started(schedule), 2U);
  schedule.finish(0);
  EXPECT_EQ(started(schedule), 1U);
}

TEST(JobSchedule, KeepsWithinTheMemory) {
  JobSchedule schedule({{.resident = "a"}, {.resident = "b"}, {.resident = "a"}},
                       {{"a", 60}, {"b", 60}}, 100);
  EXPECT_EQ(started(schedule), 0U);
  EXPECT_EQ(started(schedule), 2U) << "a is there; b has no room beside it";
  schedule.finish(0);
  schedule.finish(2);
  EXPECT_EQ(started(schedule), 1U);
}

TEST(JobSchedule, EvictsWhatNobodyUsesWhereRoomIsNeeded) {
  JobSchedule schedule({{.resident = "a"}, {.resident = "b"}, {.resident = "a", .after = 1}},
                       {{"a", 60}, {"b", 60}}, 100);
  EXPECT_EQ(started(schedule), 0U);
  schedule.finish(0);
  const auto of_b = schedule.next();
  ASSERT_TRUE(of_b.has_value());
  EXPECT_EQ(of_b->job, 1U);
  EXPECT_THAT(of_b->evicted, ElementsAre("a"));
  schedule.finish(1);
  const auto of_a = schedule.next();
  ASSERT_TRUE(of_a.has_value());
  EXPECT_EQ(of_a->job, 2U);
  EXPECT_THAT(of_a->evicted, IsEmpty()) << "nobody wants b any more, it is gone already";
}

TEST(JobSchedule, GivesTheMemoryToOneThatIsTooLargeForIt) {
  JobSchedule schedule({{.resident = "a"}, {.resident = "large"}}, {{"a", 10}, {"large", 1000}},
                       100);
  EXPECT_EQ(started(schedule), 0U);
  schedule.finish(0);
  EXPECT_EQ(started(schedule), 1U);
}

TEST(JobSchedule, StartsNothingAfterItWasClosed) {
  JobSchedule schedule({{}, {}}, {}, 0);
  EXPECT_EQ(started(schedule), 0U);
  schedule.close();
  EXPECT_EQ(started(schedule), SIZE_MAX);
}

/// Random jobs on several threads, each of which checks that it has alone what it should have.
TEST(RunJobs, NeverRunsJobsTogetherThatNeedTheSame) {
  Random random(11);
  for (int trial = 0; trial < 20; ++trial) {
    constexpr std::size_t kThings = 3;
    std::vector<Job> jobs(40);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      for (std::size_t thing = 0; thing < kThings; ++thing) {
        if (random.below(3) == 0) {
          jobs[i].exclusive.insert(std::to_string(thing));
        }
      }
      jobs[i].resident = std::to_string(random.below(4));
      if (i > 0 && random.below(3) == 0) {
        jobs[i].after = random.below(i);
      }
    }
    std::vector<std::atomic<int>> users(kThings);
    std::vector<std::atomic<int>> runs(jobs.size());
    JobSchedule schedule(jobs, {{"0", 40}, {"1", 40}, {"2", 70}, {"3", 200}}, 100);
    run_jobs(
        schedule, 4,
        [&](std::size_t job) {
          ++runs[job];
          if (jobs[job].after) {
            EXPECT_EQ(runs[*jobs[job].after], 1);
          }
          for (const std::string& thing : jobs[job].exclusive) {
            EXPECT_EQ(++users[std::stoul(thing)], 1);
          }
          std::this_thread::yield();
          for (const std::string& thing : jobs[job].exclusive) {
            --users[std::stoul(thing)];
          }
        },
        [](const std::string&) {}, [] { FAIL(); });
    EXPECT_TRUE(
        std::all_of(runs.begin(), runs.end(), [](const auto& count) { return count == 1; }));
  }
}

TEST(RunJobs, EndsWithTheFirstErrorAndTellsTheOthers) {
  JobSchedule schedule(std::vector<Job>(100), {}, 0);
  std::atomic<int> count{0};
  std::atomic<bool> told{false};
  const auto run = [&] {
    run_jobs(
        schedule, 3,
        [&](std::size_t job) {
          ++count;
          if (job == 4) {
            throw Error(ErrorCode::kUnavailable, "it is down");
          }
          while (job > 4 && !told) {
            std::this_thread::yield();
          }
        },
        [](const std::string&) {}, [&] { told = true; });
  };
  EXPECT_ERROR(run(), ErrorCode::kUnavailable, "it is down");
  EXPECT_TRUE(told);
  EXPECT_LE(count, 7) << "the first five, and what the two other lanes had begun";
}

}  // namespace
}  // namespace crudbench
