#include "harness/generators/key_mask.h"

#include <utility>

#include "harness/core/json.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

constexpr std::string_view kMasked = "***";

/// Controls, line separators and the marks that reverse the direction of writing.
bool steers_terminal(char32_t value) noexcept {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) || (value >= 0x2028 && value <= 0x202E) ||
         (value >= 0x2066 && value <= 0x2069);
}

}  // namespace

KeyMask::KeyMask(std::string key) : key_(std::move(key)), escaped_key_(to_text(Json(key_))) {
  escaped_key_ = escaped_key_.substr(1, escaped_key_.size() - 2);
}

std::string KeyMask::quote(std::string_view words) const {
  constexpr std::size_t kLongest = 200;
  std::string shown;
  for (std::size_t length = 0; !words.empty(); ++length) {
    if (length >= kLongest) {
      return shown + "…";
    }
    if (const std::size_t key_size = size_of_leading_key(words); key_size > 0) {
      shown += kMasked;
      words.remove_prefix(key_size);
      continue;
    }
    const CodePoint next = decode_at(words, 0);
    append_utf8(shown, steers_terminal(next.value) ? U' ' : next.value);
    words.remove_prefix(next.size_bytes);
  }
  return shown;
}

std::string KeyMask::mask(std::string text) const {
  constexpr std::size_t kShortestSecret = 8;
  if (key_.size() < kShortestSecret) {
    return text;
  }
  for (std::size_t at = text.find(key_); at != std::string::npos;
       at = text.find(key_, at + kMasked.size())) {
    text.replace(at, key_.size(), kMasked);
  }
  return text;
}

std::size_t KeyMask::size_of_leading_key(std::string_view words) const noexcept {
  if (key_.empty()) {
    return 0;
  }
  return words.starts_with(key_)           ? key_.size()
         : words.starts_with(escaped_key_) ? escaped_key_.size()
                                           : 0;
}

}  // namespace crudbench
