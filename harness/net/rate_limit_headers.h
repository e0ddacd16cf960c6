#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "harness/net/http_client.h"

namespace crudbench {

/// A time as the headers `x-ratelimit-reset-…` have it: "1s", "6m0s", "120ms", "1h2m3.5s", or
/// seconds without a unit. nullopt for anything else; never negative.
std::optional<std::chrono::milliseconds> parse_reset_time(std::string_view text);

/// How long the endpoint asks to be left alone, by an answer of any status: `retry-after-ms`,
/// `Retry-After`, and the reset of requests or tokens (`x-ratelimit-reset-requests`, …) of which
/// none remain (`x-ratelimit-remaining-requests: 0`); the longest of them. nullopt: it does not.
/// `now` is needed for a Retry-After that is a date.
std::optional<std::chrono::milliseconds> requested_wait(const HttpResponse& response,
                                                        std::chrono::system_clock::time_point now);

}  // namespace crudbench
