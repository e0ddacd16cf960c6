#include "retrievers/bm25_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace crudbench {

Bm25Weights::Bm25Weights(const Postings& postings, double k1, double b)
    : scales_(postings.word_count()), saturations_(postings.chunk_count()) {
  const std::span<const std::uint32_t> lengths = postings.lengths();
  const auto total_length =
      static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0}));
  const auto chunk_count = static_cast<double>(lengths.size());
  const double average_length = total_length > 0.0 ? total_length / chunk_count : 1.0;
  std::transform(lengths.begin(), lengths.end(), saturations_.begin(), [&](std::uint32_t length) {
    return k1 * (1.0 - b + b * length / average_length);
  });
  for (WordIndex word = 0; word < postings.word_count(); ++word) {
    const auto df = static_cast<double>(postings.end(word) - postings.begin(word));
    scales_[word] = std::log1p((chunk_count - df + 0.5) / (df + 0.5)) * (k1 + 1.0);
  }
}

}  // namespace crudbench
