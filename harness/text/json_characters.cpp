#include "harness/text/json_characters.h"

#include <cstdint>
#include <cstring>

#include "harness/text/utf8.h"

namespace crudbench {

namespace {

bool needs_escape(char character) noexcept {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

/// Whether any of 8 bytes needs one ("Bit Twiddling Hacks", hasless and hasvalue).
bool any_needs_escape(const char* bytes) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kTops = 0x8080808080808080U;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const auto has_less = [](std::uint64_t value, std::uint64_t bound) {
    return (value - kOnes * bound) & ~value & kTops;
  };
  return (has_less(word, 0x20) | has_less(word ^ (kOnes * '"'), 1) |
          has_less(word ^ (kOnes * '\\'), 1)) != 0;
}

void append_escape(std::string& json, char character) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  json += '\\';
  switch (character) {
    case '"':
    case '\\':
      json += character;
      break;
    case '\n':
      json += 'n';
      break;
    case '\r':
      json += 'r';
      break;
    case '\t':
      json += 't';
      break;
    default: {
      const auto byte = static_cast<unsigned char>(character);
      json += "u00";
      json += kDigits[byte >> 4U];
      json += kDigits[byte & 0xFU];
    }
  }
}

}  // namespace

void append_json_characters(std::string& json, std::string_view text) {
  if (find_invalid_utf8(text)) {
    append_json_characters(json, replace_invalid_utf8(text));
    return;
  }
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (text.size() - i > sizeof(std::uint64_t) && !any_needs_escape(text.data() + i)) {
      i += sizeof(std::uint64_t);
    }
    if (needs_escape(text[i])) {
      json.append(text, begin, i - begin);
      append_escape(json, text[i]);
      begin = i + 1;
    }
  }
  json.append(text, begin);
}

}  // namespace crudbench
