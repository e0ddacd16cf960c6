// compile_cl100k CL100K_BASE.CJS OUT: turns the vocabulary of the npm package js-tiktoken into the
// image that cl100k_tokenizer.cpp reads (cl100k_format.h).

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/json.h"
#include "harness/text/cl100k_format.h"
#include "harness/text/tools/double_array.h"
#include "harness/text/tools/image_writer.h"

namespace crudbench {
namespace {

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kInvalidData, message);
}

/// The pattern that cl100k_tokenizer.cpp implements; another one would need other code.
constexpr std::string_view kPattern =
    "('s|'S|'t|'T|'re|'rE|'Re|'RE|'ve|'vE|'Ve|'VE|'m|'M|'ll|'lL|'Ll|'LL|'d|'D)|"
    "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|"
    "\\s+(?!\\S)|\\s+";

std::string decode_base64(std::string_view text) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) {
      fail("bpe_ranks: '" + std::string(text) + "' is not base64");
    }
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<char>((bits >> count) & 0xFFU));
    }
  }
  return bytes;
}

/// `bpe_ranks`: lines of "! first_rank token token …", tokens in base64 with consecutive ranks.
std::vector<std::string> read_tokens(std::string_view ranks) {
  std::vector<std::string> tokens(kCl100kTokens);
  std::size_t rank = 0;
  std::size_t field = 0;
  while (!ranks.empty()) {
    const std::size_t length = std::min(ranks.find_first_of(" \n"), ranks.size());
    const std::string_view word = ranks.substr(0, length);
    if (field == 1) {
      std::from_chars(word.data(), word.data() + word.size(), rank);
    } else if (field > 1) {
      if (rank >= tokens.size() || !tokens[rank].empty()) {
        fail("bpe_ranks: rank " + std::to_string(rank) + " is out of range or taken");
      }
      tokens[rank++] = decode_base64(word);
    }
    ++field;
    if (length < ranks.size() && ranks[length] == '\n') {
      field = 0;
    }
    ranks.remove_prefix(std::min(length + 1, ranks.size()));
  }
  for (std::size_t token = 0; token < tokens.size(); ++token) {
    if (tokens[token].empty()) {
      fail("bpe_ranks: no token has rank " + std::to_string(token));
    }
  }
  return tokens;
}

/// The vocabulary as merges see it.
class Vocabulary {
 public:
  explicit Vocabulary(const std::vector<std::string>& tokens) : tokens_(tokens) {
    for (std::uint32_t token = 0; token < tokens.size(); ++token) {
      ranks_.emplace(tokens[token], token);
    }
  }

  std::uint32_t find(std::string_view bytes) const {
    const auto found = ranks_.find(bytes);
    return found == ranks_.end() ? kNoToken : found->second;
  }

