#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <unordered_map>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/json.h"
#include "harness/generators/builtin_generators.h"
#include "harness/net/endpoint.h"
#include "harness/net/http_client.h"
#include "harness/net/retry.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

struct OpenaiOptions {
  EndpointOptions endpoint;
  std::string model;
  Json sampling;       ///< temperature, max_tokens, top_p and seed as they are sent.
  std::string system;  ///< Empty: no system message.
  Json extra_body;
  std::vector<HttpHeader> extra_headers;
};

/// Header fields that carry secrets, which never stand in a configuration.
bool is_secret_header(std::string name) {
  constexpr std::array<std::string_view, 5> kSecret = {"authorization", "proxy-authorization",
                                                       "api-key", "x-api-key", "cookie"};
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char character) {
    return static_cast<char>(std::tolower(character));
  });
  return std::find(kSecret.begin(), kSecret.end(), name) != kSecret.end();
}

Json object_or_empty(Options& options, std::string_view key) {
  Json value = options.raw(key);
  if (value.is_null()) {
    value = Json::object();
    options.record(key, value);
  }
  if (!value.is_object()) {
    options.fail(key, "an object");
  }
  return value;
}

OpenaiOptions parse_options(Options& options) {
  OpenaiOptions parsed;
  parsed.endpoint = read_endpoint_options(options, 120.0);
  parsed.model = options.text("model");
  if (parsed.model.empty()) {
    options.fail("model", "the name of a model");
  }
  parsed.sampling = {{"temperature", options.number("temperature", 0.1, 0.0, 2.0)},
                     {"max_tokens", options.integer("max_tokens", 1280, 1, 10'000'000)}};
  if (!options.raw("top_p").is_null()) {
    parsed.sampling["top_p"] = options.number("top_p", 1.0, 0.0, 1.0);
  }
  if (!options.raw("seed").is_null()) {
    const std::int64_t seed = options.integer("seed", 0, std::numeric_limits<std::int64_t>::min());
    parsed.sampling["seed"] = seed;
    parsed.endpoint.retry.seed = static_cast<std::uint64_t>(seed);
  }
  parsed.system = options.text("system", "");
  parsed.extra_body = object_or_empty(options, "extra_body");
  for (const char* key :
       {"model", "messages", "temperature", "max_tokens", "top_p", "seed", "stream", "n"}) {
    if (parsed.extra_body.contains(key)) {
      options.fail("extra_body", std::string("an object without \"") + key +
                                     "\", which is an option of its own or fixed");
    }
  }

  const Json headers = object_or_empty(options, "extra_headers");
  for (const auto& [name, value] : headers.items()) {
    if (is_secret_header(name)) {
      throw Error(ErrorCode::kInvalidConfig,
                  options.file() + ": " + options.pointer_to("extra_headers") + "/" + name +
                      ": a secret must not stand in a configuration; see \"api_key_env\"");
    }
    if (name.empty() || !value.is_string() || !is_header_text(name) ||
        !is_header_text(value.get<std::string>())) {
      options.fail("extra_headers", "an object of strings without line breaks");
    }
    parsed.extra_headers.push_back({name, value.get<std::string>()});
  }
  return parsed;
}

/// Takes the key out of what a server says, should it repeat it.
class KeyMask {
 public:
  explicit KeyMask(std::string key) : key_(std::move(key)), escaped_key_(to_text(Json(key_))) {
    escaped_key_ = escaped_key_.substr(1, escaped_key_.size() - 2);
  }

  /// For a message: masked, control characters replaced, at most 200 code points.
  std::string quote(std::string_view words) const {
    constexpr std::size_t kLongest = 200;
    std::string shown;
    for (std::size_t length = 0; !words.empty(); ++length) {
      if (length >= kLongest) {
        return shown + "…";
      }
      if (const std::size_t key_size = size_of_leading_key(words); key_size > 0) {
        shown += kMasked;
        words.remove_prefix(key_size);
        continue;
      }
      const CodePoint next = decode_at(words, 0);
      append_utf8(shown, steers_terminal(next.value) ? U' ' : next.value);
      words.remove_prefix(next.size_bytes);
    }
    return shown;
  }

