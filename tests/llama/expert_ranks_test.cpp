#include "harness/llama/expert_ranks.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <list>
#include <vector>

#include "harness/core/random.h"

namespace crudbench {
namespace {

TEST(ExpertRanks, AreThePlacesByRecencyAndFrequency) {
  ExpertRanks ranks(4);
  // 2 2 0 1 2 0: what is known before each choice.
  const std::vector<std::pair<std::size_t, std::size_t>> expected{
      {4, 4},   // 2: never chosen.
      {0, 0},   // 2: the last one, and the only one.
      {4, 4},   // 0
      {4, 4},   // 1
      {2, 0},   // 2: after 1 and 0; the most often chosen.
      {2, 2}};  // 0: after 2 and 1; 2 has three choices, 1 as many as 0 but later.
  std::size_t at = 0;
  for (const std::size_t expert : {2, 2, 0, 1, 2, 0}) {
    const ExpertRanks::Ranks found = ranks.choose(expert);
    EXPECT_EQ(found.by_recency, expected[at].first) << at;
    EXPECT_EQ(found.by_frequency, expected[at].second) << at;
    ++at;
  }
}

/// A cache that is simulated as one: it holds the `size` most recently used.
bool lru_access(std::list<std::size_t>& cache, std::size_t expert, std::size_t size) {
  const auto found = std::find(cache.begin(), cache.end(), expert);
  const bool hit = found != cache.end();
  if (hit) {
    cache.erase(found);
  }
  cache.push_front(expert);
  if (cache.size() > size) {
    cache.pop_back();
  }
  return hit;
}

TEST(ExpertRanks, SayWhatAnLruCacheOfEverySizeHolds) {
  constexpr std::size_t kExperts = 8;
  ExpertRanks ranks(kExperts);
  std::vector<std::list<std::size_t>> caches(kExperts + 1);
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    const auto expert =
        static_cast<std::size_t>(random.below(3) == 0 ? random.below(kExperts) : random.below(3));
    const std::size_t rank = ranks.choose(expert).by_recency;
    for (std::size_t size = 1; size <= kExperts; ++size) {
      EXPECT_EQ(rank < size, lru_access(caches[size], expert, size)) << i << " " << size;
    }
  }
}

}  // namespace
}  // namespace crudbench
