#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"

namespace crudbench {

/// A sweep on a cluster: one job builds the knowledge bases, an array of jobs runs the shards, one
/// merges them and makes the report. All of it stands in one folder that every node sees.
struct SlurmSweep {
  std::filesystem::path program;  ///< crudbench itself, absolute.
  std::filesystem::path config;   ///< Absolute.
  std::vector<std::string> overrides;
  std::filesystem::path folder;  ///< Absolute.
  std::string experiment;
  std::size_t shard_count = 1;
  std::size_t nodes = 1;  ///< Shards that run at the same time, each on a node.
  /// Further options of sbatch, as "NAME" → value: "partition", "time", "mem", …
  std::map<std::string, std::string> sbatch_options;

  std::filesystem::path knowledge_bases() const { return folder / "kb"; }
  std::filesystem::path shard_workspace(std::size_t shard) const {
    return folder / "shards" / std::to_string(shard);
  }
  std::filesystem::path merged_workspace() const { return folder / "workspace"; }
  std::filesystem::path record_file() const { return folder / "slurm.json"; }
};

/// What was submitted, by kind: "kb", "shards", "merge".
struct SlurmJob {
  std::string kind;
  std::string job_id;
};

/// Batch scripts. A shard that a signal ends before it is done (preemption, time limit) is queued
/// again by its script, and so is one whose node fails. Throw Error(kInvalidConfig) for a path or
/// option that a script cannot hold.
std::string knowledge_base_script(const SlurmSweep& sweep);
std::string shard_script(const SlurmSweep& sweep, const std::vector<std::size_t>& shards);
std::string merge_script(const SlurmSweep& sweep);

/// 1, 2, 3, 7 → "1-3,7".
std::string array_ranges(const std::vector<std::size_t>& numbers);

/// The record of a sweep, for `slurm status` and further submissions.
Json slurm_record(const SlurmSweep& sweep, const std::vector<SlurmJob>& jobs);
/// Throws Error(kInvalidData) for a file that is none.
SlurmSweep read_slurm_record(const Json& record, const std::string& file,
                             std::vector<SlurmJob>& jobs);

/// A shard that waits in the queue or runs.
struct QueuedShard {
  std::string job_id;
  std::string state;  ///< As Slurm says it: "PENDING", "RUNNING", …
};

/// By shard, from lines "JOB|ARRAY INDEX|STATE" of `squeue --array` that belong to `jobs`.
std::map<std::size_t, QueuedShard> queued_shards(std::string_view squeue_output,
                                                 const std::vector<SlurmJob>& jobs);

/// How far a shard is, from its workspace.
struct ShardProgress {
  std::int64_t done = 0;
  std::optional<std::int64_t> wanted;  ///< nullopt until it has begun.

  bool is_complete() const { return wanted && done >= *wanted; }
};
ShardProgress shard_progress(const SlurmSweep& sweep, std::size_t shard);

}  // namespace crudbench
