// compile_jieba JIEBA_DIR OUT: turns jieba's dictionary and HMM into the image that
// jieba_segmenter.cpp reads (jieba_format.h).

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/text/jieba_format.h"
#include "harness/text/tools/double_array.h"
#include "harness/text/tools/image_writer.h"

namespace crudbench {
namespace {

constexpr std::size_t kAsciiCharacters = 26 + 26 + 10 + sizeof kJiebaPunctuation - 1;
constexpr std::uint32_t kIdCount = 1 + kHanCount + kAsciiCharacters;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidData, message);
}

bool is_dictionary_character(char32_t c) {
  return (c >= kFirstHan && c <= kLastHan) || is_ascii_letter_or_digit(c) ||
         (c < 0x80 && c != 0 &&
          std::string_view(kJiebaPunctuation).find(static_cast<char>(c)) != std::string_view::npos);
}

/// The code points of well-formed UTF-8 of at most three bytes each; for others, which the
/// dictionary's words that can be found never hold, 0.
std::u32string decode(std::string_view text) {
  std::u32string result;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) {
      return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U;
    };
    if (byte(0) < 0x80) {
      result.push_back(byte(0));
      i += 1;
    } else if (byte(0) >= 0xE0 && byte(0) < 0xF0) {
      result.push_back(((byte(0) & 0x0FU) << 12U) | ((byte(1) & 0x3FU) << 6U) | (byte(2) & 0x3FU));
      i += 3;
    } else {
      result.push_back(0);
      i += byte(0) < 0xE0 ? 2 : 4;
    }
  }
  return result;
}

struct Word {
  std::u32string text;
  std::uint64_t frequency = 0;
};

struct Dictionary {
  std::vector<Word> words;  ///< Those that can occur in a text handed to the dictionary.
  std::string other_words;  ///< The other lines, "word frequency\n" each.
  std::uint64_t total = 0;  ///< Sum of the frequencies of all lines.
};

/// `Tokenizer.gen_pfdict`: "word frequency [tag]" a line; a later line replaces an earlier one.
Dictionary read_dictionary(const std::filesystem::path& path) {
  const std::string content = read_file(path);
  Dictionary dictionary;
  std::unordered_map<std::string_view, std::size_t> positions;
  std::string_view rest = content;
  for (std::size_t line_number = 1; !rest.empty(); ++line_number) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t space = line.find(' ');
    std::uint64_t frequency = 0;
    if (space == std::string_view::npos ||
        std::from_chars(line.data() + space + 1, line.data() + line.size(), frequency).ec !=
            std::errc() ||
        frequency == 0) {
      fail(path.string() + ":" + std::to_string(line_number) +
           ": expected a word and its frequency, at least 1, found '" + std::string(line) + "'");
    }
    dictionary.total += frequency;
    const std::string_view text = line.substr(0, space);
    std::u32string decoded = decode(text);
    if (!std::all_of(decoded.begin(), decoded.end(), is_dictionary_character)) {
      dictionary.other_words.append(text).append(" " + std::to_string(frequency) + "\n");
      continue;
    }
    const auto [found, is_new] = positions.emplace(text, dictionary.words.size());
    if (is_new) {
      dictionary.words.push_back({std::move(decoded), frequency});
    } else {
      dictionary.words[found->second].frequency = frequency;
    }
  }
  return dictionary;
}

