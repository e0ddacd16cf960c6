#include "harness/generators/openai_reply.h"

#include <optional>
#include <string>
#include <utility>

#include "harness/generators/external_reply.h"
#include "harness/generators/reasoning.h"
#include "harness/net/reply_json.h"
#include "harness/net/server_sent_events.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

/// The parts of an answer, in one piece or collected from a stream.
struct Parts {
  std::string content;
  std::string reasoning;
  std::string refusal;
  std::string finish_reason;
  bool is_refused = false;
  Usage usage;
  StreamTiming timing;
};

bool is_text_or_absent(const Json& value) {
  return value.is_string() || value.is_null();
}

/// Adds a message or a delta; false if it has not the agreed form.
bool add_message(const Json& message, Parts& parts) {
  const Json& content = member_of(message, "content");
  if (!message.is_object() || !is_text_or_absent(content)) {
    return false;
  }
  if (content.is_string()) {
    parts.content += content.get_ref<const std::string&>();
  }
  for (const char* key : {"reasoning_content", "reasoning"}) {
    if (const Json& reasoning = member_of(message, key); reasoning.is_string()) {
      parts.reasoning += reasoning.get<std::string>();
      break;
    }
  }
  if (const Json& refusal = member_of(message, "refusal"); refusal.is_string()) {
    parts.refusal += refusal.get<std::string>();
    parts.is_refused = true;
  }
  return true;
}

/// Adds the first choice of an answer or of an event.
bool add_choice(const Json& choice, const char* message_key, const OpenaiReplyFormat& format,
                Parts& parts) {
  if (const std::string reason = text_or_empty(member_of(choice, "finish_reason"));
      !reason.empty()) {
    parts.finish_reason = reason;
  }
  if (format.is_chat) {
    return add_message(member_of(choice, message_key), parts);
  }
  const Json& text = member_of(choice, "text");
  if (!text.is_string()) {
    return false;
  }
  parts.content += text.get<std::string>();
  return true;
}

/// Notes when the pieces of a stream came.
class ArrivalClock {
 public:
  explicit ArrivalClock(const std::vector<BodyArrival>& arrivals) : arrivals_(arrivals) {}

  /// A piece of text stood in the event that ends at this byte.
  void note_piece(std::size_t end) {
    while (next_ < arrivals_.size() && arrivals_[next_].size_bytes < end) {
      ++next_;
    }
    if (next_ < arrivals_.size()) {
      last_ = arrivals_[next_].seconds;
      first_ = first_.value_or(last_);
      ++pieces_;
    }
  }

  StreamTiming timing() const {
    StreamTiming timing{.first_token_seconds = first_};
    if (pieces_ > 1) {
      timing.inter_token_seconds = (last_ - *first_) / static_cast<double>(pieces_ - 1);
    }
    return timing;
  }

 private:
  const std::vector<BodyArrival>& arrivals_;
  std::size_t next_ = 0;
  std::optional<double> first_;
  double last_ = 0.0;
  std::size_t pieces_ = 0;
};

class StreamReader {
 public:
  StreamReader(const HttpResponse& response, const OpenaiReplyFormat& format)
      : response_(response), format_(format), clock_(response.arrivals) {}

  /// The problem with the stream; nullptr for none.
  const char* read(Parts& parts) {
    for (const ServerSentEvent& event : parse_server_sent_events(response_.body)) {
      if (event.data == "[DONE]") {
        is_done_ = true;
        break;
      }
      const Json data = parse_reply(event.data);
      if (data.is_discarded()) {
        return "an event of the stream is not JSON";
      }
      if (data.is_object() && data.contains("error")) {
        return "the stream ends with an error";
      }
      if (const char* problem = add_event(data, event.end, parts)) {
        return problem;
      }
    }
    parts.timing = clock_.timing();
    return is_done_ || !parts.finish_reason.empty() ? nullptr : "the stream breaks off";
  }

