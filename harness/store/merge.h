#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/store/workspace.h"

namespace crudbench {

/// What `merge_shards` joined.
struct MergeResult {
  std::vector<std::string> experiments;
  std::int64_t part_count = 0;
  std::int64_t shard_count = 0;
  std::vector<std::int64_t> missing;  ///< Shards that no part holds, by number.
  std::int64_t sample_count = 0;      ///< Samples joined.
  std::int64_t expected_count = 0;    ///< Samples of all runs.
};

/// Joins the shards of experiments into a workspace that has no results yet, so that it holds what
/// one run of the whole would: the same runs, samples and scores, in the same order.
///
/// Throws Error(kInvalidData) naming the part for one that is no shard, of another experiment,
/// split, version of the program, set of metrics or data; for a shard that is there twice; and,
/// unless `allow_missing`, for shards that are missing or not finished. Nothing is left behind
/// then. Throws Error(kIo) if `target` has results.
MergeResult merge_shards(std::span<const Workspace> parts, const Workspace& target,
                         bool allow_missing);

}  // namespace crudbench
