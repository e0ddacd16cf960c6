#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "harness/text/image_format.h"

namespace crudbench {

/// A node of a trie in a double array (image_format.h). A free place has label 0.
struct TrieNode {
  std::uint32_t base = kLeafBase;
  std::uint16_t label = 0;
  std::uint32_t value = 0;  ///< 0 where no word ends.
};

/// One bit a place; reads 64 of them from any place on.
class BitRow {
 public:
  void set(std::size_t place) {
    grow(place);
    words_[place / 64] |= std::uint64_t{1} << (place % 64);
  }
  bool test(std::size_t place) const { return (window(place) & 1U) != 0; }
  std::uint64_t window(std::size_t place) const {
    const std::size_t index = place / 64;
    const unsigned shift = place % 64;
    const std::uint64_t low = at(index) >> shift;
    return shift == 0 ? low : low | (at(index + 1) << (64U - shift));
  }

 private:
  std::uint64_t at(std::size_t index) const { return index < words_.size() ? words_[index] : 0; }
  void grow(std::size_t place) {
    if (place / 64 >= words_.size()) {
      words_.resize(std::max(place / 64 + 1, words_.size() * 2), 0);
    }
  }
  std::vector<std::uint64_t> words_;
};

/// Finds a base for each set of labels so that no two sets share a base or a place: first fit, 64
/// bases at a time.
class BasePlacer {
 public:
  /// `reserved` places from 0 are taken; bases up to `kLeafBase` too.
  explicit BasePlacer(std::size_t reserved) : first_free_(reserved) {
    for (std::size_t place = 0; place < reserved; ++place) {
      places_.set(place);
    }
    for (std::uint32_t base = 0; base <= kLeafBase; ++base) {
      bases_.set(base);
    }
  }

  /// `labels` ascend. Sets must come by falling size: the search for a size never goes back below
  /// where the previous set of that size or a larger one found no room.
  std::uint32_t place(const std::vector<std::uint16_t>& labels) {
    while (places_.test(first_free_)) {
      ++first_free_;
    }
    if (labels.size() != size_) {
      size_ = labels.size();
      start_ = 0;
    }
    const std::size_t lowest =
        first_free_ > labels.front() ? first_free_ - labels.front() : std::size_t{0};
    std::size_t base = std::max(lowest, start_ > labels.front() ? start_ - labels.front() : 0);
    for (std::size_t tries = 0;; base += 64, ++tries) {
      std::uint64_t taken = bases_.window(base);
      for (std::size_t i = 0; i < labels.size() && ~taken != 0; ++i) {
        taken |= places_.window(base + labels[i]);
      }
      if (~taken != 0) {
        base += static_cast<std::size_t>(__builtin_ctzll(~taken));
        break;
      }
      if (tries == kMaximumTries) {  // Too crowded for sets of this size.
        start_ = base + labels.front();
      }
    }
    bases_.set(base);
    for (const std::uint16_t label : labels) {
      places_.set(base + label);
    }
    return static_cast<std::uint32_t>(base);
  }

 private:
  static constexpr std::size_t kMaximumTries = 64;

  BitRow places_;
  BitRow bases_;
  std::size_t first_free_;
  std::size_t size_ = 0;
  std::size_t start_ = 0;  ///< Place below which sets of `size_` are not tried any more.
};

class DoubleArrayBuilder {
 public:
  DoubleArrayBuilder(const std::vector<std::u16string>& words,
                     const std::vector<std::uint32_t>& values, std::uint32_t label_count)
      : words_(words), values_(values), label_count_(label_count) {
    collect(0, words.size(), 0);
    place();
  }

  std::vector<TrieNode> nodes() const {
    std::size_t size = 0;
    for (const Family& family : families_) {
      size = std::max<std::size_t>(size, family.base + label_count_);
    }
    std::vector<TrieNode> nodes(std::max<std::size_t>(size, kLeafBase + label_count_));
    for (std::uint32_t label = 1; label < label_count_; ++label) {
      nodes[label].label = static_cast<std::uint16_t>(label);
    }
    for (const Family& family : families_) {
      for (const Child& child : family.children) {
        const std::uint32_t base =
            child.family == kNoFamily ? kLeafBase : families_[child.family].base;
        nodes[family.base + child.label] = {base, child.label, child.value};
      }
    }
    return nodes;
  }

 private:
  static constexpr std::size_t kNoFamily = ~std::size_t{0};
  struct Child {
    std::uint16_t label;
    std::uint32_t value;
    std::size_t family;
  };
  /// The children of one node; the root's come first.
  struct Family {
    std::vector<Child> children;
    std::uint32_t base = 0;
  };

  /// The family below the prefix of `depth` ids that words [begin, end) share and exceed.
  std::size_t collect(std::size_t begin, std::size_t end, std::size_t depth) {
    const std::size_t family = families_.size();
    families_.emplace_back();
    while (begin < end) {
      const char16_t label = words_[begin][depth];
      std::size_t next = begin;
      while (next < end && words_[next][depth] == label) {
        ++next;
      }
      Child child{static_cast<std::uint16_t>(label), 0, kNoFamily};
      if (words_[begin].size() == depth + 1) {
        child.value = values_[begin];
        ++begin;
      }
      if (begin < next) {
        child.family = collect(begin, next, depth + 1);
      }
      families_[family].children.push_back(child);
      begin = next;
    }
    return family;
  }

  void place() {
    std::vector<std::size_t> order(families_.size() - 1);
    std::iota(order.begin(), order.end(), std::size_t{1});
    std::stable_sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
      return families_[a].children.size() > families_[b].children.size();
    });
    BasePlacer placer(label_count_);
    std::vector<std::uint16_t> labels;
    for (const std::size_t index : order) {
      labels.clear();
      for (const Child& child : families_[index].children) {
        labels.push_back(child.label);
      }
      families_[index].base = placer.place(labels);
    }
  }

  const std::vector<std::u16string>& words_;
  const std::vector<std::uint32_t>& values_;
  std::uint32_t label_count_;
  std::vector<Family> families_;
};

/// The trie of `words`, which are sorted, distinct and made of labels 1 … label_count - 1, with
/// their values, none 0.
inline std::vector<TrieNode> build_double_array(const std::vector<std::u16string>& words,
                                                const std::vector<std::uint32_t>& values,
                                                std::uint32_t label_count) {
  return DoubleArrayBuilder(words, values, label_count).nodes();
}

}  // namespace crudbench
