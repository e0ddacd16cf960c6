#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace crudbench {

/// A prediction and a reference as sequences of small integers, so that n-grams and subsequences
/// are compared without looking at the text again.
struct SequencePair {
  /// Stands for a prediction symbol that the reference lacks: it can match nothing.
  static constexpr std::uint32_t kForeign = std::numeric_limits<std::uint32_t>::max();

  std::vector<std::uint32_t> prediction;  ///< Ids of the reference's symbols, or kForeign.
  std::vector<std::uint32_t> reference;   ///< Ids 0 … vocabulary - 1, by first occurrence.
  std::uint32_t vocabulary = 0;           ///< Number of distinct symbols of the reference.
};

/// Words are equal if their bytes are.
SequencePair pair_words(std::span<const std::string_view> prediction,
                        std::span<const std::string_view> reference);

/// The code points of two UTF-8 texts, white space (Python's `str.split()`) left out. An ill-formed
/// byte counts as U+FFFD.
SequencePair pair_code_points(std::string_view prediction, std::string_view reference);

/// Number of n-grams of a sequence of `size` symbols; `order` >= 1.
constexpr std::size_t count_ngrams(std::size_t size, std::size_t order) noexcept {
  return size >= order ? size - order + 1 : 0;
}

/// For each order 1 … max_order the clipped matches: every n-gram counts as often as it occurs in
/// both sequences, i.e. by the smaller of its two counts. Linear in the lengths.
std::vector<std::size_t> match_ngrams(const SequencePair& pair, std::size_t max_order);

/// Length of the longest common subsequence: Hyyrö's bit-parallel recurrence ("Bit-parallel
/// LCS-length computation revisited", 2004), 64 reference symbols at a time.
/// O(|prediction| · |reference| / 64) time and linear memory.
std::size_t longest_common_subsequence(const SequencePair& pair);

}  // namespace crudbench
