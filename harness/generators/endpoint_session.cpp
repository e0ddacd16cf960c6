#include "harness/generators/endpoint_session.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>

#include "harness/net/rate_limit_headers.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;
using Clock = HttpLoop::Clock;

constexpr std::array<std::string_view, 12> kFailureClasses{
    "rate_limited", "timeout", "connect",   "tls",     "http_5xx", "http_4xx",
    "malformed",    "empty",   "too_large", "refused", "too_long", "redirect"};

std::map<std::string, int> read_retries(Options& options) {
  constexpr int kMostRetries = 1000;
  std::map<std::string, int> retries;
  Options section = options.object("retries");
  for (const std::string_view name : kFailureClasses) {
    if (section.has(name)) {
      retries[std::string(name)] = static_cast<int>(section.integer(name, 0, 0, kMostRetries));
    }
  }
  section.finish();
  options.record("retries", section.resolved());
  return retries;
}

/// The names under which servers give a request's id.
std::string request_id(const HttpResponse& response) {
  constexpr std::size_t kLongest = 128;
  for (const char* name : {"x-request-id", "apim-request-id", "request-id"}) {
    if (const std::string* value = response.find_header(name)) {
      std::string id;
      for (const char character : value->substr(0, kLongest)) {
        const auto byte = static_cast<unsigned char>(character);
        id += byte > 0x20 && byte < 0x7F ? character : '_';
      }
      return id;
    }
  }
  return {};
}

class Session {
 public:
  Session(const EndpointProtocol& protocol, const SessionOptions& options, RateControl& rate,
          ReplySink& sink)
      : protocol_(protocol), options_(options), rate_(rate), sink_(sink) {}

