#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/json.h"
#include "harness/generators/builtin_generators.h"
#include "harness/generators/endpoint_headers.h"
#include "harness/generators/endpoint_session.h"
#include "harness/generators/openai_reply.h"
#include "harness/text/json_characters.h"

namespace crudbench {

namespace {

struct OpenaiOptions {
  SessionOptions session;
  std::string model;
  OpenaiReplyFormat format;
  std::string path;  ///< Behind `base_url`, with the query.
  std::string
      api_key_header;  ///< "Authorization", where "Bearer " stands before the key, or another.
  bool is_streamed = false;
  Json sampling;       ///< temperature, max_tokens, top_p, seed and stop as they are sent.
  std::string system;  ///< Empty: no system message.
  Json extra_body;
  std::vector<HttpHeader> headers;  ///< All but the key.
};

/// Temperature, length, top_p, seed and stop, by the names that the server wants.
Json read_sampling(Options& options, SessionOptions& session) {
  constexpr std::array<std::string_view, 2> kLengthNames{"max_tokens", "max_completion_tokens"};
  Json sampling = Json::object();
  if (options.has("temperature") && options.raw("temperature").is_null()) {
    options.record("temperature", nullptr);  // Reasoning models refuse any.
  } else {
    sampling["temperature"] = options.number("temperature", 0.1, 0.0, 2.0);
  }
  session.max_answer_tokens = options.integer("max_tokens", 1280, 1, 10'000'000);
  sampling[options.one_of("max_tokens_field", kLengthNames, "max_tokens")] =
      session.max_answer_tokens;
  if (!options.raw("top_p").is_null()) {
    sampling["top_p"] = options.number("top_p", 1.0, 0.0, 1.0);
  }
  if (!options.raw("seed").is_null()) {
    const std::int64_t seed = options.integer("seed", 0, std::numeric_limits<std::int64_t>::min());
    sampling["seed"] = seed;
    session.endpoint.retry.seed = static_cast<std::uint64_t>(seed);
  }
  if (const std::vector<std::string> stop = options.texts("stop", {}); !stop.empty()) {
    sampling["stop"] = stop;
  }
  return sampling;
}

Json read_extra_body(Options& options) {
  Json extra_body = read_object(options, "extra_body");
  for (const char* key : {"model", "messages", "prompt", "temperature", "max_tokens",
                          "max_completion_tokens", "top_p", "seed", "stop", "stream", "n"}) {
    if (extra_body.contains(key)) {
      options.fail("extra_body", std::string("an object without \"") + key +
                                     "\", which is an option of its own or fixed");
    }
  }
  return extra_body;
}

/// Percent-encodes what may not stand in a query as it is.
std::string query_escaped(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string escaped;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(character) != std::string::npos) {
      escaped += character;
    } else {
      escaped += '%';
      escaped += kDigits[byte >> 4U];
      escaped += kDigits[byte & 0xFU];
    }
  }
  return escaped;
}

/// "/chat/completions", or what "path" says, with the parameters of "query".
std::string read_path(Options& options, bool is_chat) {
  std::string path = options.text("path", is_chat ? "/chat/completions" : "/completions");
  const bool is_plain = path.starts_with('/') && path.find_first_of("?# \r\n") == std::string::npos;
  if (!is_plain) {
    options.fail("path", "a path such as /chat/completions, without '?' and '#'");
  }
  const Json query = read_object(options, "query");
  char separator = '?';
  for (const auto& [name, value] : query.items()) {
    if (!value.is_string()) {
      options.fail("query", "an object of strings");
    }
    path += separator + query_escaped(name) + "=" + query_escaped(value.get<std::string>());
    separator = '&';
  }
  return path;
}

std::vector<HttpHeader> read_headers(Options& options) {
  std::vector<HttpHeader> headers = read_extra_headers(options);
  for (const auto& [option, header] :
       {std::pair{"organization", "OpenAI-Organization"}, std::pair{"project", "OpenAI-Project"}}) {
    const std::string value = options.text(option, "");
    if (!is_header_text(value)) {
      options.fail(option, "a text without line breaks");
    }
    if (!value.empty()) {
      headers.push_back({header, value});
    }
  }
  return headers;
}

OpenaiOptions parse_options(Options& options) {
  constexpr std::array<std::string_view, 2> kInterfaces{"chat", "completions"};
  constexpr std::array<std::string_view, 2> kReasoning{"separate", "keep"};
  OpenaiOptions parsed;
  parsed.session = read_session_options(options, 120.0);
  parsed.model = options.text("model");
  if (parsed.model.empty()) {
    options.fail("model", "the name of a model");
  }
  parsed.format.is_chat = options.one_of("api", kInterfaces, "chat") == "chat";
  parsed.format.splits_reasoning =
      options.one_of("reasoning", kReasoning, "separate") == "separate";
  parsed.path = read_path(options, parsed.format.is_chat);
  parsed.api_key_header = read_api_key_header(options);
  parsed.is_streamed = options.flag("stream", false);
  parsed.sampling = read_sampling(options, parsed.session);
  parsed.system = options.text("system", "");
  parsed.extra_body = read_extra_body(options);
  parsed.headers = read_headers(options);
  return parsed;
}

