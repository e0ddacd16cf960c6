#include "harness/text/json_characters.h"

#include "harness/text/byte_vector.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

bool needs_escape(char character) noexcept {
  return static_cast<unsigned char>(character) < 0x20 || character == '"' || character == '\\';
}

bool any_needs_escape(ByteVector bytes) noexcept {
  return has_any((bytes < 0x20) | (bytes == '"') | (bytes == '\\'));
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
    while (text.size() - i > sizeof(ByteVector) && !any_needs_escape(load_bytes(text.data() + i))) {
      i += sizeof(ByteVector);
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