  /// How the bytes of `token` merge to it (tiktoken's `byte_pair_merge`: again and again the pair
  /// of the lowest rank, of equals the leftmost). cl100k_tokenizer.cpp relies on what is checked
  /// here.
  Cl100kToken describe(std::uint32_t token) const {
    const std::string_view bytes = tokens_[token];
    Cl100kToken result{token, token, kNoToken, static_cast<std::uint32_t>(bytes.size())};
    std::vector<std::size_t> starts(bytes.size());  // Of the parts.
    std::iota(starts.begin(), starts.end(), std::size_t{0});
    const auto part = [&](std::size_t first, std::size_t last) {
      const std::size_t end = last < starts.size() ? starts[last] : bytes.size();
      return find(bytes.substr(starts[first], end - starts[first]));
    };
    while (starts.size() > 1) {
      std::uint32_t lowest = kNoToken;
      std::size_t at = 0;
      for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
        if (const std::uint32_t rank = part(i, i + 2); rank < lowest) {
          lowest = rank;
          at = i;
        }
      }
      if (lowest == kNoToken) {
        fail("token " + std::to_string(token) + " cannot be made by merges");
      }
      result.left = part(at, at + 1);
      result.right = part(at + 1, at + 2);
      starts.erase(starts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    const bool is_byte = bytes.size() == 1;
    if (is_byte != (token < kByteTokens) ||
        (!is_byte && std::max(result.left, result.right) >= token)) {
      fail("token " + std::to_string(token) + " comes before what it is made of");
    }
    for (std::size_t size = bytes.size() - 1; size > 0 && result.prefix == kNoToken; --size) {
      result.prefix = find(bytes.substr(0, size));
    }
    return result;
  }

 private:
  const std::vector<std::string>& tokens_;
  std::unordered_map<std::string_view, std::uint32_t> ranks_;
};

std::vector<Cl100kNode> make_trie(const std::vector<std::string>& tokens) {
  std::vector<std::pair<std::u16string, std::uint32_t>> sorted;
  for (std::uint32_t token = 0; token < tokens.size(); ++token) {
    std::u16string labels;
    for (const char byte : tokens[token]) {
      labels.push_back(static_cast<char16_t>(static_cast<unsigned char>(byte) + 1));
    }
    sorted.emplace_back(std::move(labels), token + 1);  // 0 stands for none.
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::u16string> words;
  std::vector<std::uint32_t> values;
  for (auto& [word, value] : sorted) {
    words.push_back(std::move(word));
    values.push_back(value);
  }
  std::vector<Cl100kNode> nodes;
  for (const TrieNode& node : build_double_array(words, values, kByteLabels)) {
    nodes.push_back(
        {node.base, static_cast<unsigned>(node.label & 0x7FFFU), (node.value - 1) & kNoToken});
  }
  return nodes;
}

void compile(const std::filesystem::path& source, const std::filesystem::path& out) {
  const std::string content = read_file(source);
  const std::size_t begin = content.find('{');
  const std::size_t end = content.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) {
    fail(source.string() + ": expected 'module.exports = {…}', found no braces");
  }
  const Json file = parse_json(std::string_view(content).substr(begin, end + 1 - begin),
                               source.string(), ErrorCode::kInvalidData);
  if (file.at("pat_str").get<std::string>() != kPattern) {
    fail(source.string() + ": 'pat_str' is not the pattern that crudbench implements");
  }
  const std::vector<std::string> tokens =
      read_tokens(file.at("bpe_ranks").get_ref<const std::string&>());

  const Vocabulary vocabulary(tokens);
  Cl100kTables tables{};
  std::vector<MergeEntry> merges(std::size_t{1} << kMergeSlotBits, kNoMerge);
  std::vector<std::uint64_t> filter((std::size_t{1} << kMergeFilterBits) / 64, 0);
  std::vector<Cl100kToken> descriptions;
  for (std::uint32_t token = 0; token < kCl100kTokens; ++token) {
    const Cl100kToken& made = descriptions.emplace_back(vocabulary.describe(token));
    if (token >= kByteTokens) {
      const std::uint64_t key = merge_key(made.left, made.right);
      const std::size_t bit = slot_of(key, kMergeFilterBits);
      filter[bit / 64] |= std::uint64_t{1} << (bit % 64);
      std::size_t slot = slot_of(key, kMergeSlotBits);
      while (merges[slot] != kNoMerge) {
        slot = (slot + 1) % merges.size();
      }
      merges[slot] = (key << kTokenBits) | token;
    }
  }

  ImageWriter<Cl100kTables> writer;
  tables.tokens = writer.add(descriptions);
  tables.nodes = writer.add(make_trie(tokens));
  tables.merges = writer.add(merges);
  tables.merge_filter = writer.add(filter);
  writer.write(out, kCl100kMagic, tables);
}

}  // namespace
}  // namespace crudbench

int main(int argc, char** argv) {
  try {
    if (argc != 3) {
      std::fputs("usage: compile_cl100k CL100K_BASE.CJS OUT\n", stderr);
      return 2;
    }
    crudbench::compile(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compile_cl100k: %s\n", error.what());
    return 1;
  }
}
