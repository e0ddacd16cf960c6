#include "harness/net/reply_json.h"

#include <cstdint>
#include <optional>
#include <simdjson.h>
#include <string>

namespace crudbench {

namespace {

using simdjson::dom::element_type;

/// An integer as nlohmann has it: unsigned unless it has a sign.
Json integer(std::int64_t value) {
  return value >= 0 ? Json(static_cast<std::uint64_t>(value)) : Json(value);
}

/// No deeper than simdjson's parser goes, 1024 levels.
Json converted(simdjson::dom::element element) {
  switch (element.type()) {
    case element_type::OBJECT: {
      Json object = Json::object();
      for (const auto& [key, value] : simdjson::dom::object(element)) {
        object[std::string(key)] = converted(value);  // The last one of a name counts.
      }
      return object;
    }
    case element_type::ARRAY: {
      const simdjson::dom::array values(element);
      Json array = Json::array();
      array.get_ref<Json::array_t&>().reserve(values.size());
      for (const simdjson::dom::element value : values) {
        array.push_back(converted(value));
      }
      return array;
    }
    case element_type::STRING:
      return std::string(std::string_view(element));
    case element_type::INT64:
      return integer(std::int64_t(element));
    case element_type::UINT64:
      return std::uint64_t(element);
    case element_type::DOUBLE:
      return double(element);
    case element_type::BOOL:
      return bool(element);
    default:
      return nullptr;
  }
}

/// Whether "-0" may stand for a number somewhere: where a value may begin.
bool may_hold_negative_zero(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  for (std::size_t at = text.find("-0"); at != std::string_view::npos;
       at = text.find("-0", at + 1)) {
    const std::size_t before = text.substr(0, at).find_last_not_of(kSpace);
    if (before == std::string_view::npos ||
        std::string_view(":[,").find(text[before]) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

Json parse_reply(std::string_view text) {
  // simdjson takes "-0" for 0, which nlohmann does not.
  if (!may_hold_negative_zero(text)) {
    // Its buffers are worth keeping, but not those that a huge answer took.
    constexpr std::size_t kUsualBytes = std::size_t{64} << 10U;
    thread_local simdjson::dom::parser kept;
    std::optional<simdjson::dom::parser> own;
    simdjson::dom::parser& parser = text.size() <= kUsualBytes ? kept : own.emplace();
    simdjson::dom::element root;
    if (parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS) {
      return converted(root);
    }
  }
  // What simdjson refuses may be too deep or too large a number for it alone.
  return Json::parse(text, nullptr, false);
}

}  // namespace crudbench