/// The most that an answer may weigh: far above what its tokens can come to, streamed or not.
std::size_t response_limit(std::int64_t max_tokens) {
  constexpr std::int64_t kLeast = std::int64_t{4} << 20U;
  constexpr std::int64_t kMost = std::int64_t{1} << 30U;
  constexpr std::int64_t kBytesPerToken = 1024;
  return static_cast<std::size_t>(std::clamp(max_tokens * kBytesPerToken, kLeast, kMost));
}

class OpenaiProtocol final : public EndpointProtocol {
 public:
  OpenaiProtocol(OpenaiOptions options, const std::string& api_key)
      : options_(std::move(options)), mask_(api_key) {
    request_ = options_.session.endpoint.post(options_.path);
    request_.headers = options_.headers;
    request_.headers.push_back({"Content-Type", "application/json"});
    request_.headers.push_back(
        {"Accept", options_.is_streamed ? "text/event-stream" : "application/json"});
    if (!api_key.empty()) {
      request_.headers.push_back(api_key_field(options_.api_key_header, api_key));
    }
    request_.max_response_bytes = response_limit(options_.session.max_answer_tokens);
    request_.records_arrivals = options_.is_streamed;
    write_body_around();
  }

  const SessionOptions& session() const noexcept { return options_.session; }
  /// Limits are set by endpoint and model.
  std::string name() const { return options_.session.endpoint.base_url + " " + options_.model; }

  HttpRequest request() const override { return request_; }

  std::string body(const Prompt& prompt) const override {
    std::string body;
    body.reserve(body_before_.size() + prompt.text.size() + prompt.text.size() / 16 +
                 body_after_.size());
    body += body_before_;
    append_json_characters(body, prompt.text);
    body += body_after_;
    return body;
  }

  EndpointReply read(const HttpResult& result) const override {
    return read_openai_reply(result, options_.format, mask_);
  }

 private:
  /// Only the prompt differs from one body to the next: the rest is written once.
  void write_body_around() {
    Json fixed = options_.extra_body;
    fixed.update(options_.sampling);
    fixed["model"] = options_.model;
    if (options_.is_streamed) {
      fixed["stream"] = true;
      fixed.emplace("stream_options", Json{{"include_usage", true}});
    }
    body_before_ = to_text(fixed);
    body_before_.pop_back();
    if (options_.format.is_chat) {
      body_before_ += R"(,"messages":[)";
      if (!options_.system.empty()) {
        body_before_ += to_text({{"role", "system"}, {"content", options_.system}}) + ",";
      }
      body_before_ += R"({"role":"user","content":")";
      body_after_ = R"("}]})";
    } else {
      body_before_ += R"(,"prompt":")";
      if (!options_.system.empty()) {
        append_json_characters(body_before_, options_.system + "\n\n");
      }
      body_after_ = R"("})";
    }
  }

  OpenaiOptions options_;
  KeyMask mask_;
  HttpRequest request_;
  std::string body_before_;  ///< The JSON up to the prompt's characters,
  std::string body_after_;   ///< and behind them.
};

/// Completions of a remote endpoint. Callable from several threads: each call of `generate` has its
/// own connections; what is learned about the endpoint's limits is shared.
class OpenaiGenerator final : public Generator {
 public:
  OpenaiGenerator(OpenaiOptions options, const std::string& api_key, RateControls* rates)
      : protocol_(std::move(options), api_key),
        rate_((rates != nullptr ? *rates : own_rates_)
                  .of(protocol_.name(), protocol_.session().limits)) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    run_endpoint_session(protocol_, protocol_.session(), rate_, source, sink, stop);
  }

 private:
  OpenaiProtocol protocol_;
  RateControls own_rates_;
  RateControl& rate_;
};

}  // namespace

void check_openai_generator(Options& options) {
  static_cast<void>(parse_options(options));
}

std::vector<std::string> neutral_openai_options() {
  std::vector<std::string> names = neutral_session_options();
  for (const char* name : {"api_key_header", "organization", "project"}) {
    names.emplace_back(name);
  }
  return names;
}

std::unique_ptr<Generator> make_openai_generator(Options& options, const GeneratorParts& parts) {
  OpenaiOptions parsed = parse_options(options);
  const std::string api_key = read_api_key(parsed.session.endpoint.api_key_env);
  return std::make_unique<OpenaiGenerator>(std::move(parsed), api_key, parts.rates);
}

}  // namespace crudbench
