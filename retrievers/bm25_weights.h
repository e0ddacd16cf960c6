#pragma once

#include <cstdint>
#include <vector>

#include "harness/core/types.h"
#include "retrievers/postings.h"

namespace crudbench {

/// A word of a query and how often it stands there, at least once.
struct QueryWord {
  WordIndex word = 0;
  std::uint32_t occurrences = 1;
};

/// What one occurrence of a word in a query adds to the BM25 score of a chunk (the formula stands
/// at Bm25Index). Every search computes it here, so all of them work with the same bits. Immutable;
/// callable from any thread.
class Bm25Weights {
 public:
  Bm25Weights(const Postings& postings, double k1, double b);

  /// Of a word that occurs `frequency` >= 1 times in the chunk; positive.
  float impact(WordIndex word, ChunkIndex chunk, WordFrequency frequency) const {
    const double tf = frequency;
    return static_cast<float>(scales_[word] * tf / (tf + saturations_[chunk]));
  }

  std::size_t size_bytes() const noexcept {
    return sizeof(double) * (scales_.size() + saturations_.size());
  }

 private:
  std::vector<double> scales_;       // [word] logarithm * (k1 + 1)
  std::vector<double> saturations_;  // [chunk] what is added to tf below the line
};

}  // namespace crudbench
