#include "reports/base64.h"

#include <cstdint>

namespace crudbench {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string output;
  output.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8U | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    output += kAlphabet[bits >> 18U];
    output += kAlphabet[bits >> 12U & 63U];
    output += i + 1 < bytes.size() ? kAlphabet[bits >> 6U & 63U] : '=';
    output += i + 2 < bytes.size() ? kAlphabet[bits & 63U] : '=';
  }
  return output;
}

}  // namespace crudbench
