#pragma once

#include <cstddef>
#include <cstdint>

#include "harness/text/image_format.h"

namespace crudbench {

constexpr char kCl100kMagic[] = "cl100k-tables-2";

constexpr std::uint32_t kCl100kTokens = 100256;  ///< Ranks without the special tokens.
constexpr std::uint32_t kByteTokens = 256;       ///< The first ranks are the single bytes.
constexpr unsigned kTokenBits = 17;
constexpr std::uint32_t kNoToken = (1U << kTokenBits) - 1;

/// A token and the merge that makes it. Ranks of `left` and `right` are below its own; the tool
/// that makes the image checks it, and that merges of the token's bytes do end in the token.
struct Cl100kToken {
  std::uint32_t left;  ///< Of a single byte: the token itself, as `right`.
  std::uint32_t right;
  std::uint32_t prefix;  ///< The longest other token that it begins with, or `kNoToken`.
  std::uint32_t size_bytes;
};

/// A node of the trie of tokens, whose labels are bytes plus 1. Free places have label 0.
struct Cl100kNode {
  std::uint32_t base;
  std::uint32_t label : 15;
  std::uint32_t token : kTokenBits;  ///< `kNoToken` where none ends.
};
static_assert(sizeof(Cl100kNode) == 8);
constexpr std::uint32_t kByteLabels = 257;

/// A merge, `left << 34 | right << 17 | merged`, or `kNoMerge`.
using MergeEntry = std::uint64_t;
constexpr MergeEntry kNoMerge = ~MergeEntry{0};

constexpr std::uint64_t merge_key(std::uint32_t left, std::uint32_t right) noexcept {
  return (std::uint64_t{left} << kTokenBits) | right;
}

/// Where the search for a merge starts in a table of 2^bits slots.
constexpr std::size_t slot_of(std::uint64_t key, unsigned bits) noexcept {
  return (key * 0x9E3779B97F4A7C15U) >> (64U - bits);
}
constexpr unsigned kMergeSlotBits = 18;
constexpr unsigned kMergeFilterBits = 20;

/// The fixed part of the image.
struct Cl100kTables {
  ImageSection tokens;  ///< Cl100kToken, by rank.
  ImageSection nodes;   ///< Cl100kNode.
  ImageSection merges;  ///< MergeEntry, a hash table of 2^kMergeSlotBits slots, probed linearly.
  /// std::uint64_t: bit `slot_of(key, kMergeFilterBits)` is set if there may be such a merge. Small
  /// enough for the cache, and most look-ups find nothing.
  ImageSection merge_filter;
};

}  // namespace crudbench
