#include "harness/text/user_dictionary.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/text/utf8.h"

namespace crudbench {
namespace {

constexpr std::string_view kByteOrderMark = "\uFEFF";

/// Python's `bytes.strip()`.
std::string_view strip_ascii(std::string_view line) {
  constexpr std::string_view kSpace = " \t\n\r\v\f";
  const std::size_t begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return line.substr(begin, line.find_last_not_of(kSpace) + 1 - begin);
}

/// Takes " WORD" off the end of `line`, where WORD is not empty, all its bytes lie in [first, last]
/// and something is left before it, and returns WORD; an empty view if there is none.
std::string_view take_last(std::string_view& line, char first, char last) {
  std::size_t begin = line.size();
  while (begin > 0 && line[begin - 1] >= first && line[begin - 1] <= last) {
    --begin;
  }
  if (begin == line.size() || begin < 2 || line[begin - 1] != ' ') {
    return {};
  }
  const std::string_view taken = line.substr(begin);
  line.remove_suffix(taken.size() + 1);
  return taken;
}

}  // namespace

UserDictionary parse_user_dictionary(std::string_view content, std::string file) {
  UserDictionary dictionary{.file = std::move(file), .sha256 = sha256_hex(content)};
  for (std::size_t line_number = 1; !content.empty(); ++line_number) {
    std::string_view line = content.substr(0, content.find('\n'));
    content.remove_prefix(std::min(content.size(), line.size() + 1));
    const auto fail = [&](const std::string& problem) {
      throw Error(ErrorCode::kInvalidData,
                  dictionary.file + ":" + std::to_string(line_number) + ": " + problem);
    };
    line = strip_ascii(line);
    if (find_invalid_utf8(line)) {
      fail("a user dictionary is UTF-8, and this line is not");
    }
    while (line.starts_with(kByteOrderMark)) {
      line.remove_prefix(kByteOrderMark.size());
    }
    if (line.empty()) {
      continue;
    }
    // `re_userdict`: ^(.+?)( [0-9]+)?( [a-z]+)?$
    take_last(line, 'a', 'z');
    const std::string_view digits = take_last(line, '0', '9');
    UserWord word{.text = std::string(line), .line = line_number};
    if (!digits.empty()) {
      std::int64_t frequency = 0;
      if (std::from_chars(digits.data(), digits.data() + digits.size(), frequency).ec !=
          std::errc()) {
        fail("a frequency is at most " + std::to_string(std::numeric_limits<std::int64_t>::max()) +
             ", found " + std::string(digits));
      }
      word.frequency = static_cast<std::uint64_t>(frequency);
    }
    dictionary.words.push_back(std::move(word));
  }
  return dictionary;
}

UserDictionary read_user_dictionary(const std::filesystem::path& path) {
  return parse_user_dictionary(read_file(path), path.string());
}

}  // namespace crudbench
