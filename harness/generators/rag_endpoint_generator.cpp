#include <array>
#include <utility>

#include "harness/core/error.h"
#include "harness/generators/builtin_generators.h"
#include "harness/generators/endpoint_headers.h"
#include "harness/generators/endpoint_session.h"
#include "harness/generators/external_reply.h"
#include "harness/net/reply_json.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

struct RagEndpointOptions {
  SessionOptions session;
  std::string path;
  std::string api_key_header;
  std::vector<HttpHeader> headers;
  Json request;  ///< The body, with placeholders in its texts.
  Json::json_pointer answer;
  std::optional<Json::json_pointer> contexts;
  std::string context_text;
  std::string context_id;
  std::optional<Json::json_pointer> usage;
};

Json::json_pointer to_pointer(const Options& options, std::string_view key,
                              const std::string& text) {
  try {
    return Json::json_pointer(text);
  } catch (const Json::exception&) {
    options.fail(key, "a JSON pointer such as /data/answer");
  }
}

std::optional<Json::json_pointer> read_optional_pointer(Options& options, std::string_view key) {
  if (options.raw(key).is_null()) {
    options.record(key, nullptr);
    return std::nullopt;
  }
  return to_pointer(options, key, options.text(key));
}

RagEndpointOptions parse_options(Options& options) {
  RagEndpointOptions parsed;
  parsed.session = read_session_options(options, 120.0);
  parsed.path = options.text("path", "");
  if (!parsed.path.empty() && (!parsed.path.starts_with('/') ||
                               parsed.path.find_first_of("?# \r\n") != std::string::npos)) {
    options.fail("path", "a path such as /ask");
  }
  options.text("model", "");    // A name for tables and prices.
  options.text("version", "");  // Says nothing but that the service has changed.
  parsed.api_key_header = read_api_key_header(options);
  parsed.headers = read_extra_headers(options);
  parsed.request = options.raw("request");
  if (parsed.request.is_null()) {
    parsed.request = {{"question", "{query}"}};
    options.record("request", parsed.request);
  }
  if (!parsed.request.is_object()) {
    options.fail("request", "an object: the body to send, with {query} or {prompt} in its texts");
  }
  parsed.answer = to_pointer(options, "answer", options.text("answer", "/answer"));
  parsed.contexts = read_optional_pointer(options, "contexts");
  parsed.context_text = options.text("context_text", "text");
  parsed.context_id = options.text("context_id", "doc_id");
  parsed.usage = read_optional_pointer(options, "usage");
  return parsed;
}

/// The value that a placeholder stands for; nullptr for what is none.
const std::string* placeholder(std::string_view name, const Prompt& prompt) {
  const std::array<std::pair<std::string_view, const std::string*>, 4> known{
      {{"query", &prompt.query},
       {"prompt", &prompt.text},
       {"task", &prompt.task},
       {"sample_id", &prompt.sample_id}}};
  for (const auto& [known_name, value] : known) {
    if (known_name == name) {
      return value;
    }
  }
  const auto field = prompt.fields.find(name);
  return field == prompt.fields.end() ? nullptr : &field->second;
}

/// Fills the placeholders of a text in one pass: a brace inside a value is never one.
std::string filled(std::string_view text, const Prompt& prompt) {
  std::string result;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    result += text.substr(0, open);
    if (open == std::string_view::npos) {
      break;
    }
    text.remove_prefix(open);
    const std::size_t close = text.find('}');
    const std::string* value =
        close == std::string_view::npos ? nullptr : placeholder(text.substr(1, close - 1), prompt);
    result += value == nullptr ? "{" : *value;
    text.remove_prefix(value == nullptr ? 1 : close + 1);
  }
  return result;
}

Json filled(const Json& value, const Prompt& prompt) {
  if (value.is_string()) {
    return filled(std::string_view(value.get_ref<const std::string&>()), prompt);
  }
  Json result = value;
  if (value.is_structured()) {
    for (Json& element : result) {
      element = filled(element, prompt);
    }
  }
  return result;
}

