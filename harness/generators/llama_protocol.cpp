#include "harness/generators/llama_protocol.h"

#include <array>
#include <utility>

namespace crudbench {

namespace {

constexpr std::array<std::pair<ErrorCode, const char*>, 5> kCodes{
    {{ErrorCode::kInvalidConfig, "invalid_config"},
     {ErrorCode::kInvalidData, "invalid_data"},
     {ErrorCode::kIo, "io"},
     {ErrorCode::kUnavailable, "unavailable"},
     {ErrorCode::kBadReply, "bad_reply"}}};

LlamaReply reply_from(const Json& json) {
  LlamaReply reply{
      .ticket = json.at("ticket").get<std::size_t>(),
      .text = json.at("text").get<std::string>(),
      .finish_reason = json.at("finish_reason").get<std::string>(),
      .usage = {.prompt_tokens = json.at("prompt_tokens").get<std::int64_t>(),
                .cached_prompt_tokens = json.at("cached_prompt_tokens").get<std::int64_t>(),
                .completion_tokens = json.at("completion_tokens").get<std::int64_t>()},
      .seconds = json.at("seconds").get<double>(),
      .details = json.at("details")};
  if (const Json& failure = json.at("failure"); !failure.is_null()) {
    reply.failure = Failure{.stage = Stage::kGeneration,
                            .failure_class = failure.at("class").get<std::string>(),
                            .message = failure.at("message").get<std::string>()};
  }
  return reply;
}

Error error_from(const Json& json) {
  const auto name = json.at("code").get<std::string>();
  ErrorCode code = ErrorCode::kBadReply;
  for (const auto& [known, known_name] : kCodes) {
    code = name == known_name ? known : code;
  }
  return {code, json.at("message").get<std::string>()};
}

}  // namespace

std::string configure_line(const Json& options) {
  return to_text({{"protocol", kLlamaProtocol}, {"configure", options}});
}

std::string prompt_line(std::size_t ticket, std::string_view text) {
  return to_text({{"prompt", {{"ticket", ticket}, {"text", text}}}});
}

std::string ready_line(const Json& description) {
  return to_text({{"protocol", kLlamaProtocol}, {"ready", description}});
}

std::string reply_line(const LlamaReply& reply) {
  Json failure;
  if (reply.failure) {
    failure = {{"class", reply.failure->failure_class}, {"message", reply.failure->message}};
  }
  return to_text({{"reply",
                   {{"ticket", reply.ticket},
                    {"text", reply.text},
                    {"failure", std::move(failure)},
                    {"finish_reason", reply.finish_reason},
                    {"prompt_tokens", reply.usage.prompt_tokens},
                    {"cached_prompt_tokens", reply.usage.cached_prompt_tokens},
                    {"completion_tokens", reply.usage.completion_tokens},
                    {"seconds", reply.seconds},
                    {"details", reply.details}}}});
}

std::string busy_line(double share) {
  return to_text({{"busy", share}});
}

std::string error_line(const Error& error) {
  const char* name = "bad_reply";
  for (const auto& [code, known_name] : kCodes) {
    name = code == error.code() ? known_name : name;
  }
  return to_text({{"error", {{"code", name}, {"message", error.what()}}}});
}

LlamaMessage parse_llama_message(std::string_view line) {
  try {
    const Json json = Json::parse(line);
    LlamaMessage message;
    if (json.contains("ready")) {
      if (json.at("protocol") != kLlamaProtocol) {
        throw Error(ErrorCode::kBadReply, "the engine speaks another version of the protocol");
      }
      message.ready = json.at("ready");
    } else if (json.contains("reply")) {
      message.reply = reply_from(json.at("reply"));
    } else if (json.contains("error")) {
      message.error = error_from(json.at("error"));
    } else {
      message.busy_share = json.at("busy").get<double>();
    }
    return message;
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kBadReply, "the engine wrote a line that is not of the protocol");
  }
}

}  // namespace crudbench
