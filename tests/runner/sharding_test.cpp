#include "harness/runner/sharding.h"

#include <algorithm>
#include <numeric>

#include "harness/core/random.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using Ranges = std::vector<std::vector<SampleRange>>;  // [task][run]

std::vector<SplitTask> random_tasks(Random& random) {
  std::vector<SplitTask> tasks(1 + random.below(3));
  for (SplitTask& task : tasks) {
    task.sample_tokens.resize(random.below(12));
    std::generate(task.sample_tokens.begin(), task.sample_tokens.end(),
                  [&random] { return 1 + random.below(500); });
    task.runs.resize(1 + random.below(4));
    for (SplitTask::Run& run : task.runs) {
      run = {.context_tokens = random.below(2000), .weight = random.below(2) == 0 ? 1U : 100U};
    }
  }
  return tasks;
}

/// The cost of every pair of sample and run, by task, run and sample.
std::uint64_t cost_of(const SplitTask& task, std::size_t run, std::size_t sample) {
  return (task.sample_tokens[sample] + task.runs[run].context_tokens) * task.runs[run].weight;
}

TEST(ParseShard, ReadsNumberAndCount) {
  EXPECT_EQ(parse_shard("2/8").number, 2U);
  EXPECT_EQ(parse_shard("2/8").count, 8U);
}

TEST(ParseShard, RefusesAnythingElse) {
  for (const char* text : {"", "2", "0/8", "9/8", "2/", "/8", "a/8", "2/8x", "-1/8", "1/0",
                           "1/100001", "1/99999999999999999999"}) {
    EXPECT_ERROR(parse_shard(text), ErrorCode::kInvalidConfig, "--shard: expected NUMBER/COUNT");
  }
}

TEST(SplitEvenly, CutsSamplesOfEqualCostIntoEqualParts) {
  const std::vector<SplitTask> tasks = {{.sample_tokens = {5, 5, 5, 5, 5, 5}, .runs = {{}, {}}}};
  const auto shards = split_evenly(tasks, 3);
  EXPECT_THAT(shards, ElementsAre(Ranges{{{0, 2}, {0, 2}}}, Ranges{{{2, 4}, {2, 4}}},
                                  Ranges{{{4, 6}, {4, 6}}}));
}

TEST(SplitEvenly, GivesALongSampleAShardOfItsOwn) {
  const std::vector<SplitTask> tasks = {{.sample_tokens = {10, 10, 10, 30}, .runs = {{}}}};
  EXPECT_THAT(split_evenly(tasks, 2), ElementsAre(Ranges{{{0, 3}}}, Ranges{{{3, 4}}}));
}

TEST(SplitEvenly, PartsRunsOfOneSampleWhereThereAreFewSamples) {
  const std::vector<SplitTask> tasks = {{.sample_tokens = {7}, .runs = {{}, {}}}};
  const auto shards = split_evenly(tasks, 2);
  EXPECT_EQ(shards[0][0][0], (SampleRange{0, 1}));
  EXPECT_EQ(shards[0][0][1].size(), 0U);
  EXPECT_EQ(shards[1][0][0].size(), 0U);
  EXPECT_EQ(shards[1][0][1], (SampleRange{0, 1}));
}

TEST(SplitEvenly, PutsEveryPairIntoOneShard) {
  Random random(3);
  for (int trial = 0; trial < 300; ++trial) {
    const std::vector<SplitTask> tasks = random_tasks(random);
    const std::size_t count = 1 + random.below(9);
    const auto shards = split_evenly(tasks, count);
    ASSERT_EQ(shards.size(), count);
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      for (std::size_t run = 0; run < tasks[task].runs.size(); ++run) {
        std::vector<int> holders(tasks[task].sample_tokens.size(), 0);
        for (const Ranges& shard : shards) {
          for (std::size_t i = shard[task][run].begin; i < shard[task][run].end; ++i) {
            ++holders[i];
          }
        }
        EXPECT_TRUE(std::all_of(holders.begin(), holders.end(), [](int n) { return n == 1; }));
      }
    }
  }
}

TEST(SplitEvenly, BalancesCostWithinOnePair) {
  Random random(4);
  for (int trial = 0; trial < 100; ++trial) {
    const std::vector<SplitTask> tasks = random_tasks(random);
    const std::size_t count = 1 + random.below(9);
    std::uint64_t total = 0;
    std::uint64_t largest = 0;
    std::vector<std::uint64_t> costs(count, 0);
    const auto shards = split_evenly(tasks, count);
    for (std::size_t task = 0; task < tasks.size(); ++task) {
      for (std::size_t run = 0; run < tasks[task].runs.size(); ++run) {
        for (std::size_t shard = 0; shard < count; ++shard) {
          const SampleRange& range = shards[shard][task][run];
          for (std::size_t sample = range.begin; sample < range.end; ++sample) {
            const std::uint64_t cost = cost_of(tasks[task], run, sample);
            costs[shard] += cost;
            total += cost;
            largest = std::max(largest, cost);
          }
        }
      }
    }
    for (const std::uint64_t cost : costs) {
      const double share = static_cast<double>(total) / static_cast<double>(count);
      EXPECT_LE(std::abs(static_cast<double>(cost) - share), static_cast<double>(largest) + 1.0);
    }
  }
}

}  // namespace
}  // namespace crudbench