  ~Session() {
    for (const auto& [work, owned] : under_way_) {
      if (work->is_in_flight) {
        rate_.abandon();
      }
    }
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void run(PromptSource& source, const std::stop_token& stop) {
    const std::stop_callback wake_on_stop(stop, [this] { loop_.wake(); });
    try {
      serve(source, stop);
    } catch (...) {
      hand_over();  // What is answered stays so.
      throw;
    }
    hand_over();
  }

 private:
  void serve(PromptSource& source, const std::stop_token& stop) {
    constexpr milliseconds kIdleWait{100};
    PromptSource::Status status = PromptSource::Status::kPending;
    while (!stop.stop_requested()) {
      while (status != PromptSource::Status::kEnd &&
             under_way_.size() < options_.endpoint.max_concurrency) {
        Prompt prompt;
        status = source.next(prompt, under_way_.empty() ? kIdleWait : milliseconds(0));
        if (status != PromptSource::Status::kPrompt || stop.stop_requested()) {
          break;
        }
        begin(prompt);
      }
      const std::optional<Clock::time_point> blocked_until = start_ready();
      if (!under_way_.empty()) {
        loop_.run_once(longest_wait(status, blocked_until));
        if (is_hand_over_due()) {
          hand_over();
        }
      } else if (status == PromptSource::Status::kEnd) {
        return;
      }
    }
  }

  /// A prompt on its way. It stays where it is until its reply: callbacks hold its address.
  struct Work {
    std::size_t ticket = 0;
    std::string sample_id;
    std::string body;
    std::int64_t tokens = 0;  ///< About what a request comes to.
    Reply reply;
    Clock::time_point begin;
    Clock::time_point started;  ///< Of the request in flight.
    bool is_in_flight = false;
    int attempts = 0;                     ///< Those that count against `max_attempts`.
    std::map<std::string, int> of_class;  ///< Failures of the classes that `retries` names.
  };

  void begin(const Prompt& prompt) {
    auto work = std::make_unique<Work>(Work{.ticket = prompt.ticket,
                                            .sample_id = prompt.sample_id,
                                            .body = protocol_.body(prompt),
                                            .begin = Clock::now()});
    // A token is at least a byte; of Chinese text it is about a character, three bytes.
    work->tokens = static_cast<std::int64_t>(work->body.size() / 3) + options_.max_answer_tokens;
    ready_.push_back(work.get());
    Work* placed = work.get();
    under_way_.emplace(placed, std::move(work));
  }

  /// Sends what may be sent now; the time before which the rest may not, nullopt for no rest.
  std::optional<Clock::time_point> start_ready() {
    while (!ready_.empty()) {
      Work& work = *ready_.front();
      const Clock::time_point now = Clock::now();
      if (const auto later = rate_.try_start(now, work.tokens)) {
        return later;
      }
      ready_.pop_front();
      send(work, now);
    }
    return std::nullopt;
  }

  milliseconds longest_wait(PromptSource::Status status,
                            std::optional<Clock::time_point> blocked_until) const {
    const milliseconds wait = longest_network_wait(status, blocked_until);
    return finished_.empty() ? wait : std::min(wait, kHandOverInterval);
  }

  milliseconds longest_network_wait(PromptSource::Status status,
                                    std::optional<Clock::time_point> blocked_until) const {
    constexpr milliseconds kNetworkWait{1000};
    // How long a prompt that has become ready waits while requests are under way.
    constexpr milliseconds kSourceInterval{5};
    // Nobody tells this loop when a request of another session has finished.
    constexpr milliseconds kOthersInterval{20};
    if (!blocked_until) {
      const bool pulls = under_way_.size() < options_.endpoint.max_concurrency;
      return pulls && status == PromptSource::Status::kPending ? kSourceInterval : kNetworkWait;
    }
    if (*blocked_until == Clock::time_point::max()) {
      return loop_.in_flight() > 0 ? kNetworkWait : kOthersInterval;
    }
    const auto wait = std::chrono::ceil<milliseconds>(*blocked_until - Clock::now());
    return std::clamp(wait, milliseconds(1), kNetworkWait);
  }

  void send(Work& work, Clock::time_point now) {
    work.started = now;
    work.is_in_flight = true;
    loop_.submit(request_, work.body,
                 [this, &work](const HttpResult& result) { receive(work, result); });
  }

  void receive(Work& work, const HttpResult& result) {
    work.is_in_flight = false;
    const Clock::time_point now = Clock::now();
    EndpointReply read = protocol_.read(result);
    const std::optional<Failure>& failure = read.reply.failure;
    const Usage& usage = read.reply.usage;
    const std::int64_t used = usage.prompt_tokens >= 0 && usage.completion_tokens >= 0
                                  ? usage.prompt_tokens + usage.completion_tokens
                                  : -1;
    work.reply.attempts.push_back({.failure = failure,
                                   .seconds = result.seconds,
                                   .http_status = result.response.status,
                                   .request_id = request_id(result.response)});
    const bool counts = rate_.finish(work.started, now, read.fate, work.tokens, used,
                                     failure ? failure->message : "");
    const std::optional<milliseconds> asked =
        requested_wait(result.response, std::chrono::system_clock::now());
    if (asked) {
      rate_.wait_until(now + std::min(*asked, options_.endpoint.retry.max_retry_after));
    }
    if (failure && !counts) {
      ready_.push_front(&work);  // The endpoint is down; it is asked again when it may be up.
    } else if (failure && may_retry(work, read)) {
      retry_later(work, asked);
    } else {
      finish(work, std::move(read.reply));
    }
  }

  bool may_retry(Work& work, const EndpointReply& read) {
    const auto named = options_.retries.find(read.reply.failure->failure_class);
    if (named != options_.retries.end()) {
      return ++work.of_class[named->first] <= named->second && rate_.take_retry();
    }
    ++work.attempts;
    return read.is_retriable && work.attempts < options_.endpoint.retry.max_attempts &&
           rate_.take_retry();
  }

  void retry_later(Work& work, std::optional<milliseconds> asked) {
    RetryPolicy policy = options_.endpoint.retry;
    policy.max_attempts = std::numeric_limits<int>::max();  // `may_retry` has decided.
    const auto delay =
        next_delay(policy, work.sample_id, static_cast<int>(work.reply.attempts.size()), asked);
    loop_.call_at(Clock::now() + *delay, [this, &work] { ready_.push_back(&work); });
  }

  void finish(Work& work, Reply read) {
    std::unique_ptr<Work> done = std::move(under_way_.extract(&work).mapped());
    read.attempts = std::move(done->reply.attempts);
    read.seconds = std::chrono::duration<double>(Clock::now() - done->begin).count();
    if (read.failure && read.failure->failure_class != "empty") {
      read.text.clear();
    }
    if (finished_.empty()) {
      first_finished_ = Clock::now();
    }
    finished_.push_back({done->ticket, std::move(read)});
  }

  bool is_hand_over_due() const {
    return under_way_.empty() || finished_.size() >= kHandOverCount ||
           (!finished_.empty() && Clock::now() - first_finished_ >= kHandOverInterval);
  }

  void hand_over() {
    if (!finished_.empty()) {
      sink_.accept_all(std::exchange(finished_, {}));
    }
  }

  /// How long and how many answers wait for each other, so that they are stored in one transaction:
  /// short enough that a process that is killed loses next to nothing.
  static constexpr milliseconds kHandOverInterval{2};
  static constexpr std::size_t kHandOverCount = 64;

  const EndpointProtocol& protocol_;
  const HttpRequest request_ = protocol_.request();
  const SessionOptions& options_;
  RateControl& rate_;
  ReplySink& sink_;
  /// Also those that wait for their next attempt: they keep their slot, so that retries slow the
  /// generator down.
  std::unordered_map<const Work*, std::unique_ptr<Work>> under_way_;
  std::deque<Work*> ready_;  ///< Those that wait for leave to start.
  std::vector<TicketReply> finished_;
  Clock::time_point first_finished_;  ///< When the first of them was.
  HttpLoop loop_;
};

}  // namespace

