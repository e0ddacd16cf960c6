#include "harness/text/utf8.h"

#include <cstring>
#include <limits>
#include <string>
#include <unicode/uchar.h>

#include "harness/core/error.h"
#include "harness/text/byte_vector.h"

namespace crudbench {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_continuation(unsigned char byte) noexcept {
  return (byte & 0xC0U) == 0x80U;
}

/// Bytes of the well-formed sequence at `p`, 0 if it is ill-formed (Unicode 15, table 3-7).
/// `available >= 1`.
std::uint32_t sequence_length(const unsigned char* p, std::size_t available) noexcept {
  const unsigned char lead = p[0];
  if (lead < 0x80) {
    return 1;
  }
  if (lead < 0xC2) {
    return 0;
  }
  if (lead < 0xE0) {
    return available >= 2 && is_continuation(p[1]) ? 2 : 0;
  }
  if (lead < 0xF0) {
    if (available < 3 || !is_continuation(p[1]) || !is_continuation(p[2])) {
      return 0;
    }
    const bool overlong = lead == 0xE0 && p[1] < 0xA0;
    const bool surrogate = lead == 0xED && p[1] >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead < 0xF5) {
    if (available < 4 || !is_continuation(p[1]) || !is_continuation(p[2]) ||
        !is_continuation(p[3])) {
      return 0;
    }
    const bool overlong = lead == 0xF0 && p[1] < 0x90;
    const bool beyond_unicode = lead == 0xF4 && p[1] >= 0x90;
    return overlong || beyond_unicode ? 0 : 4;
  }
  return 0;
}

/// Skips ASCII, eight bytes at a time.
const unsigned char* skip_ascii(const unsigned char* p, const unsigned char* end) noexcept {
  while (end - p >= 8) {
    std::uint64_t block = 0;
    std::memcpy(&block, p, sizeof block);
    block &= 0x8080808080808080U;
    if (block != 0) {
      break;
    }
    p += 8;
  }
  while (p != end && *p < 0x80) {
    ++p;
  }
  return p;
}

/// Skips three-byte characters, 16 at a time, without those that E0 and ED lead, whose second byte
/// is restricted. `p` is where a character begins.
const unsigned char* skip_three_byte_characters(const unsigned char* p,
                                                const unsigned char* end) noexcept {
  // What the bits that tell a byte's kind have to be, in the three vectors of a block.
  constexpr std::size_t kSize = sizeof(ByteVector);
  constexpr unsigned char L = 0xF0;
  constexpr unsigned char C = 0xC0;
  constexpr ByteVector kLeadMasks[] = {{L, C, C, L, C, C, L, C, C, L, C, C, L, C, C, L},
                                       {C, C, L, C, C, L, C, C, L, C, C, L, C, C, L, C},
                                       {C, L, C, C, L, C, C, L, C, C, L, C, C, L, C, C}};
  while (static_cast<std::size_t>(end - p) >= 3 * kSize) {
    ByteVector wrong{};
    for (std::size_t i = 0; i < 3; ++i) {
      const ByteVector bytes = load_bytes(p + i * kSize);
      // E0 at leads, 80 elsewhere: the mask without its lowest bit.
      wrong |= (bytes & kLeadMasks[i]) ^ (kLeadMasks[i] & (kLeadMasks[i] << 1U));
      wrong |= reinterpret_cast<ByteVector>((bytes == 0xE0) | (bytes == 0xED));
    }
    if (has_any(wrong)) {
      break;
    }
    p += 3 * kSize;
  }
  return p;
}

/// The first byte in [p, end) that starts no well-formed sequence, or `end`.
const unsigned char* skip_well_formed(const unsigned char* p, const unsigned char* end) noexcept {
  while (p != end) {
    if (*p < 0x80) {
      p = skip_ascii(p, end);
      continue;
    }
    // Runs of three-byte characters, which Chinese text is made of. E0 and ED restrict their second
    // byte and are left to the general rule.
    p = skip_three_byte_characters(p, end);
    while (end - p >= 3 && p[0] >= 0xE1 && p[0] <= 0xEF && p[0] != 0xED &&
           ((p[1] ^ 0x80U) | (p[2] ^ 0x80U)) < 0x40U) {
      p += 3;
    }
    if (p == end) {
      break;
    }
    const std::uint32_t length = sequence_length(p, static_cast<std::size_t>(end - p));
    if (length == 0) {
      return p;
    }
    p += length;
  }
  return end;
}

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept {
  const unsigned char* begin = bytes_of(text);
  const unsigned char* end = begin + text.size();
  const unsigned char* stop = skip_well_formed(begin, end);
  if (stop == end) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(stop - begin);
}

CodePoint decode_at(std::string_view text, std::size_t offset) noexcept {
  const unsigned char* p = bytes_of(text) + offset;
  const std::uint32_t length = sequence_length(p, text.size() - offset);
  const auto bits = [p](int index) { return static_cast<char32_t>(p[index] & 0x3FU); };
  switch (length) {
    case 1:
      return {p[0], 1};
    case 2:
      return {(static_cast<char32_t>(p[0] & 0x1FU) << 6U) | bits(1), 2};
    case 3:
      return {(static_cast<char32_t>(p[0] & 0x0FU) << 12U) | (bits(1) << 6U) | bits(2), 3};
    case 4:
      return {(static_cast<char32_t>(p[0] & 0x07U) << 18U) | (bits(1) << 12U) | (bits(2) << 6U) |
                  bits(3),
              4};
    default:
      return {kReplacement, 1};
  }
}

void append_utf8(std::string& text, char32_t code_point) {
  if ((code_point >= 0xD800 && code_point <= 0xDFFF) || code_point > 0x10FFFF) {
    code_point = kReplacement;
  }
  const auto tail = [&](unsigned shift) {
    text.push_back(static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU)));
  };
  if (code_point < 0x80) {
    text.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    text.push_back(static_cast<char>(0xC0U | (code_point >> 6U)));
    tail(0);
  } else if (code_point < 0x10000) {
    text.push_back(static_cast<char>(0xE0U | (code_point >> 12U)));
    tail(6);
    tail(0);
  } else {
    text.push_back(static_cast<char>(0xF0U | (code_point >> 18U)));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::size_t count_code_points(std::string_view text) noexcept {
  const unsigned char* p = bytes_of(text);
  const unsigned char* end = p + text.size();
  std::size_t count = 0;
  while (p != end) {
    const unsigned char* stop = skip_well_formed(p, end);
    for (; p != stop; ++p) {
      count += is_continuation(*p) ? 0 : 1;
    }
    if (p != end) {  // An ill-formed byte counts as one.
      ++p;
      ++count;
    }
  }
  return count;
}

std::vector<std::uint32_t> code_point_offsets(std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorCode::kInvalidData, "a text must be smaller than 4 GiB, found " +
                                             std::to_string(text.size()) + " bytes");
  }
  std::vector<std::uint32_t> offsets;
  offsets.reserve(text.size() / 2 + 1);
  const unsigned char* bytes = bytes_of(text);
  for (std::size_t offset = 0; offset < text.size();) {
    offsets.push_back(static_cast<std::uint32_t>(offset));
    const std::uint32_t length = sequence_length(bytes + offset, text.size() - offset);
    offset += length == 0 ? 1 : length;
  }
  offsets.push_back(static_cast<std::uint32_t>(text.size()));
  return offsets;
}