/// The value at a pointer into an untrusted body; null where there is none.
Json value_at(const Json& body, const Json::json_pointer& pointer) {
  try {
    return body.contains(pointer) ? body.at(pointer) : Json();
  } catch (const Json::exception&) {  // An index that is no number, or too large.
    return {};
  }
}

class RagEndpointProtocol final : public EndpointProtocol {
 public:
  RagEndpointProtocol(RagEndpointOptions options, const std::string& api_key)
      : options_(std::move(options)), mask_(api_key) {
    request_ = options_.session.endpoint.post(options_.path);
    request_.headers = options_.headers;
    request_.headers.push_back({"Content-Type", "application/json"});
    request_.headers.push_back({"Accept", "application/json"});
    if (!api_key.empty()) {
      request_.headers.push_back(api_key_field(options_.api_key_header, api_key));
    }
  }

  const SessionOptions& session() const noexcept { return options_.session; }

  HttpRequest request() const override { return request_; }

  std::string body(const Prompt& prompt) const override {
    return to_text(filled(options_.request, prompt));
  }

  EndpointReply read(const HttpResult& result) const override {
    if (result.failure) {
      return read_transport_failure(*result.failure, mask_);
    }
    const HttpResponse& response = result.response;
    const Json body = parse_reply(response.body);
    if (response.status != 200) {
      return read_http_error(response, body, mask_);
    }
    if (body.is_discarded()) {
      return malformed_answer("the answer is not JSON", response.body, mask_);
    }
    return read_answer(response, body);
  }

 private:
  EndpointReply read_answer(const HttpResponse& response, const Json& body) const {
    const Json answer = value_at(body, options_.answer);
    if (!answer.is_string()) {
      return malformed_answer("the answer has no text at " + options_.answer.to_string(),
                              response.body, mask_);
    }
    EndpointReply read{.reply = {.text = mask_.mask(answer.get<std::string>())}};
    if (options_.contexts) {
      read.reply.contexts =
          read_external_contexts(value_at(body, *options_.contexts), options_.context_text.c_str(),
                                 options_.context_id.c_str());
      if (!read.reply.contexts) {
        return malformed_answer(
            "the answer has no list of passages at " + options_.contexts->to_string(),
            response.body, mask_);
      }
    }
    if (options_.usage) {
      read.reply.usage = read_usage(value_at(body, *options_.usage));
    }
    if (strip(read.reply.text).empty()) {
      read.reply.failure = generation_failure("empty", "the answer is blank");
    }
    return read;
  }

  RagEndpointOptions options_;
  KeyMask mask_;
  HttpRequest request_;
};

/// A service that retrieves and answers by itself: the whole of it is measured. Callable from
/// several threads.
class RagEndpointGenerator final : public Generator {
 public:
  RagEndpointGenerator(RagEndpointOptions options, const std::string& api_key, RateControls* rates)
      : protocol_(std::move(options), api_key),
        rate_((rates != nullptr ? *rates : own_rates_)
                  .of(protocol_.request().url, protocol_.session().limits)) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    run_endpoint_session(protocol_, protocol_.session(), rate_, source, sink, stop);
  }

 private:
  RagEndpointProtocol protocol_;
  RateControls own_rates_;
  RateControl& rate_;
};

}  // namespace

void check_rag_endpoint_generator(Options& options) {
  static_cast<void>(parse_options(options));
}

std::unique_ptr<Generator> make_rag_endpoint_generator(Options& options,
                                                       const GeneratorParts& parts) {
  RagEndpointOptions parsed = parse_options(options);
  const std::string api_key = read_api_key(parsed.session.endpoint.api_key_env);
  return std::make_unique<RagEndpointGenerator>(std::move(parsed), api_key, parts.rates);
}

}  // namespace crudbench
