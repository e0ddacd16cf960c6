#include "retrievers/vocabulary.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "harness/core/error.h"

namespace crudbench {

namespace {

constexpr std::size_t kSmallestTable = 64;

}  // namespace

Vocabulary::Vocabulary(std::string_view bytes, std::span<const std::uint32_t> ends)
    : bytes_(bytes), ends_(ends.begin(), ends.end()) {
  rehash(std::bit_ceil(2 * ends_.size() + kSmallestTable));
}

std::string_view Vocabulary::word(WordIndex index) const {
  const std::uint32_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(bytes_).substr(begin, ends_[index] - begin);
}

std::size_t Vocabulary::slot_of(std::string_view word) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(word)&mask;
  while (slots_[slot] != 0 && this->word(slots_[slot] - 1) != word) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void Vocabulary::rehash(std::size_t slot_count) {
  slots_.assign(slot_count, 0);
  for (WordIndex index = 0; index < size(); ++index) {
    slots_[slot_of(word(index))] = index + 1;
  }
}

WordIndex Vocabulary::add(std::string_view word) {
  if (2 * (size() + 1) > slots_.size()) {
    rehash(slots_.empty() ? kSmallestTable : 2 * slots_.size());
  }
  std::uint32_t& slot = slots_[slot_of(word)];
  if (slot == 0) {
    if (word.size() > std::numeric_limits<std::uint32_t>::max() - bytes_.size()) {
      throw Error(ErrorCode::kInvalidData, "the words of the corpus take more than 4 GiB");
    }
    bytes_.append(word);
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    slot = static_cast<std::uint32_t>(ends_.size());
  }
  return slot - 1;
}

std::optional<WordIndex> Vocabulary::find(std::string_view word) const {
  if (slots_.empty()) {
    return std::nullopt;
  }
  const std::uint32_t found = slots_[slot_of(word)];
  return found == 0 ? std::nullopt : std::optional<WordIndex>(found - 1);
}

Vocabulary load_vocabulary(const ArrayFile& file) {
  const std::span<const char> bytes = file.array<char>("words");
  const std::span<const std::uint32_t> ends = file.array<std::uint32_t>("word_ends");
  if (!std::is_sorted(ends.begin(), ends.end()) ||
      (ends.empty() ? 0 : ends.back()) != bytes.size()) {
    file.fail("the words are not consecutive");
  }
  return {std::string_view(bytes.data(), bytes.size()), ends};
}

}  // namespace crudbench
