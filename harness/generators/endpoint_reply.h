#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "harness/core/json.h"
#include "harness/generators/generator.h"
#include "harness/generators/key_mask.h"
#include "harness/net/http_client.h"
#include "harness/net/rate_control.h"

namespace crudbench {

/// What one answer of a server came to. The reply's text, reasoning, usage, timing, contexts and
/// failure are set; the rest is the session's.
struct EndpointReply {
  Reply reply;
  /// Another try may mend the failure.
  bool is_retriable = false;
  /// What it says about the endpoint.
  RequestFate fate = RequestFate::kAnswered;
};

/// A failure of the generation stage.
Failure generation_failure(std::string failure_class, std::string message);

/// Reads a request that failed on its way: connect, timeout, tls, malformed, too_large, redirect.
EndpointReply read_transport_failure(const HttpFailure& failure, const KeyMask& mask);

/// Reads an answer with a status other than 200: rate_limited, http_5xx, http_4xx, too_long,
/// refused, malformed; the message has the status and the server's words. `body` is the parsed
/// body, discarded where it is no JSON.
EndpointReply read_http_error(const HttpResponse& response, const Json& body, const KeyMask& mask);

/// An answer with status 200 that has not the agreed form.
EndpointReply malformed_answer(std::string_view problem, std::string_view body,
                               const KeyMask& mask);

/// The member of an untrusted value; null where there is none.
const Json& member_of(const Json& value, const char* key);

/// The text of an untrusted value; empty where it is none.
std::string text_or_empty(const Json& value);

}  // namespace crudbench
