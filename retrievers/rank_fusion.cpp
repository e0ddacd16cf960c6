#include "retrievers/rank_fusion.h"

#include <algorithm>
#include <cmath>

namespace crudbench {

namespace {

/// Adds up what lists say of the same chunk. `shares` come list by list.
std::vector<Hit> sum_by_chunk(std::vector<Hit> shares) {
  std::stable_sort(shares.begin(), shares.end(),
                   [](const Hit& left, const Hit& right) { return left.chunk < right.chunk; });
  std::vector<Hit> sums;
  for (const Hit& share : shares) {
    if (!sums.empty() && sums.back().chunk == share.chunk) {
      sums.back().score += share.score;
    } else {
      sums.push_back(share);
    }
  }
  return sums;
}

/// `hits`, in corpus order, best first.
std::vector<Hit> best_first(std::vector<Hit> hits) {
  std::stable_sort(hits.begin(), hits.end(),
                   [](const Hit& left, const Hit& right) { return left.score > right.score; });
  return hits;
}

}  // namespace

std::vector<Hit> fuse_ranks(std::span<const std::vector<Hit>> lists,
                            std::span<const double> weights, double c) {
  std::vector<Hit> shares;
  for (std::size_t list = 0; list < lists.size(); ++list) {
    for (std::size_t i = 0; i < lists[list].size(); ++i) {
      shares.push_back({lists[list][i].chunk, weights[list] / (c + static_cast<double>(i + 1))});
    }
  }
  return best_first(sum_by_chunk(std::move(shares)));
}

std::vector<double> normalized_scores(std::span<const Hit> hits, Normalization normalization) {
  std::vector<double> scores;
  scores.reserve(hits.size());
  for (const Hit& hit : hits) {
    scores.push_back(hit.score);
  }
  if (scores.empty()) {
    return scores;
  }
  const auto [least, greatest] = std::minmax_element(scores.begin(), scores.end());
  const bool all_equal = *least == *greatest;
  double origin = *least;
  double unit = *greatest - *least;
  if (normalization == Normalization::kZScore) {
    const auto count = static_cast<double>(scores.size());
    double sum = 0.0;
    for (const double score : scores) {
      sum += score;
    }
    origin = sum / count;
    double squares = 0.0;
    for (const double score : scores) {
      squares += (score - origin) * (score - origin);
    }
    unit = std::sqrt(squares / count);
  }
  for (double& score : scores) {
    if (all_equal) {
      score = normalization == Normalization::kMinMax ? 1.0 : 0.0;
    } else {
      score = (score - origin) / unit;
    }
  }
  return scores;
}

std::vector<Hit> fuse_scores(std::span<const std::vector<Hit>> lists,
                             std::span<const double> weights, Normalization normalization) {
  // What a list gives to a chunk that it lacks is given to all, and its own get the rest on top.
  double floor = 0.0;
  std::vector<Hit> shares;
  for (std::size_t list = 0; list < lists.size(); ++list) {
    const std::vector<double> scores = normalized_scores(lists[list], normalization);
    const double least = normalization == Normalization::kZScore && !scores.empty()
                             ? *std::min_element(scores.begin(), scores.end())
                             : 0.0;
    floor += weights[list] * least;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      shares.push_back({lists[list][i].chunk, weights[list] * (scores[i] - least)});
    }
  }
  std::vector<Hit> fused = sum_by_chunk(std::move(shares));
  for (Hit& hit : fused) {
    hit.score += floor;
  }
  return best_first(std::move(fused));
}

}  // namespace crudbench