/// Ids of the dictionary's characters by falling frequency in words, so that the tables' hot parts
/// lie together.
std::map<char32_t, std::uint16_t> number_characters(const Dictionary& dictionary) {
  std::map<char32_t, std::uint64_t> uses;
  for (char32_t c = 0; c <= kLastHan; ++c) {
    if (is_dictionary_character(c)) {
      uses[c] = 0;
    }
  }
  for (const Word& word : dictionary.words) {
    for (const char32_t c : word.text) {
      uses[c] += word.frequency + 1;
    }
  }
  std::vector<std::pair<char32_t, std::uint64_t>> order(uses.begin(), uses.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::map<char32_t, std::uint16_t> ids;
  for (const auto& [c, count] : order) {
    ids.emplace(c, static_cast<std::uint16_t>(ids.size() + 1));
  }
  return ids;
}

/// Reads `P={…}` of finalseg/prob_*.py: dictionaries nested in dictionaries, string keys, numbers.
class PythonTable {
 public:
  explicit PythonTable(const std::filesystem::path& path)
      : name_(path.string()), content_(read_file(path)) {
    position_ = content_.find("P={");
    if (position_ == std::string::npos) {
      fail(name_ + ": expected 'P={', found none");
    }
    position_ += 2;
    read_level({});
  }

  /// The number under `outer` and `inner`; for a flat dictionary `inner` is empty.
  double value(const std::u32string& outer, const std::u32string& inner,
               double default_value) const {
    const auto found = values_.find({outer, inner});
    return found == values_.end() ? default_value : found->second;
  }

 private:
  void read_level(const std::u32string& outer) {
    take('{');
    while (peek() != '}') {
      const std::u32string key = read_key();
      take(':');
      if (peek() == '{') {
        read_level(key);
      } else {
        double number = 0.0;
        const char* begin = content_.data() + position_;
        const auto [end, error] = std::from_chars(begin, content_.data() + content_.size(), number);
        if (error != std::errc()) {
          fail_here("a number");
        }
        position_ += static_cast<std::size_t>(end - begin);
        values_[outer.empty() ? std::pair(key, outer) : std::pair(outer, key)] = number;
      }
      if (peek() == ',') {
        take(',');
      }
    }
    take('}');
  }

  std::u32string read_key() {
    take('\'');
    std::u32string key;
    while (content_.at(position_) != '\'') {
      char32_t c = static_cast<unsigned char>(content_[position_++]);
      if (c == '\\') {
        const char* begin = content_.data() + position_ + 1;
        std::uint32_t code = 0;
        if (content_.at(position_) != 'u' ||
            std::from_chars(begin, begin + 4, code, 16).ptr != begin + 4) {
          fail_here("\\uXXXX");
        }
        position_ += 5;
        c = code;
      }
      key.push_back(c);
    }
    ++position_;
    return key;
  }

  char peek() {
    while (position_ < content_.size() &&
           std::string_view(" \t\r\n").find(content_[position_]) != std::string_view::npos) {
      ++position_;
    }
    return position_ < content_.size() ? content_[position_] : '\0';
  }
  void take(char expected) {
    if (peek() != expected) {
      fail_here(std::string(1, expected));
    }
    ++position_;
  }
  [[noreturn]] void fail_here(const std::string& expected) const {
    fail(name_ + ": expected " + expected + " at byte " + std::to_string(position_));
  }

  std::string name_;
  std::string content_;
  std::size_t position_ = 0;
  std::map<std::pair<std::u32string, std::u32string>, double> values_;
};

void compile(const std::filesystem::path& folder, const std::filesystem::path& out) {
  const Dictionary dictionary = read_dictionary(folder / "dict.txt");
  const std::map<char32_t, std::uint16_t> ids = number_characters(dictionary);

  // Weights: few distinct frequencies, so nodes carry an index. Index 0 is that of frequency 0.
  std::map<std::uint64_t, std::uint16_t> weight_of{{0, 0}};
  for (const Word& word : dictionary.words) {
    weight_of.emplace(word.frequency, 0);
  }
  if (weight_of.size() > 0xFFFF) {
    fail((folder / "dict.txt").string() + ": more than 65,535 distinct frequencies");
  }
  std::vector<std::uint64_t> frequencies;
  std::vector<double> weights;
  const double log_total = std::log(static_cast<double>(dictionary.total));
  for (auto& [frequency, index] : weight_of) {
    index = static_cast<std::uint16_t>(weights.size());
    frequencies.push_back(frequency);
    weights.push_back(std::log(static_cast<double>(std::max<std::uint64_t>(frequency, 1))) -
                      log_total);
  }

  std::vector<std::pair<std::u16string, std::uint16_t>> sorted;
  for (const Word& word : dictionary.words) {
    std::u16string key;
    for (const char32_t c : word.text) {
      key.push_back(static_cast<char16_t>(ids.at(c)));
    }
    sorted.emplace_back(std::move(key), weight_of.at(word.frequency));
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::u16string> words;
  std::vector<std::uint32_t> word_weights;
  for (auto& [word, weight] : sorted) {
    words.push_back(std::move(word));
    word_weights.push_back(weight);
  }
  std::vector<JiebaNode> nodes;
  for (const TrieNode& node : build_double_array(words, word_weights, kIdCount)) {
    nodes.push_back(node.label == 0
                        ? JiebaNode{kLeafBase, kNoLabel, 0}
                        : JiebaNode{node.base, node.label, static_cast<std::uint16_t>(node.value)});
  }

  std::vector<std::uint16_t> han_ids(kHanCount);
  std::vector<std::uint16_t> ascii_ids(128);
  for (const auto& [c, id] : ids) {
    (c < 0x80 ? ascii_ids[c] : han_ids[c - kFirstHan]) = id;
  }

  const PythonTable start(folder / "finalseg" / "prob_start.py");
  const PythonTable transition(folder / "finalseg" / "prob_trans.py");
  const PythonTable emission(folder / "finalseg" / "prob_emit.py");
  const std::array<std::u32string, kHmmStates> letters = {U"B", U"E", U"M", U"S"};
  JiebaTables tables{};
  std::vector<HmmEmission> emissions(kIdCount);
  for (std::size_t from = 0; from < kHmmStates; ++from) {
    tables.start[from] = start.value(letters[from], U"", kHmmMinimum);
    for (std::size_t to = 0; to < kHmmStates; ++to) {
      tables.transition[from][to] = transition.value(letters[from], letters[to], kHmmMinimum);
    }
    emissions[0].log_probability[from] = kHmmMinimum;
    for (const auto& [c, id] : ids) {
      emissions[id].log_probability[from] =
          emission.value(letters[from], std::u32string(1, c), kHmmMinimum);
    }
  }

  ImageWriter<JiebaTables> writer;
  tables.nodes = writer.add(nodes);
  tables.frequencies = writer.add(frequencies);
  tables.weights = writer.add(weights);
  tables.han_ids = writer.add(han_ids);
  tables.ascii_ids = writer.add(ascii_ids);
  tables.emissions = writer.add(emissions);
  tables.other_words = writer.add(dictionary.other_words);
  tables.total = dictionary.total;
  writer.write(out, kJiebaMagic, tables);
}

}  // namespace
}  // namespace crudbench

int main(int argc, char** argv) {
  try {
    if (argc != 3) {
      std::fputs("usage: compile_jieba JIEBA_DIR OUT\n", stderr);
      return 2;
    }
    crudbench::compile(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compile_jieba: %s\n", error.what());
    return 1;
  }
}
