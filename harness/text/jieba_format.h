#pragma once

#include <cstdint>

#include "harness/text/image_format.h"

namespace crudbench {

constexpr char kJiebaMagic[] = "jieba-tables-2";

/// The characters that jieba hands to its dictionary (`re_han_default`): U+4E00 … U+9FD5, ASCII
/// letters and digits, and these. Each has a dense id, 1 …, the most used first; 0 is no id.
constexpr char32_t kFirstHan = 0x4E00;
constexpr char32_t kLastHan = 0x9FD5;
constexpr std::uint32_t kHanCount = kLastHan - kFirstHan + 1;
constexpr char kJiebaPunctuation[] = "+#&._%-";

constexpr bool is_ascii_letter_or_digit(char32_t c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// A node of the dictionary's trie, whose labels are ids. Free places have `kNoLabel`.
struct JiebaNode {
  std::uint32_t base;
  std::uint16_t label;
  std::uint16_t weight;  ///< Index into `weights`; 0 where no word ends.
};
static_assert(sizeof(JiebaNode) == 8);

constexpr std::uint16_t kNoLabel = 0xFFFF;

/// States of the word-position HMM in the order of their letters, by which jieba breaks ties.
enum HmmState : std::uint8_t { kHmmBegin, kHmmEnd, kHmmMiddle, kHmmSingle };
constexpr int kHmmStates = 4;
constexpr double kHmmMinimum = -3.14e100;  ///< jieba's MIN_FLOAT.

struct HmmEmission {
  double log_probability[kHmmStates];
};

/// The fixed part of the image.
struct JiebaTables {
  ImageSection nodes;        ///< JiebaNode.
  ImageSection frequencies;  ///< std::uint64_t, rising: the distinct ones of words, 0 first.
  ImageSection weights;      ///< double, log(max(frequency, 1)) - log(total), likewise.
  ImageSection han_ids;      ///< std::uint16_t, by code point - kFirstHan.
  ImageSection ascii_ids;    ///< std::uint16_t, by byte 0 … 127.
  ImageSection emissions;    ///< HmmEmission, by id.
  /// char, "word frequency\n": the words with other characters. No cut finds them, but
  /// `suggest_freq` asks for their frequencies.
  ImageSection other_words;
  std::uint64_t total;  ///< Sum of the frequencies of all lines of the dictionary.
  double start[kHmmStates];
  double transition[kHmmStates][kHmmStates];  ///< [from][to].
};

}  // namespace crudbench
