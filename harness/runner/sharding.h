#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/dataset.h"
#include "harness/core/catalog.h"
#include "harness/runner/experiment.h"
#include "harness/runner/plan.h"

namespace crudbench {

/// One of several parts of an experiment.
struct Shard {
  std::size_t number = 1;  ///< From 1 to `count`.
  std::size_t count = 1;
};

inline constexpr std::size_t kMaxShards = 100'000;

/// "2/8". Throws Error(kInvalidConfig).
Shard parse_shard(std::string_view text);

/// The samples of one task and the runs on it, as far as they cost.
struct SplitTask {
  std::vector<std::uint64_t> sample_tokens;  ///< [sample] of its own texts, about.
  struct Run {
    std::uint64_t context_tokens = 0;  ///< Of its context, about.
    std::uint64_t weight = 1;          ///< How much a token costs, next to other runs.
  };
  std::vector<Run> runs;
};

/// Samples [begin, end) of a task.
struct SampleRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const noexcept { return end - begin; }
  friend bool operator==(const SampleRange&, const SampleRange&) = default;
};

/// [shard][task][run] what each of `shard_count` shards holds. All pairs of sample and run stand in
/// one line, sample by sample and run by run within a sample, and the line is cut where the cost
/// reaches the next n-th: so shards cost the same within one pair, and the runs of a sample, which
/// share hits and answers, mostly stay together. Follows from the arguments alone.
std::vector<std::vector<std::vector<SampleRange>>> split_evenly(const std::vector<SplitTask>& tasks,
                                                                std::size_t shard_count);

/// What one shard of an experiment is to do.
struct ShardPlan {
  Shard shard;
  std::string split;                ///< Names what was split and how; the same for all shards.
  std::vector<SampleRange> ranges;  ///< [run of the plan] positions among the task's samples.
  std::uint64_t cost = 0;           ///< In tokens of the costliest kind of run.
};

/// Splits a plan into shards. A run that stands in the plan twice is split once.
std::vector<ShardPlan> plan_shards(const Experiment& experiment, const Dataset& dataset,
                                   const Catalog& catalog, const Plan& plan,
                                   std::size_t shard_count);

}  // namespace crudbench
