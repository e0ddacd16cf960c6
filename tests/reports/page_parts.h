#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/core/json.h"
#include "harness/store/compression.h"

/// Taking a report page apart.
namespace crudbench::testing_support {

/// What stands between two marks of a text.
inline std::string between(std::string_view text, std::string_view open, std::string_view close) {
  const std::size_t begin = text.find(open) + open.size();
  return std::string(text.substr(begin, text.find(close, begin) - begin));
}

inline std::string decode_base64(std::string_view text) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (const char digit : text.substr(0, text.find('='))) {
    bits = bits << 6U | static_cast<std::uint32_t>(kAlphabet.find(digit));
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes += static_cast<char>(bits >> bit_count & 255U);
    }
  }
  return bytes;
}

/// One part of a `SampleFile`'s payload.
inline Json payload_part(const std::string& payload, std::size_t part) {
  return Json::parse(gunzip(decode_base64(Json::parse(payload).at(part).get<std::string>())));
}

/// What `report_overview` put into a page.
inline Json overview_of_page(const std::string& page) {
  return Json::parse(gunzip(
      decode_base64(between(page, "<script type=\"text/plain\" id=\"overview\">", "</script>"))));
}

}  // namespace crudbench::testing_support
