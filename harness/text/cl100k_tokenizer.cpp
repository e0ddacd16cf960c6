// cl100k_base: the pattern of tiktoken's `openai_public.py`, written out by hand, then byte-pair
// merges. A token's id is its rank, by which merges are ordered.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "harness/text/cl100k_format.h"
#include "harness/text/embedded_images.h"
#include "harness/text/tokenizer.h"
#include "harness/text/unicode_classes.h"
#include "harness/text/utf8.h"

namespace crudbench {
namespace {

/// Cuts a text into the pieces that are tokenized on their own, after
///
///     '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
///     \s*[\r\n]+|\s+(?!\S)|\s+
///
/// with `\s` = White_Space, as in Rust's regex crate. An ill-formed byte is a symbol.
class PieceReader {
 public:
  PieceReader(std::string_view text, const std::uint8_t* classes)
      : text_(text), classes_(classes) {}

  /// The next piece; empty at the end of the text.
  std::string_view next() {
    const std::size_t begin = offset_;
    if (begin < text_.size()) {
      offset_ = piece_end(begin);
    }
    return text_.substr(begin, offset_ - begin);
  }

 private:
  enum class Kind { kEnd, kLetter, kNumber, kNewline, kSpace, kSymbol };

  struct Character {
    Kind kind = Kind::kEnd;
    std::size_t end = 0;  ///< Where the next character begins.
  };

  Character at(std::size_t offset) const {
    if (offset == text_.size()) {
      return {Kind::kEnd, offset};
    }
    const CodePoint code_point = decode_at(text_, offset);
    return {kind_of(code_point.value), offset + code_point.size_bytes};
  }

  Kind kind_of(char32_t c) const {
    const unsigned bits = classes_[c];
    if ((bits & kLetter) != 0) {
      return Kind::kLetter;
    }
    if ((bits & kNumber) != 0) {
      return Kind::kNumber;
    }
    if ((bits & kWhiteSpace) != 0) {
      return c == '\r' || c == '\n' ? Kind::kNewline : Kind::kSpace;
    }
    return Kind::kSymbol;
  }

  /// Where the run of characters of `kind` from `offset` on ends.
  std::size_t run_end(std::size_t offset, Kind kind) const {
    for (Character c = at(offset); c.kind == kind; c = at(offset)) {
      offset = c.end;
    }
    return offset;
  }

  std::size_t piece_end(std::size_t begin) const {
    if (const std::size_t end = contraction_end(begin); end != begin) {
      return end;
    }
    const Character first = at(begin);
    switch (first.kind) {
      case Kind::kLetter:
        return run_end(first.end, Kind::kLetter);
      case Kind::kNumber: {
        std::size_t end = first.end;
        for (int digits = 1; digits < 3; ++digits) {
          const Character c = at(end);
          if (c.kind != Kind::kNumber) {
            break;
          }
          end = c.end;
        }
        return end;
      }
      case Kind::kSymbol:
      case Kind::kSpace: {
        const Character second = at(first.end);
        if (second.kind == Kind::kLetter) {
          return run_end(second.end, Kind::kLetter);
        }
        const bool is_symbols =
            first.kind == Kind::kSymbol || (text_[begin] == ' ' && second.kind == Kind::kSymbol);
        if (is_symbols) {
          return run_end(run_end(first.end, Kind::kSymbol), Kind::kNewline);
        }
        return white_space_end(begin);
      }
      default:
        return white_space_end(begin);
    }
  }

  /// Up to the last line break of the run of white space, or else, where a visible character
  /// follows, without the last character, which may belong to it; one character at least.
  std::size_t white_space_end(std::size_t begin) const {
    std::size_t end = begin;
    std::size_t last_begin = begin;
    std::size_t newline_end = begin;
    Character c = at(begin);
    for (; c.kind == Kind::kSpace || c.kind == Kind::kNewline; c = at(end)) {
      last_begin = end;
      end = c.end;
      if (c.kind == Kind::kNewline) {
        newline_end = end;
      }
    }
    if (newline_end != begin) {
      return newline_end;
    }
    return c.kind == Kind::kEnd || last_begin == begin ? end : last_begin;
  }

