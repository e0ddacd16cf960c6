#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "harness/core/options.h"
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
};

/// Reads "base_url", "api_key_env", "max_concurrency", "timeout_s", "connect_timeout_s",
/// "max_attempts" and "backoff_s". Throws Error(kInvalidConfig), also for a key in the
/// configuration itself, which no message quotes.
EndpointOptions read_endpoint_options(Options& options, double default_timeout_seconds);

/// The key that `variable` holds; empty for no variable. Throws Error(kInvalidConfig) if it is not
/// set or holds more than a line.
std::string read_api_key(const std::string& variable);

}  // namespace crudbench
