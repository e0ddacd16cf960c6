#include "harness/net/endpoint.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include "harness/core/error.h"
#include "harness/net/http_client.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

milliseconds read_seconds(Options& options, std::string_view key, double default_seconds,
                          double least) {
  constexpr double kDay = 86'400.0;
  return milliseconds(
      static_cast<milliseconds::rep>(options.number(key, default_seconds, least, kDay) * 1000.0));
}

void refuse_keys(const Options& options) {
  for (const std::string_view key : {"api_key", "apikey", "key"}) {
    if (options.has(key)) {
      throw Error(ErrorCode::kInvalidConfig,
                  options.file() + ": " + options.pointer_to(key) +
                      ": a key must not stand in a configuration; put it into an environment "
                      "variable and name that with \"api_key_env\"");
    }
  }
}

std::string read_base_url(Options& options) {
  std::string base_url = options.text("base_url");
  static_cast<void>(http_origin(base_url, options.file() + ": " + options.pointer_to("base_url")));
  if (base_url.find_first_of("?#") != std::string::npos) {
    throw Error(ErrorCode::kInvalidConfig, options.file() + ": " + options.pointer_to("base_url") +
                                               ": expected a URL without '?' and '#'");
  }
  while (base_url.ends_with('/')) {
    base_url.pop_back();
  }
  return base_url;
}

/// The name of the variable, or nothing. What is no name may be the key itself, put into the wrong
/// place, and is not quoted.
std::string read_key_variable(Options& options) {
  if (options.raw("api_key_env").is_null()) {
    return {};
  }
  std::string name = options.text("api_key_env");
  const bool is_name = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_';
  });
  if (!is_name) {
    throw Error(ErrorCode::kInvalidConfig,
                options.file() + ": " + options.pointer_to("api_key_env") +
                    ": expected the name of an environment variable (letters, digits and '_')");
  }
  return name;
}

/// A proxy with a password would be a secret in the configuration; the environment may hold one.
std::string read_proxy(Options& options) {
  std::string proxy = options.text("proxy", "");
  if (!proxy.empty()) {
    static_cast<void>(http_origin(proxy, options.file() + ": " + options.pointer_to("proxy")));
  }
  return proxy;
}

}  // namespace

EndpointOptions read_endpoint_options(Options& options, double default_timeout_seconds) {
  constexpr std::int64_t kMostConcurrent = 4096;
  refuse_keys(options);
  EndpointOptions endpoint;
  endpoint.base_url = read_base_url(options);
  endpoint.api_key_env = read_key_variable(options);
  endpoint.max_concurrency =
      static_cast<std::size_t>(options.integer("max_concurrency", 8, 1, kMostConcurrent));
  endpoint.timeout = read_seconds(options, "timeout_s", default_timeout_seconds, 0.01);
  endpoint.connect_timeout = read_seconds(options, "connect_timeout_s", 10.0, 0.01);
  endpoint.retry.max_attempts = static_cast<int>(options.integer("max_attempts", 4, 1, 100));
  endpoint.retry.initial_backoff = read_seconds(options, "backoff_s", 0.5, 0.0);
  endpoint.proxy = read_proxy(options);
  endpoint.ca_file = options.text("ca_file", "");
  endpoint.unix_socket = options.text("unix_socket", "");
  return endpoint;
}

HttpRequest EndpointOptions::post(std::string_view path) const {
  return {.method = "POST",
          .url = base_url + std::string(path),
          .connect_timeout = connect_timeout,
          .total_timeout = timeout,
          .proxy = proxy,
          .ca_file = ca_file,
          .unix_socket = unix_socket};
}

std::vector<std::string> neutral_endpoint_options() {
  return {"api_key_env", "max_concurrency", "timeout_s", "connect_timeout_s", "max_attempts",
          "backoff_s",   "proxy",           "ca_file",   "unix_socket"};
}

std::string read_api_key(const std::string& variable) {
  if (variable.empty()) {
    return {};
  }
  const char* value = std::getenv(variable.c_str());
  if (value == nullptr || *value == '\0') {
    throw Error(ErrorCode::kInvalidConfig, "the environment variable '" + variable +
                                               "', which \"api_key_env\" names, is not set");
  }
  if (!is_header_text(value)) {
    throw Error(ErrorCode::kInvalidConfig,
                "the environment variable '" + variable +
                    "', which \"api_key_env\" names, holds a line break; a key is one line");
  }
  return value;
}

}  // namespace crudbench
