// An OpenAI-compatible chat endpoint on the loopback that misbehaves on purpose: for end-to-end
// tests of time-outs, retries and resumption. What happens to a request depends on the seed, its
// body and how often that body has come, never on the order of requests.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>

#include "harness/core/fingerprint.h"
#include "harness/core/json.h"
#include "harness/core/random.h"
#include "tests/fakes/http_server.h"

namespace {

using crudbench::Json;
using crudbench::testing_support::HttpServer;
using crudbench::testing_support::ReceivedRequest;
using crudbench::testing_support::ScriptedResponse;
using Fault = ScriptedResponse::Fault;

constexpr const char* kUsage = R"(usage: crudbench_fault_server [options]
  --port N              port to listen on; 0 (default) takes a free one
  --rate P              share of requests that go wrong, default 0.3
  --seed N              which ones, default 1
  --fail-first N        every prompt goes wrong the first N times, default 0
  --always-fail-rate P  share of prompts that go wrong every time, default 0
  --hang-seconds S      how long a hanging request is left without an answer, default 3600
  --delay-ms N          how long a good answer takes, default 0
  --prose-rate P        share of the prompts of RAGQuestEval that are answered in prose, default 0
  --log FILE            one JSON line per request: {"sha256", "times", "outcome"}
Prints its port and a line break to stdout, then serves until SIGTERM or SIGINT.
  --only-model NAME     every other model is refused with 404, default: all are known
  --withdraw-key-from N --withdraw-key-to N
                        the requests with these numbers, from 0, are refused with 401
  --echo TEXT           put into every answer and every error
  --storm N             of every N requests the last twentieth meets a storm: 429 with Retry-After in turn
                        with bursts of 500; default 0, none
Outcomes: ok, 429, 429_retry_after, 500, 503, hang, slow_loris, garbage, html, invalid_json, nan,
truncated_gzip, reset, close_mid_body, reset_mid_body, huge (10 MB), redirect, 401; storm_429,
storm_500; redirect_loop for what a followed redirect meets. Streams ("stream": true) come in pieces,
every fourth piece twice, with ids.
)";

struct ServerOptions {
  std::uint16_t port = 0;
  double rate = 0.3;
  std::uint64_t seed = 1;
  int fail_first = 0;
  double always_fail_rate = 0.0;
  double hang_seconds = 3600.0;
  int delay_ms = 0;
  double prose_rate = 0.0;
  int storm = 0;
  std::string echo;
  std::string only_model;
  int withdraw_key_from = 0;
  int withdraw_key_to = 0;
  std::string log;
};

ServerOptions parse_arguments(int count, char** arguments) {
  ServerOptions options;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    if (i + 1 == count) {
      throw std::invalid_argument("unknown option, or no value after it: " + name);
    }
    const std::string value = arguments[++i];
    if (name == "--port") {
      options.port = static_cast<std::uint16_t>(std::stoul(value));
    } else if (name == "--rate") {
      options.rate = std::stod(value);
    } else if (name == "--seed") {
      options.seed = std::stoull(value);
    } else if (name == "--fail-first") {
      options.fail_first = std::stoi(value);
    } else if (name == "--always-fail-rate") {
      options.always_fail_rate = std::stod(value);
    } else if (name == "--hang-seconds") {
      options.hang_seconds = std::stod(value);
    } else if (name == "--delay-ms") {
      options.delay_ms = std::stoi(value);
    } else if (name == "--prose-rate") {
      options.prose_rate = std::stod(value);
    } else if (name == "--only-model") {
      options.only_model = value;
    } else if (name == "--withdraw-key-from") {
      options.withdraw_key_from = std::stoi(value);
    } else if (name == "--withdraw-key-to") {
      options.withdraw_key_to = std::stoi(value);
    } else if (name == "--echo") {
      options.echo = value;
    } else if (name == "--storm") {
      options.storm = std::stoi(value);
    } else if (name == "--log") {
      options.log = value;
    } else {
      throw std::invalid_argument("unknown option: " + name);
    }
  }
  return options;
}

/// What a judge says to the default prompts of RAGQuestEval: two questions about a text, or an
/// answer to every other question. Empty for any other prompt.
std::string judge_text(const std::string& prompt) {
  if (prompt.find("key_info") != std::string::npos) {
    return R"({"key_info": ["甲", "乙"], "question": ["这段文字说了什么？", "由谁主办？"]})";
  }
  const std::size_t begin = prompt.rfind("[\"");
  const std::size_t end = prompt.rfind("\"]");
  if (prompt.find("无法推断") == std::string::npos || begin == std::string::npos ||
      end == std::string::npos) {
    return "";
  }
  const Json questions = Json::parse(prompt.substr(begin, end + 2 - begin), nullptr, false);
  Json answers = Json::array();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    answers.push_back(i % 2 == 0 ? "一件事" : "无法推断");
  }
  return "好的：\n```json\n" + answers.dump() + "\n```";
}

