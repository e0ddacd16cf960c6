#pragma once

#include <cstddef>
#include <span>

#include "harness/llama/model.h"

namespace crudbench {

/// The longest pattern, in tokens, that counts as a repetition.
inline constexpr std::size_t kLongestPattern = 32;

/// Whether the last `window` tokens are one pattern of at most `kLongestPattern` tokens, over and
/// over, at least four times: a model that has fallen into a loop does not come out of it.
bool is_repetition(std::span<const Token> tokens, std::size_t window);

}  // namespace crudbench
