#include "retrievers/rerankers/reranker.h"

#include <algorithm>

namespace crudbench {

void sort_best_first(std::vector<Hit>& hits) {
  std::sort(hits.begin(), hits.end(), [](const Hit& left, const Hit& right) {
    return left.score != right.score ? left.score > right.score : left.chunk < right.chunk;
  });
}

}  // namespace crudbench
