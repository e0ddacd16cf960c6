#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/options.h"
#include "harness/net/http_client.h"
#include "harness/net/retry.h"

namespace crudbench {

/// Where an endpoint is and how patiently it is asked: what every member that has one takes.
struct EndpointOptions {
  std::string base_url;     ///< Without '/' at its end.
  std::string api_key_env;  ///< The variable that holds the key; empty: no key is sent.
  std::size_t max_concurrency = 8;
  std::chrono::milliseconds timeout{};
  std::chrono::milliseconds connect_timeout{};
  RetryPolicy retry;
  std::string proxy;        ///< As in HttpRequest; empty: what the environment says.
  std::string ca_file;      ///< As in HttpRequest; empty: the system's certificates.
  std::string unix_socket;  ///< As in HttpRequest; empty: the URL's host.

  /// A POST request to `base_url` + `path` with the time-outs and the route of this endpoint.
  HttpRequest post(std::string_view path) const;
};

/// The options that cannot change an answer, for the `neutral_options` of a member.
std::vector<std::string> neutral_endpoint_options();

/// Reads "base_url", "api_key_env", "max_concurrency", "timeout_s", "connect_timeout_s",
/// "max_attempts", "backoff_s", "proxy", "ca_file" and "unix_socket". Throws Error(kInvalidConfig),
/// also for a key in the configuration itself, which no message quotes.
EndpointOptions read_endpoint_options(Options& options, double default_timeout_seconds);

/// The key that `variable` holds; empty for no variable. Throws Error(kInvalidConfig) if it is not
/// set or holds more than a line.
std::string read_api_key(const std::string& variable);

}  // namespace crudbench
