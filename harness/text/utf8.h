#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// Byte offset of the first byte that is not part of well-formed UTF-8 (Unicode 15, table 3-7: no
/// overlong forms, no surrogates, nothing above U+10FFFF); nullopt if all of it is.
std::optional<std::size_t> find_invalid_utf8(std::string_view text) noexcept;

/// A decoded code point and the bytes it took.
struct CodePoint {
  char32_t value = 0;
  std::uint32_t size_bytes = 0;
};

/// Decodes at `offset < text.size()`. An ill-formed byte yields U+FFFD and one byte, so a loop over
/// any bytes ends and covers them all.
CodePoint decode_at(std::string_view text, std::size_t offset) noexcept;

void append_utf8(std::string& text, char32_t code_point);

/// Number of code points; ill-formed bytes count one each. This is Python's `len(str)`.
std::size_t count_code_points(std::string_view text) noexcept;

/// Byte offset of every code point, then `text.size()`.
std::vector<std::uint32_t> code_point_offsets(std::string_view text);

/// True for the characters Python's `str.isspace` / `\s` accept.
bool is_python_space(char32_t code_point) noexcept;

/// Python's `str.strip()`.
std::string_view strip(std::string_view text) noexcept;

/// Terminal columns a text takes: 2 for East Asian wide and full-width characters and emoji, 0 for
/// combining and control characters, else 1.
std::size_t display_width(std::string_view text) noexcept;

/// `text` with ill-formed bytes replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

}  // namespace crudbench
