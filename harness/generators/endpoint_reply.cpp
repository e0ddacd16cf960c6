#include "harness/generators/endpoint_reply.h"

#include <utility>

namespace crudbench {

namespace {

EndpointReply failed(Failure failure, bool is_retriable, RequestFate fate) {
  return {.reply = {.failure = std::move(failure)}, .is_retriable = is_retriable, .fate = fate};
}

bool is_too_long(int status, const std::string& code, const std::string& type,
                 const std::string& words) {
  return status == 413 || code == "context_length_exceeded" ||
         type == "exceed_context_size_error" ||
         words.find("maximum context length") != std::string::npos;
}

}  // namespace

Failure generation_failure(std::string failure_class, std::string message) {
  return {.stage = Stage::kGeneration,
          .failure_class = std::move(failure_class),
          .message = std::move(message)};
}

EndpointReply read_transport_failure(const HttpFailure& failure, const KeyMask& mask) {
  // An answer's length and a redirect's target are no accidents of the network.
  const bool is_final = failure.failure_class == "too_large" || failure.failure_class == "redirect";
  return failed(generation_failure(failure.failure_class, mask.quote(failure.message)), !is_final,
                is_final                             ? RequestFate::kAnswered
                : failure.failure_class == "timeout" ? RequestFate::kOverloaded
                                                     : RequestFate::kFailed);
}

EndpointReply read_http_error(const HttpResponse& response, const Json& body, const KeyMask& mask) {
  const int status = response.status;
  const Json& error = member_of(body, "error");
  std::string words = text_or_empty(error.is_string() ? error : member_of(error, "message"));
  if (words.empty()) {
    words = response.body;
  }
  const std::string message = "HTTP " + std::to_string(status) + ": " + mask.quote(words);
  if (status == 429) {
    return failed(generation_failure("rate_limited", message), true, RequestFate::kOverloaded);
  }
  if (status >= 500) {
    return failed(generation_failure("http_5xx", message), true,
                  status == 503 ? RequestFate::kOverloaded : RequestFate::kFailed);
  }
  if (status < 400) {
    return failed(generation_failure("malformed", message), true, RequestFate::kFailed);
  }
  const std::string code = text_or_empty(member_of(error, "code"));
  const std::string type = text_or_empty(member_of(error, "type"));
  if (is_too_long(status, code, type, words)) {
    return failed(generation_failure("too_long", message), false, RequestFate::kAnswered);
  }
  if (code == "content_filter" || code == "data_inspection_failed") {
    return failed(generation_failure("refused", message), false, RequestFate::kAnswered);
  }
  const bool passes = status == 408 || status == 409 || status == 425;
  return failed(generation_failure("http_4xx", message), passes,
                status == 408 ? RequestFate::kOverloaded : RequestFate::kAnswered);
}

EndpointReply malformed_answer(std::string_view problem, std::string_view body,
                               const KeyMask& mask) {
  return failed(generation_failure("malformed", std::string(problem) + ": " + mask.quote(body)),
                true, RequestFate::kFailed);
}

const Json& member_of(const Json& value, const char* key) {
  static const Json null;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return found == value.end() ? null : *found;
}

std::string text_or_empty(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace crudbench