  /// For an answer. Short keys are left: they are place-holders ("none", "EMPTY") for servers that
  /// want none, and may be part of an honest answer.
  std::string mask(std::string text) const {
    constexpr std::size_t kShortestSecret = 8;
    if (key_.size() < kShortestSecret) {
      return text;
    }
    for (std::size_t at = text.find(key_); at != std::string::npos;
         at = text.find(key_, at + kMasked.size())) {
      text.replace(at, key_.size(), kMasked);
    }
    return text;
  }

 private:
  static constexpr std::string_view kMasked = "***";

  /// Controls, line separators and the marks that reverse the direction of writing.
  static bool steers_terminal(char32_t value) noexcept {
    return value < 0x20 || (value >= 0x7F && value < 0xA0) ||
           (value >= 0x2028 && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069);
  }

  std::size_t size_of_leading_key(std::string_view words) const noexcept {
    if (key_.empty()) {
      return 0;
    }
    return words.starts_with(key_)           ? key_.size()
           : words.starts_with(escaped_key_) ? escaped_key_.size()
                                             : 0;
  }

  std::string key_;
  std::string escaped_key_;  ///< As it stands inside a JSON string.
};

Failure generation_failure(std::string failure_class, std::string message) {
  return {.stage = Stage::kGeneration,
          .failure_class = std::move(failure_class),
          .message = std::move(message)};
}

/// The member of an untrusted object; null where there is none.
const Json& member(const Json& value, const char* key) {
  static const Json null;
  const auto found = value.is_object() ? value.find(key) : value.end();
  return found == value.end() ? null : *found;
}

