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

/// How scores of one list are made comparable with those of another.
enum class Normalization {
  /// (score - least) / (greatest - least), in [0, 1]; 1 where all scores of the list are equal.
  kMinMax,
  /// (score - mean) / standard deviation (of the population); 0 where all scores are equal.
  kZScore,
};

/// The scores of a list normalised over that list, in its order.
std::vector<double> normalized_scores(std::span<const Hit> hits, Normalization normalization);

/// The score of a chunk is the sum of weights[i] times its normalised score in list i. A list that
/// lacks the chunk counts as 0 for kMinMax, for kZScore as the least of its own (0 if it is empty).
/// All chunks of all lists, best first, equal scores in corpus order. One weight a list.
std::vector<Hit> fuse_scores(std::span<const std::vector<Hit>> lists,
                             std::span<const double> weights, Normalization normalization);

}  // namespace crudbench
