#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): the score of a chunk is the sum of
/// weights[i] / (c + rank) over the lists i that hold it, rank from 1. All chunks of all lists,
/// best first, equal scores in corpus order. One weight a list.
std::vector<Hit> fuse_ranks(std::span<const std::vector<Hit>> lists,
                            std::span<const double> weights, double c);

}  // namespace crudbench
