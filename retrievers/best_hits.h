#pragma once

#include <cstddef>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// Keeps the `top_k` best of the hits it is offered: by score, equal scores by lower chunk. Scores
/// that are not positive are no hits.
class BestHits {
 public:
  explicit BestHits(std::size_t top_k) : top_k_(top_k) {}

  /// A hit whose score is not above it is turned away, provided that chunks come in ascending
  /// order.
  double threshold() const noexcept { return threshold_; }

  /// Takes a hit. Chunks must come in ascending order.
  void offer(ChunkIndex chunk, double score);

  /// What was kept, best first.
  std::vector<Hit> take() &&;

 private:
  std::size_t top_k_;
  double threshold_ = 0.0;
  std::vector<Hit> heap_;  // the worst in front
};

}  // namespace crudbench
