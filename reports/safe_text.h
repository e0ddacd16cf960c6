#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "harness/core/json.h"

/// Everything that a model, a document or a config says is untrusted: these functions make it fit
/// to stand in an output, each for one kind of output.
namespace crudbench {

/// For a terminal: one line of well-formed UTF-8. Line breaks and tabs become spaces; the other
/// control characters and those that reorder text (bidirectional overrides and isolates) become
/// U+FFFD.
std::string printable_line(std::string_view text);

/// The same for text of several lines: line breaks stay.
std::string printable_text(std::string_view text);

/// Cuts a printable line to at most `columns` terminal columns, the last one "…" if anything was
/// cut off.
std::string clip_to_columns(std::string_view line, std::size_t columns);

/// For a cell of a Markdown table: printable, with Markdown's and HTML's special characters
/// escaped.
std::string markdown_cell(std::string_view text);

/// For running text of LaTeX: printable, with every character that TeX would act upon written so
/// that it stands for itself; what has no glyph is "?".
std::string latex_text(std::string_view text);

/// For text and attribute values of HTML: printable, with <, >, &, " and ' as character references.
std::string html_text(std::string_view text);

/// One field of a CSV line (RFC 4180), quoted if need be. Text that a spreadsheet would take for a
/// formula (a leading = + - @, tab or carriage return) gets a leading apostrophe, unless it is a
/// plain number.
std::string csv_field(std::string_view text);

/// Part of a file name: what looks like a name of ours (lower-case letters, digits, "_", at most
/// 64) as it is, any other text as ten digits of its hash.
std::string file_name_part(const std::string& text);

/// JSON that can stand inside an HTML `<script type="application/json">`: <, >, &, U+2028 and
/// U+2029 are written as \u escapes.
std::string json_for_html(const Json& value);

/// A scalar as people write it: strings without quotes, everything else as JSON.
std::string plain_text(const Json& value);

/// The shortest decimal that reads back as the same double; empty for nullopt.
std::string exact_number(const std::optional<double>& value);

/// With a fixed number of decimals, "–" for nullopt.
std::string fixed_number(const std::optional<double>& value, int decimals);

}  // namespace crudbench