  /// The end of `'(?i:[sdmt]|ll|ve|re)` at `begin`, or `begin`. U+017F folds to s.
  std::size_t contraction_end(std::size_t begin) const {
    if (text_[begin] != '\'') {
      return begin;
    }
    const auto lower = [&](std::size_t offset) {
      return offset < text_.size() ? static_cast<char>(text_[offset] | 0x20) : '\0';
    };
    const char first = lower(begin + 1);
    const char second = lower(begin + 2);
    if (first == 's' || first == 'd' || first == 'm' || first == 't') {
      return begin + 2;
    }
    if ((first == 'l' && second == 'l') || (first == 'v' && second == 'e') ||
        (first == 'r' && second == 'e')) {
      return begin + 3;
    }
    return text_.substr(begin + 1).starts_with("ſ") ? begin + 3 : begin;
  }

  std::string_view text_;
  const std::uint8_t* classes_;
  std::size_t offset_ = 0;
};

/// The workings of one call, kept by each thread for the next.
struct Scratch {
  std::vector<std::uint32_t> tokens;  ///< Of the piece.
  /// Places in the piece from which the rest cannot be cut; all false between pieces.
  std::vector<std::uint8_t> is_dead_end;
};

/// Byte-pair encoding without merging.
///
/// Merging takes the pair of the lowest rank first, of equals the leftmost, so what it does inside
/// a stretch of bytes does not depend on the outside until a merge crosses the stretch's border.
/// Hence tokens t1 t2 … are the encoding of their bytes if and only if each pair of neighbours is
/// the encoding of its own bytes: the first merge across a border would also happen in that pair
/// alone. The encoding is found by search: from left to right the longest token that goes with its
/// left neighbour, one step back where none does. Places known as dead ends are not tried again, so
/// the time is linear in the bytes. (The same idea: `BacktrackEncoder` of github/rust-gems' `bpe`.)
class Cl100kTokenizer final : public Tokenizer {
 public:
  Cl100kTokenizer() : image_(cl100k_image()) {
    const auto& tables = image_.tables<Cl100kTables>();
    tokens_ = image_.section<Cl100kToken>(tables.tokens).data();
    nodes_ = image_.section<Cl100kNode>(tables.nodes).data();
    merges_ = image_.section<MergeEntry>(tables.merges).data();
    merge_filter_ = image_.section<std::uint64_t>(tables.merge_filter).data();
  }

  std::string_view fingerprint() const noexcept { return image_.fingerprint(); }

  std::size_t count(std::string_view text) const override {
    std::size_t count = 0;
    for_each_piece(text,
                   [&count](const std::vector<std::uint32_t>& tokens) { count += tokens.size(); });
    return count;
  }

  std::vector<std::uint32_t> encode(std::string_view text) const override {
    std::vector<std::uint32_t> result;
    for_each_piece(text, [&result](const std::vector<std::uint32_t>& tokens) {
      result.insert(result.end(), tokens.begin(), tokens.end());
    });
    return result;
  }

  std::vector<std::uint32_t> token_ends(std::string_view text) const override {
    std::vector<std::uint32_t> ends;
    std::uint32_t end = 0;
    for_each_piece(text, [&](const std::vector<std::uint32_t>& tokens) {
      for (const std::uint32_t token : tokens) {
        end += tokens_[token].size_bytes;
        ends.push_back(end);
      }
    });
    return ends;
  }

 private:
  /// Calls `take` with the tokens of each piece of `text`.
  template <class Take>
  void for_each_piece(std::string_view text, const Take& take) const {
    thread_local Scratch scratch;
    PieceReader pieces(text, classes_);
    for (std::string_view piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
      encode_piece(piece, scratch);
      take(scratch.tokens);
    }
  }

