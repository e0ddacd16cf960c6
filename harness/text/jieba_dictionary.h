#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/text/embedded_images.h"
#include "harness/text/jieba_format.h"
#include "harness/text/user_dictionary.h"

namespace crudbench {

// The dictionaries of the jieba segmenters and the most probable path through them. Internal to
// harness/text. Sums are made of the same doubles in the same order as in jieba 0.42.1, so that
// ties and near-ties fall as they do in Python; the names of its functions stand at their
// counterparts.

/// What the image of jieba's tables holds (jieba_format.h). Immutable.
struct JiebaData {
  JiebaData();
  /// The shared instance.
  static const JiebaData& get();

  EmbeddedImage image;
  std::span<const JiebaNode> nodes;
  std::span<const std::uint64_t> frequencies;
  std::span<const double> weights;
  std::span<const std::uint16_t> han_ids;
  std::span<const std::uint16_t> ascii_ids;
  std::span<const HmmEmission> emissions;
  std::string_view other_words;
  std::uint64_t total;
  const double* start;
  const double (*transition)[kHmmStates];
};

/// A run of dictionary characters, and the workings of its cut.
struct JiebaBlock {
  std::size_t size = 0;  ///< Characters.
  /// The characters' ids with a 0 behind the last, and where each character and the block's end
  /// stand in bytes from the block's begin.
  std::vector<std::uint16_t> ids;
  std::vector<std::uint32_t> offsets;
  /// The best cut of the rest from each character on: its weight and where its first word ends.
  std::vector<double> weights;
  std::vector<std::uint32_t> word_ends;

  /// The first `capacity` characters are kept.
  void reserve(std::size_t capacity);
  std::size_t capacity() const { return ids.empty() ? 0 : ids.size() - 1; }
  std::span<const std::uint16_t> part(std::size_t begin, std::size_t end) const {
    return {ids.data() + begin, end - begin};
  }
};

/// Reads the longest run of dictionary characters at `p` (`re_han_default`), which may be empty,
/// and returns its end.
inline const char* read_block(const JiebaData& data, const char* p, const char* end,
                              JiebaBlock& block) {
  constexpr std::size_t kFirstCapacity = 1024;
  if (block.capacity() == 0) {
    block.reserve(kFirstCapacity);
  }
  const JiebaNode* nodes = data.nodes.data();
  const char* begin = p;
  std::size_t size = 0;
  std::uint32_t base = kLeafBase;
  while (p != end) {
    const auto lead = static_cast<unsigned char>(*p);
    std::uint16_t id = 0;
    std::ptrdiff_t length = 1;
    if (lead < 0x80) {
      id = data.ascii_ids[lead];
    } else if (lead >= 0xE4 && lead <= 0xE9 && end - p >= 3) {
      const unsigned second = static_cast<unsigned char>(p[1]) ^ 0x80U;
      const unsigned third = static_cast<unsigned char>(p[2]) ^ 0x80U;
      const std::uint32_t han = (((lead & 0x0FU) << 12U) | (second << 6U) | third) - kFirstHan;
      if ((second | third) < 0x40 && han < kHanCount) {
        id = data.han_ids[han];
        length = 3;
      }
    }
    if (id == 0) {
      break;
    }
    if (size == block.capacity()) {
      block.reserve(2 * size);
    }
    // The trie's second step, which find_route takes later, is a likely cache miss.
    __builtin_prefetch(nodes + base + id);
    base = nodes[id].base;
    block.ids[size] = id;
    block.offsets[size] = static_cast<std::uint32_t>(p - begin);
    ++size;
    p += length;
  }
  block.ids[size] = 0;
  block.offsets[size] = static_cast<std::uint32_t>(p - begin);
  block.size = size;
  return p;
}

/// jieba's own dictionary. Both dictionaries are walked character by character: `first`, then
/// `step`, which returns false where no word goes on (`frag in FREQ`).
class DefaultDictionary {
 public:
  using Walk = JiebaNode;

  Walk first(std::uint16_t id) const { return data_.nodes[id]; }
  bool step(Walk& walk, std::uint16_t id) const {
    walk = data_.nodes[walk.base + id];
    return walk.label == id;
  }
  /// Whether the characters so far have a frequency above 0.
  bool is_word(const Walk& walk) const { return walk.weight != 0; }
  /// Of a word: log(frequency) - log(total).
  double weight(const Walk& walk) const { return data_.weights[walk.weight]; }
  /// The same of frequency 1, for a character that is no word.
  double least_weight() const { return data_.weights[0]; }
  /// Whether the HMM's word of these characters is cut into them (`Force_Split_Words`).
  static constexpr bool is_split(std::span<const std::uint16_t>) { return false; }

