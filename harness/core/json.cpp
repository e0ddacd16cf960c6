#include "harness/core/json.h"

#include <algorithm>
#include <array>

#include "harness/core/files.h"

namespace crudbench {

TextPosition position_of(std::string_view text, std::size_t byte_offset) {
  TextPosition position;
  const std::string_view before = text.substr(0, std::min(byte_offset, text.size()));
  for (const char character : before) {
    if (character == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((static_cast<unsigned char>(character) & 0xC0U) != 0x80U) {
      ++position.column;
    }
  }
  return position;
}

namespace {

/// nlohmann's message without its "[json.exception…] parse error at line …" head.
std::string parse_problem(const nlohmann::json::parse_error& error) {
  std::string problem = error.what();
  if (const auto colon = problem.find(": "); colon != std::string::npos) {
    problem.erase(0, colon + 2);
  }
  return problem;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& file, ErrorCode code) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  try {
    return Json::parse(text, nullptr, true, true);
  } catch (const nlohmann::json::parse_error& error) {
    const std::size_t offset = error.byte == 0 ? 0 : error.byte - 1;
    const TextPosition position = position_of(text, offset);
    throw Error(code, file + ":" + std::to_string(position.line) + ":" +
                          std::to_string(position.column) +
                          ": not valid JSON: " + parse_problem(error));
  }
}

Json read_json_file(const std::filesystem::path& path, ErrorCode code) {
  return parse_json(read_file(path), path.string(), code);
}

std::string to_text(const Json& value) {
  if (value.is_structured() && value.empty()) {  // Without the writer, which is dear to set up.
    return value.is_object() ? "{}" : "[]";
  }
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view type_name(const Json& value) noexcept {
  if (value.is_number_integer()) {
    return "an integer";
  }
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "a list";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "true or false";
    default:
      return "a number";
  }
}

}  // namespace crudbench
