#include "retrievers/rank_fusion.h"

#include <algorithm>

namespace crudbench {

std::vector<Hit> fuse_ranks(std::span<const std::vector<Hit>> lists,
                            std::span<const double> weights, double c) {
  std::vector<Hit> shares;  // By chunk; those of a chunk in the order of the lists.
  for (std::size_t list = 0; list < lists.size(); ++list) {
    for (std::size_t i = 0; i < lists[list].size(); ++i) {
      shares.push_back({lists[list][i].chunk, weights[list] / (c + static_cast<double>(i + 1))});
    }
  }
  std::stable_sort(shares.begin(), shares.end(),
                   [](const Hit& left, const Hit& right) { return left.chunk < right.chunk; });
  std::vector<Hit> fused;
  for (const Hit& share : shares) {
    if (!fused.empty() && fused.back().chunk == share.chunk) {
      fused.back().score += share.score;
    } else {
      fused.push_back(share);
    }
  }
  std::stable_sort(fused.begin(), fused.end(),
                   [](const Hit& left, const Hit& right) { return left.score > right.score; });
  return fused;
}

}  // namespace crudbench
