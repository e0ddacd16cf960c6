#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrievers/array_file.h"

namespace crudbench {

/// Position of a word in its vocabulary.
using WordIndex = std::uint32_t;

/// A set of words, numbered in the order in which they were added.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// Restores a vocabulary from `bytes()` and `ends()`; words must differ, and `ends` must ascend
  /// to `bytes.size()`.
  Vocabulary(std::string_view bytes, std::span<const std::uint32_t> ends);

  /// The number of the word, a new one if it is not there yet.
  WordIndex add(std::string_view word);
  std::optional<WordIndex> find(std::string_view word) const;

  std::size_t size() const noexcept { return ends_.size(); }
  std::string_view word(WordIndex index) const;

  /// All words, one after the other, and the end of each.
  std::string_view bytes() const noexcept { return bytes_; }
  std::span<const std::uint32_t> ends() const noexcept { return ends_; }

 private:
  /// The slot that holds the word, or the free one where it would go.
  std::size_t slot_of(std::string_view word) const;
  void rehash(std::size_t slot_count);

  std::string bytes_;
  std::vector<std::uint32_t> ends_;   // [word]
  std::vector<std::uint32_t> slots_;  // open addressing: word + 1, 0 = free; a power of 2 or none
};

/// Reads a vocabulary that was written as the arrays "words" (`bytes()`) and "word_ends"
/// (`ends()`). Throws Error(kInvalidData).
Vocabulary load_vocabulary(const ArrayFile& file);

}  // namespace crudbench
