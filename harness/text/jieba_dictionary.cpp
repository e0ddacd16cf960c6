#include "harness/text/jieba_dictionary.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <string>

#include "harness/core/error.h"
#include "harness/text/utf8.h"

namespace crudbench {

JiebaData::JiebaData() : image(jieba_image()) {
  const auto& tables = image.tables<JiebaTables>();
  nodes = image.section<JiebaNode>(tables.nodes);
  frequencies = image.section<std::uint64_t>(tables.frequencies);
  weights = image.section<double>(tables.weights);
  han_ids = image.section<std::uint16_t>(tables.han_ids);
  ascii_ids = image.section<std::uint16_t>(tables.ascii_ids);
  emissions = image.section<HmmEmission>(tables.emissions);
  const std::span<const char> lines = image.section<char>(tables.other_words);
  other_words = {lines.data(), lines.size()};
  total = tables.total;
  start = tables.start;
  transition = tables.transition;
}

const JiebaData& JiebaData::get() {
  static const JiebaData data;
  return data;
}

void JiebaBlock::reserve(std::size_t capacity) {
  ids.resize(capacity + 1);
  offsets.resize(capacity + 1);
  weights.resize(capacity + 1);
  word_ends.resize(capacity + 1);
}

ExtendedDictionary::ExtendedDictionary(const UserDictionary& words)
    : log_total_(std::log(static_cast<double>(total_))), user_nodes_(kRoot + 1) {
  std::transform(data_.frequencies.begin(), data_.frequencies.end(),
                 std::back_inserter(log_frequencies_), [](std::uint64_t frequency) {
                   return std::log(static_cast<double>(std::max<std::uint64_t>(frequency, 1)));
                 });
  for (std::string_view rest = data_.other_words; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::size_t space = line.find(' ');
    std::uint64_t frequency = 0;
    std::from_chars(line.data() + space + 1, line.data() + line.size(), frequency);
    set_frequency(line.substr(0, space), frequency);
  }
  for (const UserWord& word : words.words) {
    const std::uint64_t frequency = word.frequency ? *word.frequency : suggest_frequency(word.text);
    constexpr std::uint64_t kLargestTotal = std::numeric_limits<std::int64_t>::max();
    if (frequency > kLargestTotal - total_) {
      throw Error(ErrorCode::kInvalidData, words.file + ":" + std::to_string(word.line) +
                                               ": the frequencies of all words sum up to " +
                                               std::to_string(kLargestTotal) +
                                               " at most, and are " + std::to_string(total_) +
                                               " + " + std::to_string(frequency) + " here");
    }
    set_frequency(word.text, frequency);
    total_ += frequency;
    log_total_ = std::log(static_cast<double>(total_));
  }
}

bool ExtendedDictionary::is_split(std::span<const std::uint16_t> ids) const {
  std::uint32_t node = kRoot;
  for (const std::uint16_t id : ids) {
    node = child(node, id);
  }
  return user_nodes_[node].is_split;
}

std::vector<ExtendedDictionary::Label> ExtendedDictionary::labels_of(std::string_view text) const {
  std::vector<Label> labels;
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint c = decode_at(text, offset);
    offset += c.size_bytes;
    const std::uint16_t id = c.value < data_.ascii_ids.size() ? data_.ascii_ids[c.value]
                             : c.value >= kFirstHan && c.value <= kLastHan
                                 ? data_.han_ids[c.value - kFirstHan]
                                 : std::uint16_t{0};
    labels.push_back(id != 0 ? id : kFirstOtherLabel + c.value);
  }
  return labels;
}

template <class Labels>
std::optional<std::uint64_t> ExtendedDictionary::find_frequency(const Labels& labels) const {
  JiebaNode node = kNowhere;
  std::uint32_t user = kRoot;
  bool is_first = true;
  for (const Label label : labels) {
    if (label >= kFirstOtherLabel) {
      node = kNowhere;
    } else if (is_first) {
      node = data_.nodes[label];  // There for every character, be it in no word.
      node = node.base == kLeafBase && node.weight == 0 ? kNowhere : node;
    } else {
      node = data_.nodes[node.base + label];
      node = node.label == label ? node : kNowhere;
    }
    user = child(user, label);
    is_first = false;
  }
  if (user_nodes_[user].is_set) {
    return user_nodes_[user].frequency;
  }
  const bool is_known = user != 0 || node.label != kNoLabel;
  return is_known ? std::optional(data_.frequencies[node.weight]) : std::nullopt;
}

/// `suggest_freq(word, tune=False)`: the least frequency with which the word should be as probable
/// as what it is cut into so far (`__cut_DAG_NO_HMM`).
std::uint64_t ExtendedDictionary::suggest_frequency(std::string_view word) const {
  const auto total = static_cast<double>(total_);
  double probability = 1.0;
  const auto take = [&](std::optional<std::uint64_t> frequency_of_part) {
    probability *= static_cast<double>(frequency_of_part.value_or(1)) / total;
  };
  JiebaBlock block;
  const char* end = word.data() + word.size();
  for (const char* p = word.data(); p != end;) {
    const char* begin = p;
    p = read_block(data_, p, end, block);
    if (block.size == 0) {
      const std::string_view rest(p, static_cast<std::size_t>(end - p));
      const std::size_t size = decode_at(rest, 0).size_bytes;
      take(frequency(rest.substr(0, size)));
      p += size;
      continue;
    }
    find_route(*this, block);
    std::size_t run = 0;  // Where the current run of single ASCII letters and digits begins.
    for (std::size_t i = 0; i < block.size;) {
      const std::size_t word_end = block.word_ends[i];
      const bool is_in_run =
          word_end == i + 1 &&
          is_ascii_letter_or_digit(static_cast<unsigned char>(begin[block.offsets[i]]));
      if (!is_in_run) {
        if (run != i) {
          take(find_frequency(block.part(run, i)));
        }
        take(find_frequency(block.part(i, word_end)));
        run = word_end;
      }
      i = word_end;
    }
    if (run != block.size) {
      take(find_frequency(block.part(run, block.size)));
    }
  }
  return std::max(static_cast<std::uint64_t>(probability * total) + 1, frequency(word).value_or(1));
}

void ExtendedDictionary::set_frequency(std::string_view word, std::uint64_t frequency) {
  std::uint32_t node = kRoot;
  for (const Label label : labels_of(word)) {
    const auto [found, is_new] =
        children_.try_emplace(edge(node, label), static_cast<std::uint32_t>(user_nodes_.size()));
    if (is_new) {
      user_nodes_.emplace_back();
    }
    node = found->second;
  }
  UserNode& user = user_nodes_[node];
  user.frequency = frequency;
  user.log_frequency = std::log(static_cast<double>(std::max<std::uint64_t>(frequency, 1)));
  user.is_set = true;
  user.is_split = user.is_split || frequency == 0;
}

}  // namespace crudbench
