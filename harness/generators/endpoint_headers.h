#pragma once

#include <string>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/options.h"
#include "harness/net/http_client.h"

namespace crudbench {

/// An object, or an empty one where the option is absent. Throws Error(kInvalidConfig).
Json read_object(Options& options, std::string_view key);

/// Reads "extra_headers". Throws Error(kInvalidConfig), also for headers that carry secrets, whose
/// values no message quotes.
std::vector<HttpHeader> read_extra_headers(Options& options);

/// Reads "api_key_header": the header that carries the key, "Authorization" by default.
std::string read_api_key_header(Options& options);

/// The header with the key: behind "Bearer " in "Authorization", bare in any other.
HttpHeader api_key_field(const std::string& name, const std::string& api_key);

}  // namespace crudbench
