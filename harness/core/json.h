#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "harness/core/error.h"

namespace crudbench {

/// Objects keep their keys sorted, so `dump()` is canonical and fit for fingerprints.
using Json = nlohmann::json;

/// Line and column of a byte of a text, both from 1; columns count code points.
struct TextPosition {
  std::size_t line = 1;
  std::size_t column = 1;
};
TextPosition position_of(std::string_view text, std::size_t byte_offset);

/// Parses JSON with `//` and `/* */` comments. Throws Error(code) "FILE:LINE:COLUMN: …" on
/// malformed text; a leading byte order mark is allowed.
Json parse_json(std::string_view text, const std::string& file, ErrorCode code);

/// Reads and parses a whole file; for files that are known to be small (configs, manifests).
/// Throws Error(kIo) if it cannot be read, Error(code) if it is malformed.
Json read_json_file(const std::filesystem::path& path, ErrorCode code);

/// `value.dump()`, with invalid UTF-8 replaced instead of thrown about.
std::string to_text(const Json& value);

/// "string", "number", "object" …, for error messages.
std::string_view type_name(const Json& value) noexcept;

}  // namespace crudbench
