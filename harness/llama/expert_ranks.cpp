#include "harness/llama/expert_ranks.h"

namespace crudbench {

ExpertRanks::ExpertRanks(std::size_t experts) : uses_(experts) {}

ExpertRanks::Ranks ExpertRanks::choose(std::size_t expert) {
  Use& chosen = uses_[expert];
  Ranks ranks{.by_recency = uses_.size(), .by_frequency = uses_.size()};
  if (chosen.count > 0) {
    ranks = {};
    for (const Use& other : uses_) {
      const bool is_later = other.last > chosen.last;
      ranks.by_recency += is_later ? 1 : 0;
      ranks.by_frequency +=
          other.count > chosen.count || (other.count == chosen.count && is_later) ? 1 : 0;
    }
  }
  ++chosen.count;
  chosen.last = ++choices_;
  return ranks;
}

}  // namespace crudbench
