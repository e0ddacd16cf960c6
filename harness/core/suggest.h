#pragma once

#include <span>
#include <string>
#include <string_view>

namespace crudbench {

/// The candidate nearest to a misspelt word by edit distance (insertions, deletions, substitutions
/// and swaps of neighbours), or an empty string where none is near enough to be meant.
std::string nearest_word(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean 'x'?" or, with no near candidate, "; known: a, b, c".
std::string suggestion(std::string_view word, std::span<const std::string> candidates);

}  // namespace crudbench
