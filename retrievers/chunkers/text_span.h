#pragma once

#include <cstdint>
#include <string_view>

#include "harness/core/types.h"
#include "harness/text/utf8.h"

namespace crudbench {

inline std::string_view text_of(std::string_view text, ByteSpan span) {
  return text.substr(span.begin, span.end - span.begin);
}

/// `span` without the white space at its ends (Python's `str.strip`); empty if nothing is left.
inline ByteSpan stripped(std::string_view text, ByteSpan span) {
  const std::string_view inside = strip(text_of(text, span));
  if (inside.empty()) {
    return {span.begin, span.begin};
  }
  const auto begin = static_cast<std::uint32_t>(inside.data() - text.data());
  return {begin, begin + static_cast<std::uint32_t>(inside.size())};
}

}  // namespace crudbench