SessionOptions read_session_options(Options& options, double default_timeout_seconds) {
  constexpr std::int64_t kMostPerMinute = 1'000'000'000;
  constexpr double kWeek = 604'800.0;
  SessionOptions session;
  session.endpoint = read_endpoint_options(options, default_timeout_seconds);
  RateLimits& limits = session.limits;
  limits.max_concurrency = session.endpoint.max_concurrency;
  limits.is_adaptive = options.flag("adaptive_concurrency", true);
  limits.requests_per_minute = options.integer("requests_per_minute", 0, 0, kMostPerMinute);
  limits.tokens_per_minute = options.integer("tokens_per_minute", 0, 0, kMostPerMinute);
  limits.retry_budget = options.number("retry_budget", limits.retry_budget, 0.0, 1000.0);
  limits.first_pause = milliseconds(
      static_cast<milliseconds::rep>(1000.0 * options.number("pause_s", 1.0, 0.001, 3600.0)));
  limits.longest_outage = milliseconds(
      static_cast<milliseconds::rep>(1000.0 * options.number("max_outage_s", 1800.0, 0.0, kWeek)));
  session.retries = read_retries(options);
  return session;
}

std::vector<std::string> neutral_session_options() {
  std::vector<std::string> names = neutral_endpoint_options();
  for (const char* name : {"adaptive_concurrency", "requests_per_minute", "tokens_per_minute",
                           "retry_budget", "pause_s", "max_outage_s", "retries"}) {
    names.emplace_back(name);
  }
  return names;
}

void run_endpoint_session(const EndpointProtocol& protocol, const SessionOptions& options,
                          RateControl& rate, PromptSource& source, ReplySink& sink,
                          const std::stop_token& stop) {
  Session(protocol, options, rate, sink).run(source, stop);
}

}  // namespace crudbench