/// The end of the user's message, as a model would that repeats what it read last, and a few
/// digits that tell prompts apart.
std::string completion_text(const std::string& prompt, const std::string& digest) {
  constexpr std::size_t kLongestBytes = 240;
  std::size_t begin = prompt.size() > kLongestBytes ? prompt.size() - kLongestBytes : 0;
  while (begin < prompt.size() && (static_cast<unsigned char>(prompt[begin]) & 0xC0U) == 0x80U) {
    ++begin;
  }
  return "<response>" + prompt.substr(begin) + "（" + digest.substr(0, 8) + "）</response>";
}

class FaultyEndpoint {
 public:
  explicit FaultyEndpoint(ServerOptions options) : options_(std::move(options)) {
    if (!options_.log.empty()) {
      log_.open(options_.log, std::ios::app);
      if (!log_) {
        throw std::runtime_error("cannot write " + options_.log);
      }
    }
  }

  ScriptedResponse answer(const ReceivedRequest& request) {
    const std::string digest = crudbench::sha256_hex(request.body);
    const int times = ++times_[digest];
    ScriptedResponse response;
    std::string outcome = "ok";
    const int number = request_count_++;
    if (number >= options_.withdraw_key_from && number < options_.withdraw_key_to) {
      response = withdrawn_key();
      outcome = "401";
    } else if (request.target.ends_with("/loop")) {
      response = redirect();
      outcome = "redirect_loop";
    } else if (const char* storm = storm_outcome(number)) {
      outcome = storm;
      response = {.status = outcome == "storm_429" ? 429 : 500,
                  .headers = {{"Retry-After", "0.02"}},
                  .body = R"({"error": {"message": "scripted storm"}})"};
    } else if (goes_wrong(digest, times)) {
      outcome = misbehave(digest, times, response);
    } else {
      response.delay = std::chrono::milliseconds(options_.delay_ms);
      if (!complete(request, digest, response)) {
        outcome = std::to_string(response.status);
      }
    }
    if (log_.is_open()) {
      log_ << Json{{"sha256", digest}, {"times", times}, {"outcome", outcome}}.dump() << std::endl;
    }
    return response;
  }

 private:
  crudbench::Random random_for(const std::string& what) const {
    return crudbench::Random(crudbench::derive_seed(options_.seed, what));
  }

  bool goes_wrong(const std::string& digest, int times) const {
    return times <= options_.fail_first ||
           random_for("always " + digest).unit() < options_.always_fail_rate ||
           random_for(digest + " " + std::to_string(times)).unit() < options_.rate;
  }

