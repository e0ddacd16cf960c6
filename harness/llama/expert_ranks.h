#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crudbench {

/// The experts of one layer in the order in which caches would keep them. The place of an expert
/// before it is chosen again says for every size of cache whether it would have been there: one
/// that keeps the n most recently chosen (LRU), or the n most often chosen so far (LFU; of equals
/// the more recent), has the places below n.
class ExpertRanks {
 public:
  explicit ExpertRanks(std::size_t experts);

  struct Ranks {
    std::size_t by_recency = 0;  ///< Both from 0; the number of experts for one never chosen.
    std::size_t by_frequency = 0;
  };
  /// The expert's places until now; then counts it as chosen. O(experts).
  Ranks choose(std::size_t expert);

 private:
  struct Use {
    std::uint64_t count = 0;
    std::uint64_t last = 0;  ///< The number of the choice, from 1.
  };
  std::vector<Use> uses_;  // [expert]
  std::uint64_t choices_ = 0;
};

}  // namespace crudbench
