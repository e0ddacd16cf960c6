#include "metrics/sequence_pair.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <iterator>

#include "harness/text/utf8.h"

namespace crudbench {

namespace {

constexpr std::uint32_t kForeign = SequencePair::kForeign;

/// Gives keys the ids 0, 1, … in the order in which they are first seen: a hash table with open
/// addressing that never grows.
template <class Key>
class IdTable {
 public:
  /// At most `max_keys` different keys will be inserted.
  explicit IdTable(std::size_t max_keys)
      : slots_(std::bit_ceil(2 * max_keys + 2)), shift_(64 - std::countr_zero(slots_.size())) {}

  std::uint32_t insert(const Key& key) {
    Slot& slot = slots_[position_of(key)];
    if (slot.id == kForeign) {
      slot = {key, size_++};
    }
    return slot.id;
  }

  /// kForeign for a key that was never inserted.
  std::uint32_t find(const Key& key) const { return slots_[position_of(key)].id; }

  std::uint32_t size() const noexcept { return size_; }

 private:
  struct Slot {
    Key key{};
    std::uint32_t id = kForeign;  ///< kForeign: the slot is free.
  };

  /// The slot that holds `key`, or the free one where it belongs.
  std::size_t position_of(const Key& key) const {
    // Fibonacci hashing: the upper bits of the product depend on all bits of the hash.
    const std::uint64_t mixed = std::hash<Key>{}(key)*std::uint64_t{0x9E3779B97F4A7C15U};
    std::size_t position = mixed >> shift_;
    while (slots_[position].id != kForeign && slots_[position].key != key) {
      position = (position + 1) & (slots_.size() - 1);
    }
    return position;
  }

  std::vector<Slot> slots_;
  int shift_;
  std::uint32_t size_ = 0;
};

template <class Symbol>
SequencePair pair_symbols(std::span<const Symbol> prediction, std::span<const Symbol> reference) {
  IdTable<Symbol> table(reference.size());
  SequencePair pair;
  pair.reference.reserve(reference.size());
  for (const Symbol& symbol : reference) {
    pair.reference.push_back(table.insert(symbol));
  }
  pair.vocabulary = table.size();
  pair.prediction.reserve(prediction.size());
  for (const Symbol& symbol : prediction) {
    pair.prediction.push_back(table.find(symbol));
  }
  return pair;
}

std::vector<char32_t> code_points_without_space(std::string_view text) {
  std::vector<char32_t> code_points;
  code_points.reserve(text.size() / 3);
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint code_point = decode_at(text, offset);
    offset += code_point.size_bytes;
    if (!is_python_space(code_point.value)) {
      code_points.push_back(code_point.value);
    }
  }
  return code_points;
}

/// The n-grams of one order on both sides, by start; kForeign where an n-gram cannot match.
struct Grams {
  std::vector<std::uint32_t> prediction;
  std::vector<std::uint32_t> reference;
  std::uint32_t vocabulary = 0;
};

/// Counts the clipped matches and marks the reference n-grams that the prediction lacks as foreign.
std::size_t count_matches(Grams& grams) {
  std::vector<std::uint32_t> remaining(grams.vocabulary, 0);
  for (const std::uint32_t gram : grams.reference) {
    if (gram != kForeign) {
      ++remaining[gram];
    }
  }
  std::vector<bool> shared(grams.vocabulary, false);
  std::size_t matches = 0;
  for (const std::uint32_t gram : grams.prediction) {
    if (gram == kForeign) {
      continue;
    }
    shared[gram] = true;
    if (remaining[gram] > 0) {
      --remaining[gram];
      ++matches;
    }
  }
  for (std::uint32_t& gram : grams.reference) {
    if (gram != kForeign && !shared[gram]) {
      gram = kForeign;
    }
  }
  return matches;
}

/// Turns n-grams into (n+1)-grams: the n-gram at a start and the symbol that follows it, `order`
/// places on. One that starts with an unshared n-gram is unshared itself.
void lengthen(Grams& grams, const SequencePair& pair, std::size_t order) {
  const auto key = [](std::uint32_t gram, std::uint32_t symbol) {
    return std::uint64_t{gram} << 32U | symbol;
  };
  IdTable<std::uint64_t> table(grams.reference.size());
  grams.reference.resize(count_ngrams(pair.reference.size(), order + 1));
  for (std::size_t i = 0; i < grams.reference.size(); ++i) {
    if (grams.reference[i] != kForeign) {
      grams.reference[i] = table.insert(key(grams.reference[i], pair.reference[i + order]));
    }
  }
  grams.vocabulary = table.size();
  grams.prediction.resize(count_ngrams(pair.prediction.size(), order + 1));
  for (std::size_t i = 0; i < grams.prediction.size(); ++i) {
    if (grams.prediction[i] != kForeign) {
      grams.prediction[i] = table.find(key(grams.prediction[i], pair.prediction[i + order]));
    }
  }
}

}  // namespace

