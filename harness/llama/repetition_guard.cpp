#include "harness/llama/repetition_guard.h"

#include <algorithm>

namespace crudbench {

bool is_repetition(std::span<const Token> tokens, std::size_t window) {
  constexpr std::size_t kFewestTimes = 4;
  if (window == 0 || tokens.size() < window) {
    return false;
  }
  const std::span<const Token> tail = tokens.last(window);
  for (std::size_t period = 1; period <= std::min(kLongestPattern, window / kFewestTimes);
       ++period) {
    if (std::equal(tail.begin() + static_cast<std::ptrdiff_t>(period), tail.end(), tail.begin())) {
      return true;
    }
  }
  return false;
}

}  // namespace crudbench