 private:
  const JiebaData& data_ = JiebaData::get();
};

/// jieba's dictionary with words of the user's: a trie of these is walked beside the shared one,
/// and what it says of a word takes precedence. Immutable; callable from any thread.
class ExtendedDictionary {
 public:
  struct Walk {
    JiebaNode node;      ///< `kNowhere` where the default dictionary does not go on.
    std::uint32_t user;  ///< Likewise 0.
  };

  /// `load_userdict` into a new Tokenizer. Throws Error(kInvalidData) that names file and line if
  /// the frequencies sum up to more than 2^63 - 1.
  explicit ExtendedDictionary(const UserDictionary& words);

  Walk first(std::uint16_t id) const { return {data_.nodes[id], child(kRoot, id)}; }
  bool step(Walk& walk, std::uint16_t id) const {
    walk.node = data_.nodes[walk.node.base + id];
    const bool goes_on = walk.node.label == id;
    if (!goes_on) {
      walk.node = kNowhere;
    }
    walk.user = child(walk.user, id);
    return goes_on || walk.user != 0;
  }
  bool is_word(const Walk& walk) const {
    const UserNode& user = user_nodes_[walk.user];
    return user.is_set ? user.frequency != 0 : walk.node.weight != 0;
  }
  double weight(const Walk& walk) const {
    const UserNode& user = user_nodes_[walk.user];
    return (user.is_set ? user.log_frequency : log_frequencies_[walk.node.weight]) - log_total_;
  }
  double least_weight() const { return 0.0 - log_total_; }
  bool is_split(std::span<const std::uint16_t> ids) const;

  /// `FREQ.get(word)`: 0 for what words only begin with, nullopt for what none begins with. The
  /// word is not empty.
  std::optional<std::uint64_t> frequency(std::string_view word) const {
    return find_frequency(labels_of(word));
  }
  std::uint64_t total() const noexcept { return total_; }

 private:
  /// A character in the user's trie: the id of a dictionary character, else `kFirstOtherLabel` +
  /// code point. Words with others are never cut out, but take part in `suggest_freq`.
  using Label = std::uint32_t;
  static constexpr Label kFirstOtherLabel = 0x10000;
  static constexpr std::uint32_t kRoot = 1;
  static constexpr JiebaNode kNowhere{kLeafBase, kNoLabel, 0};

  struct UserNode {
    std::uint64_t frequency = 0;
    double log_frequency = 0.0;
    bool is_set = false;    ///< A word with this frequency, be it 0; else a prefix.
    bool is_split = false;  ///< Has been set to frequency 0.
  };

  static constexpr std::uint64_t edge(std::uint32_t parent, Label label) {
    return std::uint64_t{parent} << 32U | label;
  }
  std::uint32_t child(std::uint32_t parent, Label label) const {
    if (parent == 0) {
      return 0;
    }
    const auto found = children_.find(edge(parent, label));
    return found == children_.end() ? 0 : found->second;
  }

  std::vector<Label> labels_of(std::string_view text) const;
  template <class Labels>
  std::optional<std::uint64_t> find_frequency(const Labels& labels) const;
  std::uint64_t suggest_frequency(std::string_view word) const;
  /// `add_word`, but for the total.
  void set_frequency(std::string_view word, std::uint64_t frequency);

  const JiebaData& data_ = JiebaData::get();
  std::vector<double> log_frequencies_;  // [weight of a JiebaNode] log(max(frequency, 1))
  std::uint64_t total_ = data_.total;
  double log_total_ = 0.0;
  std::vector<UserNode> user_nodes_;  // 0 is nowhere, 1 the root.
  std::unordered_map<std::uint64_t, std::uint32_t> children_;
};

/// `get_DAG` and `calc` in one pass from the block's end: of two cuts of equal weight the one with
/// the longer first word wins, as in Python's `max` over (weight, end).
template <class Dictionary>
void find_route(const Dictionary& dictionary, JiebaBlock& block) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const std::uint16_t* ids = block.ids.data();
  double* best = block.weights.data();
  best[block.size] = 0.0;
  for (std::size_t begin = block.size; begin-- > 0;) {
    typename Dictionary::Walk walk = dictionary.first(ids[begin]);
    double weight = kNone;
    std::size_t word_end = begin + 1;
    std::size_t end = begin + 1;
    do {
      if (dictionary.is_word(walk)) {
        const double candidate = dictionary.weight(walk) + best[end];
        if (candidate >= weight) {
          weight = candidate;
          word_end = end;
        }
      }
      // The id behind the last character is 0, which labels no node.
    } while (dictionary.step(walk, ids[end++]));
    if (weight == kNone) {
      weight = dictionary.least_weight() + best[begin + 1];
    }
    best[begin] = weight;
    block.word_ends[begin] = static_cast<std::uint32_t>(word_end);
  }
}

}  // namespace crudbench
