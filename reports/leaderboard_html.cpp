#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "harness/core/fingerprint.h"
#include "reports/renderers.h"
#include "reports/safe_text.h"

namespace crudbench {

// The files of reports/html, compiled in by crudbench_embed_text.
std::string_view leaderboard_page_html();
std::string_view leaderboard_page_css();
std::string_view leaderboard_page_js();

namespace {

/// RFC 4648 Base64 of bytes given in hexadecimal.
std::string base64_of_hex(std::string_view hex) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto digit = [](char byte) {
    return static_cast<std::uint32_t>(byte <= '9' ? byte - '0' : byte - 'a' + 10);
  };
  // Three hexadecimal digits are twelve bits: two Base64 digits.
  std::string output;
  for (std::size_t i = 0; i < hex.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = i; j < i + 3; ++j) {
      bits = bits << 4U | (j < hex.size() ? digit(hex[j]) : 0U);
    }
    output += kAlphabet[bits >> 6U];
    if (i + 1 < hex.size()) {
      output += kAlphabet[bits & 63U];
    }
  }
  output.append((4 - output.size() % 4) % 4, '=');
  return output;
}

/// A source of a content security policy: the text with this hash and no other.
std::string policy_hash(std::string_view text) {
  return "'sha256-" + base64_of_hex(sha256_hex(text)) + "'";
}

struct Placeholder {
  std::string_view name;
  std::string_view value;
};

/// Replaces each "{{name}}" of the template, in one pass, so that what is put in is never read as a
/// placeholder.
std::string fill_template(std::string_view text, const std::array<Placeholder, 4>& placeholders) {
  std::string output;
  while (!text.empty()) {
    const std::size_t open = text.find("{{");
    output += text.substr(0, open);
    if (open == std::string_view::npos) {
      break;
    }
    const std::size_t close = text.find("}}", open);
    const std::string_view name = text.substr(open + 2, close - open - 2);
    const auto* const found =
        std::find_if(placeholders.begin(), placeholders.end(),
                     [&](const Placeholder& placeholder) { return placeholder.name == name; });
    if (close == std::string_view::npos || found == placeholders.end()) {
      throw std::logic_error("reports/html/leaderboard.html has an unknown placeholder");
    }
    output += found->value;
    text.remove_prefix(close + 2);
  }
  return output;
}

}  // namespace

std::string leaderboard_html(const Leaderboard& leaderboard) {
  const std::string policy =
      "default-src 'none'; style-src " + policy_hash(leaderboard_page_css()) + "; script-src " +
      policy_hash(leaderboard_page_js()) + "; base-uri 'none'; form-action 'none'";
  const std::string data = json_for_html(leaderboard_json(leaderboard));
  return fill_template(leaderboard_page_html(), {{{"policy", policy},
                                                  {"style", leaderboard_page_css()},
                                                  {"script", leaderboard_page_js()},
                                                  {"data", data}}});
}

}  // namespace crudbench