SequencePair pair_words(std::span<const std::string_view> prediction,
                        std::span<const std::string_view> reference) {
  return pair_symbols(prediction, reference);
}

SequencePair pair_code_points(std::string_view prediction, std::string_view reference) {
  const std::vector<char32_t> prediction_points = code_points_without_space(prediction);
  const std::vector<char32_t> reference_points = code_points_without_space(reference);
  return pair_symbols<char32_t>(prediction_points, reference_points);
}

std::vector<std::size_t> match_ngrams(const SequencePair& pair, std::size_t max_order) {
  std::vector<std::size_t> matches(max_order, 0);
  Grams grams{pair.prediction, pair.reference, pair.vocabulary};
  for (std::size_t order = 1; order <= max_order; ++order) {
    matches[order - 1] = count_matches(grams);
    if (matches[order - 1] == 0) {
      break;  // Nor can anything longer match.
    }
    if (order < max_order) {
      lengthen(grams, pair, order);
    }
  }
  return matches;
}

std::size_t longest_common_subsequence(const SequencePair& pair) {
  constexpr std::size_t kStrip = 64;
  std::vector<std::uint32_t> prediction;
  prediction.reserve(pair.prediction.size());
  std::copy_if(pair.prediction.begin(), pair.prediction.end(), std::back_inserter(prediction),
               [](std::uint32_t symbol) { return symbol != kForeign; });
  // Instead of all rows of bits for each prediction symbol, each strip of 64 reference symbols runs
  // over the whole prediction and leaves the carry of every addition to the next strip; so the
  // positions of a symbol are needed for one strip at a time.
  std::vector<std::uint8_t> carries(prediction.size(), 0);
  std::vector<std::uint64_t> positions(pair.vocabulary, 0);
  std::size_t length = 0;
  for (std::size_t begin = 0; begin < pair.reference.size(); begin += kStrip) {
    const std::span strip =
        std::span(pair.reference).subspan(begin, std::min(kStrip, pair.reference.size() - begin));
    for (std::size_t i = 0; i < strip.size(); ++i) {
      positions[strip[i]] |= std::uint64_t{1} << i;
    }
    // A zero bit marks a reference symbol at which the length grows.
    std::uint64_t row = ~std::uint64_t{0};
    for (std::size_t i = 0; i < prediction.size(); ++i) {
      const std::uint64_t matching = row & positions[prediction[i]];
      const std::uint64_t partial = row + matching;
      const std::uint64_t sum = partial + carries[i];
      carries[i] = static_cast<std::uint8_t>((partial < row) | (sum < partial));
      row = sum | (row & ~matching);
    }
    length += static_cast<std::size_t>(std::popcount(~row));
    for (const std::uint32_t symbol : strip) {
      positions[symbol] = 0;
    }
  }
  return length;
}

}  // namespace crudbench