  void encode_piece(std::string_view piece, Scratch& scratch) const {
    std::vector<std::uint32_t>& tokens = scratch.tokens;
    std::vector<std::uint8_t>& is_dead_end = scratch.is_dead_end;
    tokens.clear();
    if (is_dead_end.size() <= piece.size()) {
      is_dead_end.resize(piece.size() + 1);
    }
    bool has_dead_ends = false;
    std::size_t place = 0;
    std::uint32_t token = longest_token(piece);
    while (true) {
      const std::size_t end = place + tokens_[token].size_bytes;
      if (is_dead_end[end] == 0 && (tokens.empty() || are_neighbours(tokens.back(), token))) {
        tokens.push_back(token);
        place = end;
        if (place == piece.size()) {
          break;
        }
        token = longest_token(piece.substr(place));
      } else if (tokens_[token].prefix != kNoToken) {
        token = tokens_[token].prefix;
      } else {  // No token goes here: the one before is wrong.
        is_dead_end[place] = 1;
        has_dead_ends = true;
        token = tokens.back();
        tokens.pop_back();
        place -= tokens_[token].size_bytes;
      }
    }
    if (has_dead_ends) {
      std::fill_n(is_dead_end.begin(), piece.size(), std::uint8_t{0});
    }
  }

  /// The longest token that `bytes`, at least one, begin with.
  std::uint32_t longest_token(std::string_view bytes) const {
    const auto label_at = [bytes](std::size_t i) {
      return static_cast<unsigned char>(bytes[i]) + 1U;
    };
    Cl100kNode node = nodes_[label_at(0)];
    std::uint32_t token = node.token;
    for (std::size_t i = 1; i < bytes.size(); ++i) {
      node = nodes_[node.base + label_at(i)];
      if (node.label != label_at(i)) {
        break;
      }
      token = node.token != kNoToken ? node.token : token;
    }
    return token;
  }

  /// True if merging the bytes of `left` and `right` gives these two tokens. Undoes the merges that
  /// make them from the last to the first (ranks rise along them): at each moment the parts at the
  /// border must not have a merge of their own that comes before the next merge of either.
  bool are_neighbours(std::uint32_t left, std::uint32_t right) const {
    std::uint32_t next_merge = kNoToken;
    while (find_merge(left, right) >= next_merge) {
      if (std::max(left, right) < kByteTokens) {
        return true;
      }
      if (left > right) {
        next_merge = left;
        left = tokens_[left].right;
      } else {
        next_merge = right + 1;  // Of equal ranks the leftmost comes first: the one at the border.
        right = tokens_[right].left;
      }
    }
    return false;
  }

  /// The token that `left` and `right` merge to, or kNoToken.
  std::uint32_t find_merge(std::uint32_t left, std::uint32_t right) const {
    const std::uint64_t key = merge_key(left, right);
    const std::size_t bit = slot_of(key, kMergeFilterBits);
    if (((merge_filter_[bit / 64] >> (bit % 64)) & 1U) == 0) {
      return kNoToken;
    }
    constexpr std::size_t kSlotMask = (std::size_t{1} << kMergeSlotBits) - 1;
    for (std::size_t slot = slot_of(key, kMergeSlotBits);; slot = (slot + 1) & kSlotMask) {
      const MergeEntry entry = merges_[slot];
      if (entry >> kTokenBits == key) {
        return static_cast<std::uint32_t>(entry & kNoToken);
      }
      if (entry == kNoMerge) {
        return kNoToken;
      }
    }
  }

  EmbeddedImage image_;
  const std::uint8_t* classes_ = unicode_classes();
  const Cl100kToken* tokens_;
  const Cl100kNode* nodes_;
  const MergeEntry* merges_;
  const std::uint64_t* merge_filter_;
};

const Cl100kTokenizer& shared_cl100k() {
  static const Cl100kTokenizer tokenizer;
  return tokenizer;
}

}  // namespace

const Tokenizer& cl100k_tokenizer() {
  return shared_cl100k();
}

std::string_view cl100k_vocabulary_fingerprint() {
  return shared_cl100k().fingerprint();
}

}  // namespace crudbench