bool is_python_space(char32_t code_point) noexcept {
  // CPython 3 `_PyUnicode_IsWhitespace`: bidirectional type WS, B or S, or category Zs.
  switch (code_point) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return (code_point >= 0x09 && code_point <= 0x0D) ||
             (code_point >= 0x1C && code_point <= 0x1F) ||
             (code_point >= 0x2000 && code_point <= 0x200A);
  }
}

std::string_view strip(std::string_view text) noexcept {
  while (!text.empty()) {
    const CodePoint first = decode_at(text, 0);
    if (!is_python_space(first.value)) {
      break;
    }
    text.remove_prefix(first.size_bytes);
  }
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 &&
           is_continuation(static_cast<unsigned char>(text[start]))) {
      --start;
    }
    const CodePoint last = decode_at(text, start);
    if (start + last.size_bytes != text.size() || !is_python_space(last.value)) {
      break;
    }
    text.remove_suffix(last.size_bytes);
  }
  return text;
}

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint code_point = decode_at(text, offset);
    offset += code_point.size_bytes;
    if (code_point.value >= 0x20 && code_point.value < 0x7F) {
      ++width;
      continue;
    }
    const auto character = static_cast<UChar32>(code_point.value);
    const std::uint32_t category = U_GET_GC_MASK(character);
    if ((category & (U_GC_MN_MASK | U_GC_ME_MASK | U_GC_CC_MASK | U_GC_CF_MASK)) != 0) {
      continue;
    }
    const int east_asian_width = u_getIntPropertyValue(character, UCHAR_EAST_ASIAN_WIDTH);
    const bool wide = east_asian_width == U_EA_WIDE || east_asian_width == U_EA_FULLWIDTH;
    width += wide ? 2 : 1;
  }
  return width;
}

std::string replace_invalid_utf8(std::string_view text) {
  const unsigned char* p = bytes_of(text);
  const unsigned char* end = p + text.size();
  std::string result;
  result.reserve(text.size());
  while (p != end) {
    const unsigned char* stop = skip_well_formed(p, end);
    result.append(reinterpret_cast<const char*>(p), static_cast<std::size_t>(stop - p));
    p = stop;
    if (p != end) {
      append_utf8(result, kReplacement);
      ++p;
    }
  }
  return result;
}

}  // namespace crudbench
