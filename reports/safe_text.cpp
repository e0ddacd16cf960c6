#include "reports/safe_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <system_error>

#include "harness/core/fingerprint.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct LatexSpecial {
  char32_t code_point;
  std::string_view latex;
};

/// Brackets stand in groups: after a line break, "[" and "*" would be arguments of it.
constexpr std::array kLatexSpecials = {
    LatexSpecial{'\\', "\\textbackslash{}"},
    LatexSpecial{'{', "\\{"},
    LatexSpecial{'}', "\\}"},
    LatexSpecial{'$', "\\$"},
    LatexSpecial{'&', "\\&"},
    LatexSpecial{'#', "\\#"},
    LatexSpecial{'%', "\\%"},
    LatexSpecial{'_', "\\_"},
    LatexSpecial{'^', "\\textasciicircum{}"},
    LatexSpecial{'~', "\\textasciitilde{}"},
    LatexSpecial{'<', "\\textless{}"},
    LatexSpecial{'>', "\\textgreater{}"},
    LatexSpecial{'|', "\\textbar{}"},
    LatexSpecial{'[', "{[}"},
    LatexSpecial{']', "{]}"},
    LatexSpecial{'*', "{*}"},
    LatexSpecial{'"', "{''}"},
    LatexSpecial{U'·', "\\textperiodcentered{}"},
    LatexSpecial{U'–', "--"},
    LatexSpecial{kReplacement, "?"},
};

/// C0 and C1 controls, and the characters that reorder their neighbours on the screen.
bool steers_display(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || code_point == 0x61C ||
         code_point == 0x200E || code_point == 0x200F ||
         (code_point >= 0x202A && code_point <= 0x202E) ||
         (code_point >= 0x2066 && code_point <= 0x2069);
}

bool breaks_line(char32_t code_point) {
  return code_point == '\n' || code_point == 0x85 || code_point == 0x2028 || code_point == 0x2029;
}

std::string printable(std::string_view text, std::string_view line_break) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint code_point = decode_at(text, offset);
    if (breaks_line(code_point.value)) {
      result += line_break;
    } else if (code_point.value == '\t') {
      result += ' ';
    } else if (code_point.value == '\r') {
      const bool starts_line_break = offset + 1 < text.size() && text[offset + 1] == '\n';
      result += starts_line_break ? std::string_view() : line_break;
    } else {
      append_utf8(result, steers_display(code_point.value) ? kReplacement : code_point.value);
    }
    offset += code_point.size_bytes;
  }
  return result;
}

bool is_number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) {
      return false;
    }
  }
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace

std::string printable_line(std::string_view text) {
  return printable(text, " ");
}

std::string printable_text(std::string_view text) {
  return printable(text, "\n");
}

std::string clip_to_columns(std::string_view line, std::size_t columns) {
  std::size_t width = 0;
  std::size_t fitting_bytes = 0;  // The longest start that leaves a column for "…".
  for (std::size_t offset = 0; offset < line.size();) {
    const CodePoint code_point = decode_at(line, offset);
    width += display_width(line.substr(offset, code_point.size_bytes));
    if (width > columns) {
      return columns == 0 ? "" : std::string(line.substr(0, fitting_bytes)) + "…";
    }
    offset += code_point.size_bytes;
    if (width < columns) {
      fitting_bytes = offset;
    }
  }
  return std::string(line);
}

std::string markdown_cell(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]()<>#+!|~&$@:";
  std::string result;
  for (const char byte : printable_line(text)) {
    if (kSpecial.find(byte) != std::string_view::npos) {
      result += '\\';
    }
    result += byte;
  }
  return result;
}

std::string latex_text(std::string_view text) {
  std::string result;
  const std::string line = printable_line(text);
  for (std::size_t offset = 0; offset < line.size();) {
    const CodePoint code_point = decode_at(line, offset);
    const auto* const special = std::find_if(
        kLatexSpecials.begin(), kLatexSpecials.end(),
        [&](const LatexSpecial& candidate) { return candidate.code_point == code_point.value; });
    result += special != kLatexSpecials.end() ? special->latex
                                              : line.substr(offset, code_point.size_bytes);
    offset += code_point.size_bytes;
  }
  return result;
}

std::string html_text(std::string_view text) {
  std::string result;
  for (const char byte : printable_line(text)) {
    switch (byte) {
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '&':
        result += "&amp;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += byte;
    }
  }
  return result;
}

std::string csv_field(std::string_view text) {
  std::string field = replace_invalid_utf8(text);
  constexpr std::string_view kFormulaStarts = "=+-@\t\r";
  if (!field.empty() && kFormulaStarts.find(field.front()) != std::string_view::npos &&
      !is_number(field)) {
    field.insert(0, "'");
  }
  if (field.find_first_of(",\"\r\n\t;") == std::string::npos) {
    return field;
  }
  std::string quoted = "\"";
  for (const char byte : field) {
    if (byte == '"') {
      quoted += '"';
    }
    quoted += byte;
  }
  return quoted + '"';
}

std::string file_name_part(const std::string& text) {
  constexpr std::size_t kHashDigits = 10;
  constexpr std::size_t kMaxNameBytes = 64;
  const bool is_plain =
      !text.empty() && text.size() <= kMaxNameBytes &&
      std::all_of(text.begin(), text.end(), [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
      });
  return is_plain ? text : sha256_hex(text).substr(0, kHashDigits);
}

std::string json_for_html(const Json& value) {
  const std::string text = to_text(value);
  std::string result;
  result.reserve(text.size() + text.size() / 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
    if (text.compare(i, 2, "\xE2\x80") == 0 && i + 2 < text.size() &&
        (text[i + 2] == '\xA8' || text[i + 2] == '\xA9')) {
      result += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (text[i] == '<') {
      result += "\\u003c";
    } else if (text[i] == '>') {
      result += "\\u003e";
    } else if (text[i] == '&') {
      result += "\\u0026";
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string plain_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

std::string exact_number(const std::optional<double>& value) {
  if (!value) {
    return "";
  }
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, *value);
  return {buffer, end};
}

std::string fixed_number(const std::optional<double>& value, int decimals) {
  if (!value) {
    return "–";
  }
  char buffer[400];  // The longest double has 309 digits before the point.
  const int size = std::snprintf(buffer, sizeof buffer, "%.*f", decimals, *value);
  return {buffer, static_cast<std::size_t>(size)};
}

}  // namespace crudbench
