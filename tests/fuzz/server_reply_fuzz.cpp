#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "harness/generators/openai_reply.h"
#include "harness/net/rate_limit_headers.h"
#include "harness/net/reply_json.h"
#include "harness/net/server_sent_events.h"
#include "harness/text/utf8.h"

namespace {

using namespace crudbench;  // A program, not a header.

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

/// The fast parser gives what the slow one gives.
void require_same_json(const std::string& body) {
  const Json expected = Json::parse(body, nullptr, false);
  const Json parsed = parse_reply(body);
  require(parsed.is_discarded() == expected.is_discarded());
  require(expected.is_discarded() || to_text(parsed) == to_text(expected));
}

}  // namespace

/// Any bytes are an answer of a server, in either interface, streamed or not: an answer, or a
/// failure with a class and a message that steers no terminal. The first byte chooses interface and
/// status.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string body(reinterpret_cast<const char*>(data) + 1, size - 1);
  require_same_json(body);
  std::size_t end = 0;
  for (const ServerSentEvent& event : parse_server_sent_events(body)) {
    require(event.end > end && event.end <= body.size());
    end = event.end;
  }
  if (const auto wait = parse_reset_time(body)) {
    require(wait->count() >= 0);
  }
  const bool is_ok = (data[0] & 1U) == 0;
  const HttpResult result{.response = {.status = is_ok ? 200 : 400 + data[0] % 200,
                                       .headers = {{"retry-after", body}},
                                       .body = body,
                                       .arrivals = {{body.size() / 2, 0.5}, {body.size(), 1.0}}}};
  static_cast<void>(requested_wait(result.response, {}));
  const EndpointReply read =
      read_openai_reply(result, {.is_chat = (data[0] & 2U) == 0}, KeyMask("sk-secret-key"));
  require(is_ok || read.reply.failure.has_value());
  require(read.reply.text.find("sk-secret-key") == std::string::npos);
  if (read.reply.failure) {
    const std::string& message = read.reply.failure->message;
    require(!read.reply.failure->failure_class.empty() && !message.empty());
    require(message.find_first_of(std::string_view("\n\r\x1B\0", 4)) == std::string::npos);
  } else {
    require(!strip(read.reply.text).empty());
  }
  return 0;
}