std::string text_or_empty(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::int64_t count_or_unknown(const Json& value) {
  return value.is_number_unsigned() &&
                 value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()
             ? value.get<std::int64_t>()
             : -1;
}

Usage parse_usage(const Json& usage) {
  return {.prompt_tokens = count_or_unknown(member(usage, "prompt_tokens")),
          .cached_prompt_tokens =
              count_or_unknown(member(member(usage, "prompt_tokens_details"), "cached_tokens")),
          .completion_tokens = count_or_unknown(member(usage, "completion_tokens"))};
}

/// What one answer of the server came to.
struct Outcome {
  std::string text;
  std::string finish_reason;
  Usage usage;
  std::optional<Failure> failure;
  bool retriable = false;
};

/// Reads the answers of `/chat/completions` (OpenAI API reference, "Chat completion object").
class AnswerReader {
 public:
  explicit AnswerReader(const std::string& api_key) : mask_(api_key) {}

  Outcome read(const HttpResult& result) const {
    if (result.failure) {
      return {.failure = generation_failure(result.failure->failure_class,
                                            mask_.quote(result.failure->message)),
              .retriable = is_retriable(result.failure->failure_class)};
    }
    const HttpResponse& response = result.response;
    const Json body = Json::parse(response.body, nullptr, false);
    return response.status == 200 ? read_completion(response, body) : read_error(response, body);
  }

 private:
  /// An answer's length and a redirect's target are no accidents of the network.
  static bool is_retriable(std::string_view failure_class) noexcept {
    return failure_class != "too_large" && failure_class != "redirect";
  }

  Outcome malformed(const HttpResponse& response, std::string_view problem) const {
    return {.failure = generation_failure("malformed",
                                          std::string(problem) + ": " + mask_.quote(response.body)),
            .retriable = true};
  }

  Outcome read_completion(const HttpResponse& response, const Json& body) const {
    if (body.is_discarded()) {
      return malformed(response, "the answer is not JSON");
    }
    const Json& choices = member(body, "choices");
    if (!choices.is_array() || choices.empty()) {
      return malformed(response, "the answer has no \"choices\"");
    }
    const Json& message = member(choices.front(), "message");
    const Json& content = member(message, "content");
    if (!message.is_object() || !(content.is_string() || content.is_null())) {
      return malformed(response, "the answer has no text at /choices/0/message/content");
    }
    Outcome outcome{
        .text = mask_.mask(text_or_empty(content)),
        .finish_reason = mask_.quote(text_or_empty(member(choices.front(), "finish_reason"))),
        .usage = parse_usage(member(body, "usage"))};
    if (outcome.finish_reason == "content_filter" || member(message, "refusal").is_string()) {
      outcome.failure =
          generation_failure("refused", "the provider refused to answer: " +
                                            mask_.quote(text_or_empty(member(message, "refusal"))));
    } else if (strip(outcome.text).empty()) {
      outcome.failure = generation_failure(
          "empty", "the answer is blank (finish_reason \"" + outcome.finish_reason + "\")");
    }
    return outcome;
  }

  Outcome read_error(const HttpResponse& response, const Json& body) const {
    const int status = response.status;
    const Json& error = member(body, "error");
    std::string words = text_or_empty(error.is_string() ? error : member(error, "message"));
    if (words.empty()) {
      words = response.body;
    }
    const std::string message = "HTTP " + std::to_string(status) + ": " + mask_.quote(words);
    if (status == 429) {
      return {.failure = generation_failure("rate_limited", message), .retriable = true};
    }
    if (status >= 500) {
      return {.failure = generation_failure("http_5xx", message), .retriable = true};
    }
    if (status < 400) {
      return {.failure = generation_failure("malformed", message), .retriable = true};
    }
    const std::string code = text_or_empty(member(error, "code"));
    const std::string type = text_or_empty(member(error, "type"));
    if (status == 413 || code == "context_length_exceeded" || type == "exceed_context_size_error" ||
        words.find("maximum context length") != std::string::npos) {
      return {.failure = generation_failure("too_long", message)};
    }
    if (code == "content_filter") {
      return {.failure = generation_failure("refused", message)};
    }
    return {.failure = generation_failure("http_4xx", message),
            .retriable = status == 408 || status == 409 || status == 425};
  }

  KeyMask mask_;
};

/// One call of `generate`: its prompts, each on its way or waiting for its next attempt.
class Session {
 public:
  Session(const OpenaiOptions& options, const std::string& api_key, ReplySink& sink)
      : options_(options), reader_(api_key), sink_(sink) {
    headers_ = options.extra_headers;
    headers_.push_back({"Content-Type", "application/json"});
    headers_.push_back({"Accept", "application/json"});
    if (!api_key.empty()) {
      headers_.push_back({"Authorization", "Bearer " + api_key});
    }
  }

  void run(PromptSource& source, const std::stop_token& stop) {
    constexpr milliseconds kIdleWait{100};
    // How long a prompt that has become ready waits while requests are under way.
    constexpr milliseconds kSourceInterval{5};
    constexpr milliseconds kNetworkWait{1000};
    const std::stop_callback wake_on_stop(stop, [this] { loop_.wake(); });
    const auto capacity = options_.endpoint.max_concurrency;
    PromptSource::Status status = PromptSource::Status::kPending;
    while (!stop.stop_requested()) {
      while (status != PromptSource::Status::kEnd && under_way_.size() < capacity) {
        Prompt prompt;
        status = source.next(prompt, under_way_.empty() ? kIdleWait : milliseconds(0));
        if (status != PromptSource::Status::kPrompt || stop.stop_requested()) {
          break;
        }
        begin(std::move(prompt));
      }
      if (!under_way_.empty()) {
        loop_.run_once(status == PromptSource::Status::kPending ? kSourceInterval : kNetworkWait);
      } else if (status == PromptSource::Status::kEnd) {
        return;
      }
    }
  }

 private:
  /// A prompt on its way. It stays where it is until its reply: callbacks hold its address.
  struct Work {
    std::size_t ticket = 0;
    std::string sample_id;
    std::string body;
    Reply reply;
    HttpLoop::Clock::time_point begin;
  };

  void begin(Prompt prompt) {
    Json messages = Json::array();
    if (!options_.system.empty()) {
      messages.push_back({{"role", "system"}, {"content", options_.system}});
    }
    messages.push_back({{"role", "user"}, {"content", std::move(prompt.text)}});
    Json body = options_.extra_body;
    body.update(options_.sampling);
    body["model"] = options_.model;
    body["messages"] = std::move(messages);
    auto work = std::make_unique<Work>(Work{.ticket = prompt.ticket,
                                            .sample_id = std::move(prompt.sample_id),
                                            .body = to_text(body),
                                            .begin = HttpLoop::Clock::now()});
    Work& placed = *work;
    under_way_.emplace(&placed, std::move(work));
    send(placed);
  }

  void send(Work& work) {
    loop_.submit({.method = "POST",
                  .url = options_.endpoint.base_url + "/chat/completions",
                  .headers = headers_,
                  .body = work.body,
                  .connect_timeout = options_.endpoint.connect_timeout,
                  .total_timeout = options_.endpoint.timeout},
                 [this, &work](HttpResult result) { receive(work, result); });
  }

  void receive(Work& work, const HttpResult& result) {
    Outcome outcome = reader_.read(result);
    Reply& reply = work.reply;
    reply.attempts.push_back({.failure = outcome.failure,
                              .seconds = result.seconds,
                              .http_status = result.response.status});
    if (outcome.retriable) {
      if (const auto delay =
              next_delay(options_.endpoint.retry, work.sample_id,
                         static_cast<int>(reply.attempts.size()), retry_after(result.response))) {
        loop_.call_at(HttpLoop::Clock::now() + *delay, [this, &work] { send(work); });
        return;
      }
    }
    reply.text = std::move(outcome.text);
    reply.finish_reason = std::move(outcome.finish_reason);
    reply.usage = outcome.usage;
    reply.failure = std::move(outcome.failure);
    reply.seconds = std::chrono::duration<double>(HttpLoop::Clock::now() - work.begin).count();
    const std::unique_ptr<Work> done = std::move(under_way_.extract(&work).mapped());
    sink_.accept(done->ticket, std::move(done->reply));
  }

  static std::optional<milliseconds> retry_after(const HttpResponse& response) {
    const std::string* value = response.find_header("retry-after");
    return value == nullptr ? std::nullopt
                            : parse_retry_after(*value, std::chrono::system_clock::now());
  }

  const OpenaiOptions& options_;
  AnswerReader reader_;
  ReplySink& sink_;
  std::vector<HttpHeader> headers_;
  /// Also those that wait for their next attempt: they keep their slot, so that retries slow the
  /// generator down.
  std::unordered_map<const Work*, std::unique_ptr<Work>> under_way_;
  HttpLoop loop_;
};

/// Chat completions of a remote endpoint: up to `max_concurrency` requests at once on one event
/// loop. Callable from several threads: each call of `generate` has its own connections.
class OpenaiGenerator final : public Generator {
 public:
  OpenaiGenerator(OpenaiOptions options, std::string api_key)
      : options_(std::move(options)), api_key_(std::move(api_key)) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    Session(options_, api_key_, sink).run(source, stop);
  }

 private:
  OpenaiOptions options_;
  std::string api_key_;
};

}  // namespace

void check_openai_generator(Options& options) {
  static_cast<void>(parse_options(options));
}

std::unique_ptr<Generator> make_openai_generator(Options& options,
                                                 const GeneratorParts& /*parts*/) {
  OpenaiOptions parsed = parse_options(options);
  std::string api_key = read_api_key(parsed.endpoint.api_key_env);
  return std::make_unique<OpenaiGenerator>(std::move(parsed), std::move(api_key));
}

}  // namespace crudbench
