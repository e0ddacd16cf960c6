#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/error.h"
#include "harness/text/segmenter.h"
#include "harness/text/tokenizer.h"
#include "harness/text/user_dictionary.h"
#include "harness/text/utf8.h"

namespace {

using namespace crudbench;  // A program, not a header.

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

std::vector<std::string_view> cut(const Segmenter& segmenter, std::string_view text) {
  std::vector<std::string_view> words;
  segmenter.segment(text, words);
  return words;
}

/// Words are not empty and, concatenated, are `text`.
void require_all(std::string_view text, const std::vector<std::string_view>& words) {
  const char* end = text.data();
  for (const std::string_view word : words) {
    require(!word.empty() && word.data() == end);
    end += word.size();
  }
  require(end == text.data() + text.size());
}

/// Words are not empty and lie in `text`.
void require_inside(std::string_view text, const std::vector<std::string_view>& words) {
  for (const std::string_view word : words) {
    require(!word.empty() && word.data() >= text.data());
    require(word.data() + word.size() <= text.data() + text.size());
  }
}

/// Words are not empty, lie in `text` and begin in rising order.
void require_order(std::string_view text, const std::vector<std::string_view>& words) {
  const char* begin = text.data();
  for (const std::string_view word : words) {
    require(!word.empty() && word.data() >= begin);
    require(word.data() + word.size() <= text.data() + text.size());
    begin = word.data() + 1;
  }
}

/// Any bytes are a user dictionary or an error of the data; with one, jieba's words still are the
/// text.
void try_user_dictionary(std::string_view content, std::string_view text) {
  std::unique_ptr<const Segmenter> all;
  std::unique_ptr<const Segmenter> search;
  try {
    const UserDictionary words = parse_user_dictionary(content, "fuzz");
    for (const UserWord& word : words.words) {
      require(!word.text.empty() && !find_invalid_utf8(word.text));
    }
    all = make_jieba_segmenter(words);
    search = make_jieba_segmenter(words, {.for_search = true, .content_only = true});
  } catch (const Error& error) {
    require(error.code() == ErrorCode::kInvalidData);
    return;
  }
  require_all(text, cut(*all, text));
  require_inside(text, cut(*search, text));
}

}  // namespace

/// Whatever the bytes: jieba's words concatenated are the text, the other segmenters' words lie in
/// it, a tokenizer counts as many tokens as it makes, and mended text is well-formed. What stands
/// before the first NUL is a user dictionary too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  require_all(text, cut(jieba_segmenter(), text));
  require_order(text, cut(jieba_segmenter({.content_only = true}), text));
  require_inside(text, cut(jieba_segmenter({.for_search = true}), text));
  require_order(text, cut(unigram_segmenter(), text));
  require_order(text, cut(bigram_segmenter(), text));
  require_order(text, cut(icu_segmenter(), text));
  try_user_dictionary(text.substr(0, text.find('\0')), text);
  require(cl100k_tokenizer().count(text) == cl100k_tokenizer().encode(text).size());

  const std::string mended = replace_invalid_utf8(text);
  require(!find_invalid_utf8(mended));
  require(count_code_points(mended) == count_code_points(text));
  require(code_point_offsets(text).size() == count_code_points(text) + 1);
  require(display_width(strip(mended)) <= 2 * count_code_points(mended));
  return 0;
}
