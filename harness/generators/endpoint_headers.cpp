#include "harness/generators/endpoint_headers.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "harness/core/error.h"

namespace crudbench {

namespace {

/// Header fields that carry secrets, which never stand in a configuration.
bool is_secret_header(std::string name) {
  constexpr std::array<std::string_view, 5> kSecret = {"authorization", "proxy-authorization",
                                                       "api-key", "x-api-key", "cookie"};
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char character) {
    return static_cast<char>(std::tolower(character));
  });
  return std::find(kSecret.begin(), kSecret.end(), name) != kSecret.end();
}

}  // namespace

Json read_object(Options& options, std::string_view key) {
  Json value = options.raw(key);
  if (value.is_null()) {
    value = Json::object();
    options.record(key, value);
  }
  if (!value.is_object()) {
    options.fail(key, "an object");
  }
  return value;
}

std::vector<HttpHeader> read_extra_headers(Options& options) {
  std::vector<HttpHeader> headers;
  const Json extra = read_object(options, "extra_headers");
  for (const auto& [name, value] : extra.items()) {
    if (is_secret_header(name)) {
      throw Error(ErrorCode::kInvalidConfig,
                  options.file() + ": " + options.pointer_to("extra_headers") + "/" + name +
                      ": a secret must not stand in a configuration; see \"api_key_env\"");
    }
    if (name.empty() || !value.is_string() || !is_header_text(name) ||
        !is_header_text(value.get<std::string>())) {
      options.fail("extra_headers", "an object of strings without line breaks");
    }
    headers.push_back({name, value.get<std::string>()});
  }
  return headers;
}

std::string read_api_key_header(Options& options) {
  std::string name = options.text("api_key_header", "Authorization");
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (!is_name) {
    options.fail("api_key_header", "the name of a header, such as api-key");
  }
  return name;
}

HttpHeader api_key_field(const std::string& name, const std::string& api_key) {
  return {name, (name == "Authorization" ? "Bearer " : "") + api_key};
}

}  // namespace crudbench