  std::string misbehave(const std::string& digest, int times, ScriptedResponse& response) const {
    const std::string error =
        Json{{"error", {{"message", "scripted failure " + options_.echo}}}}.dump();
    switch (random_for("kind " + digest + " " + std::to_string(times)).below(18)) {
      case 0:
        response = {.status = 429, .body = error};
        return "429";
      case 1:
        response = {.status = 429, .headers = {{"Retry-After", "0"}}, .body = error};
        return "429_retry_after";
      case 2:
        response = {.status = 500, .body = error};
        return "500";
      case 3:
        response = {
            .status = 503,
            .body = error,
            .delay = std::chrono::milliseconds(static_cast<long>(options_.hang_seconds * 1000.0))};
        return "hang";
      case 4:
        response = {.body = "\x01\xFF\xFEno http here\r\n\r\n", .fault = Fault::kRaw};
        return "garbage";
      case 5:
        response = {.body = "<html>Bad gateway, but with status 200</html>",
                    .content_type = "text/html"};
        return "html";
      case 6:
        response = {.fault = Fault::kReset};
        return "reset";
      case 7:
        response = {.status = 503, .body = error};
        return "503";
      case 8:
        response = {
            .body = R"({"choices": [{"message": {"content": "an answer that comes slowly"}}]})",
            .fault = Fault::kDrip};
        return "slow_loris";
      case 9:
        response = {.body = R"({"choices": [{"message": {"content": "half)"};
        return "invalid_json";
      case 10:
        response = {.body = R"({"choices": [{"message": {"content": NaN}}]})"};
        return "nan";
      case 11:
        // The head of a gzip stream and nothing after it.
        response = {.headers = {{"Content-Encoding", "gzip"}},
                    .body = std::string("\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\xAB\x56", 12)};
        return "truncated_gzip";
      case 12:
        response = {.body = R"({"choices": [{"message": {"content": "half an answer"}}]})",
                    .fault = Fault::kResetMidBody};
        return "reset_mid_body";
      case 13:
        response = {.body = R"({"choices": [{"message": {"content": ")" +
                            std::string(10'000'000, 'x') + "\"}}]}"};
        return "huge";
      case 14:
        response = redirect();
        return "redirect";
      case 15:
        response = withdrawn_key();
        return "401";
      default:
        response = {.body = R"({"choices": [{"message": {"content": "half an answer"}}]})",
                    .fault = Fault::kCloseMidBody};
        return "close_mid_body";
    }
  }

  static ScriptedResponse withdrawn_key() {
    return {.status = 401, .body = R"({"error": {"message": "the key was withdrawn"}})"};
  }

  static ScriptedResponse redirect() {
    return {.status = 307, .headers = {{"Location", "/v1/loop"}}};
  }

  /// What every request meets now, whatever it is; nullptr outside of storms.
  const char* storm_outcome(int number) const {
    if (options_.storm == 0) {
      return nullptr;
    }
    const bool is_storm = number % options_.storm >= options_.storm - options_.storm / 20;
    return !is_storm ? nullptr : number / options_.storm % 2 == 0 ? "storm_429" : "storm_500";
  }

  /// The answer as a stream of events, a few bytes each, some of them sent twice.
  static std::string as_stream(const std::string& text, const Json& usage) {
    std::string events;
    int number = 0;
    const auto add = [&](const Json& data) {
      std::string event = "id: " + std::to_string(number) + "\ndata: " + data.dump() + "\n\n";
      events += event + (number % 4 == 3 ? event : "");
      ++number;
    };
    for (std::size_t begin = 0; begin < text.size();) {
      std::size_t end = std::min(begin + 12, text.size());
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        ++end;
      }
      add({{"choices", {{{"delta", {{"content", text.substr(begin, end - begin)}}}}}}});
      begin = end;
    }
    add({{"choices", {{{"delta", Json::object()}, {"finish_reason", "stop"}}}}});
    add({{"choices", Json::array()}, {"usage", usage}});
    return events + "data: [DONE]\n\n";
  }

  /// False, with an error as the answer, for what is no chat request.
  bool complete(const ReceivedRequest& request, const std::string& digest,
                ScriptedResponse& response) const {
    const Json body = Json::parse(request.body, nullptr, false);
    if (request.method != "POST" || !request.target.ends_with("/chat/completions")) {
      response.status = 404;
      response.body = R"({"error": {"message": "no such path"}})";
      return false;
    }
    if (!body.is_object() || !body.contains("messages") || !body["messages"].is_array() ||
        body["messages"].empty()) {
      response.status = 400;
      response.body = R"({"error": {"message": "not a chat request"}})";
      return false;
    }
    if (!options_.only_model.empty() && body.value("model", "") != options_.only_model) {
      response.status = 404;
      response.body =
          Json{{"error",
                {{"message", "the model '" + body.value("model", "") + "' does not exist"}}}}
              .dump();
      return false;
    }
    const std::string prompt = body["messages"].back().value("content", "");
    std::string text = judge_text(prompt);
    if (!text.empty() && random_for("prose " + digest).unit() < options_.prose_rate) {
      text = "这段文字写了很多内容，";
      for (int i = 0; i < 10; ++i) {
        text += "但是很难用一两句话概括清楚，";
      }
    } else if (text.empty()) {
      text = completion_text(prompt, digest) + options_.echo;
    }
    const Json usage = {{"prompt_tokens", prompt.size() / 3},
                        {"completion_tokens", text.size() / 3},
                        {"total_tokens", prompt.size() / 3 + text.size() / 3}};
    response.headers = {{"X-Request-Id", "req-" + digest.substr(0, 12)}};
    if (body.value("stream", false)) {
      response.content_type = "text/event-stream";
      response.body = as_stream(text, usage);
      return true;
    }
    response.body = Json{
        {"id", "chatcmpl-" + digest.substr(0, 16)},
        {"object", "chat.completion"},
        {"model", body.value("model", "")},
        {"choices",
         {{{"index", 0},
           {"message", {{"role", "assistant"}, {"content", text}}},
           {"finish_reason", "stop"}}}},
        {"usage",
         usage}}.dump();
    return true;
  }

  ServerOptions options_;
  std::ofstream log_;
  std::map<std::string, int> times_;  ///< How often each body has come.
  int request_count_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::string(arguments[1]) == "--help") {
    std::cout << kUsage;
    return EXIT_SUCCESS;
  }
  try {
    // Blocked here, hence in the server's thread too, so that only sigwait sees them.
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigprocmask(SIG_BLOCK, &ending, nullptr);

    const ServerOptions options = parse_arguments(count, arguments);
    FaultyEndpoint endpoint(options);
    const HttpServer server(
        [&](const ReceivedRequest& request) { return endpoint.answer(request); }, options.port);
    std::cout << server.port() << std::endl;
    int signal = 0;
    sigwait(&ending, &signal);
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "crudbench_fault_server: " << error.what() << "\n" << kUsage;
    return 2;
  }
}