 private:
  const char* add_event(const Json& data, std::size_t end, Parts& parts) {
    if (const Json& usage = member_of(data, "usage"); usage.is_object()) {
      parts.usage = read_usage(usage);
    }
    const Json& choices = member_of(data, "choices");
    if (!choices.is_array()) {
      return "an event of the stream has no \"choices\"";
    }
    if (choices.empty() || !parts.finish_reason.empty()) {
      return nullptr;  // Usage alone, or what comes after the end.
    }
    const std::size_t before = parts.content.size() + parts.reasoning.size();
    if (!add_choice(choices.front(), "delta", format_, parts)) {
      return "an event of the stream has no text where it belongs";
    }
    if (parts.content.size() + parts.reasoning.size() > before) {
      clock_.note_piece(end);
    }
    return nullptr;
  }

  const HttpResponse& response_;
  const OpenaiReplyFormat& format_;
  ArrivalClock clock_;
  bool is_done_ = false;
};

/// The problem with an answer in one piece; nullptr for none.
const char* read_whole(const Json& body, const OpenaiReplyFormat& format, Parts& parts) {
  const Json& choices = member_of(body, "choices");
  if (!choices.is_array() || choices.empty()) {
    return "the answer has no \"choices\"";
  }
  if (!add_choice(choices.front(), "message", format, parts)) {
    return format.is_chat ? "the answer has no text at /choices/0/message/content"
                          : "the answer has no text at /choices/0/text";
  }
  parts.usage = read_usage(member_of(body, "usage"));
  return nullptr;
}

bool looks_streamed(std::string_view body) noexcept {
  const std::size_t begin = body.find_first_not_of("\r\n\xEF\xBB\xBF");
  const std::string_view rest = begin == std::string_view::npos ? "" : body.substr(begin);
  return rest.starts_with("data:") || rest.starts_with("event:") || rest.starts_with("id:") ||
         rest.starts_with(":") || rest.starts_with("retry:");
}

EndpointReply finished(Parts parts, const OpenaiReplyFormat& format, const KeyMask& mask) {
  if (format.splits_reasoning) {
    SplitReply split = split_reasoning(std::move(parts.content));
    parts.content = std::move(split.answer);
    if (!split.reasoning.empty()) {
      parts.reasoning += (parts.reasoning.empty() ? "" : "\n") + split.reasoning;
    }
  }
  EndpointReply read{.reply = {.text = mask.mask(std::move(parts.content)),
                               .reasoning = mask.mask(std::move(parts.reasoning)),
                               .usage = parts.usage,
                               .timing = parts.timing,
                               .finish_reason = mask.quote(parts.finish_reason)}};
  Reply& reply = read.reply;
  if (reply.finish_reason == "content_filter" || parts.is_refused) {
    reply.failure = generation_failure(
        "refused", "the provider refused to answer: " + mask.quote(parts.refusal));
  } else if (strip(reply.text).empty()) {
    reply.failure = generation_failure(
        "empty", "the answer is blank (finish_reason \"" + reply.finish_reason + "\")" +
                     (reply.reasoning.empty() ? "" : " after reasoning"));
  }
  return read;
}

}  // namespace

EndpointReply read_openai_reply(const HttpResult& result, const OpenaiReplyFormat& format,
                                const KeyMask& mask) {
  if (result.failure) {
    return read_transport_failure(*result.failure, mask);
  }
  const HttpResponse& response = result.response;
  Parts parts;
  if (response.status == 200 && looks_streamed(response.body)) {
    if (const char* problem = StreamReader(response, format).read(parts)) {
      return malformed_answer(problem, response.body, mask);
    }
    return finished(std::move(parts), format, mask);
  }
  const Json body = parse_reply(response.body);
  if (response.status != 200) {
    return read_http_error(response, body, mask);
  }
  if (body.is_discarded()) {
    return malformed_answer("the answer is not JSON", response.body, mask);
  }
  if (const char* problem = read_whole(body, format, parts)) {
    return malformed_answer(problem, response.body, mask);
  }
  return finished(std::move(parts), format, mask);
}

}  // namespace crudbench
