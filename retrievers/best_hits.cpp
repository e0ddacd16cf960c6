#include "retrievers/best_hits.h"

#include <algorithm>

namespace crudbench {

namespace {

bool is_better(const Hit& left, const Hit& right) {
  return left.score != right.score ? left.score > right.score : left.chunk < right.chunk;
}

}  // namespace

void BestHits::offer(ChunkIndex chunk, double score) {
  if (!(score > threshold_) || top_k_ == 0) {
    return;
  }
  if (heap_.size() == top_k_) {
    std::pop_heap(heap_.begin(), heap_.end(), is_better);
    heap_.pop_back();
  }
  heap_.push_back({chunk, score});
  std::push_heap(heap_.begin(), heap_.end(), is_better);
  if (heap_.size() == top_k_) {
    threshold_ = heap_.front().score;
  }
}

std::vector<Hit> BestHits::take() && {
  std::sort_heap(heap_.begin(), heap_.end(), is_better);
  return std::move(heap_);
}

}  // namespace crudbench
