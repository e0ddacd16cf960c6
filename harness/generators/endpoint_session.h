#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/generators/endpoint_reply.h"
#include "harness/generators/generator.h"
#include "harness/net/endpoint.h"
#include "harness/net/rate_control.h"

namespace crudbench {

/// How a generator behind an endpoint talks: what it sends for a prompt, and how it reads answers.
/// A const member is callable from any thread.
class EndpointProtocol {
 public:
  virtual ~EndpointProtocol() = default;

  /// Where requests go and what stands around them; the body is `body`.
  virtual HttpRequest request() const = 0;
  virtual std::string body(const Prompt& prompt) const = 0;
  virtual EndpointReply read(const HttpResult& result) const = 0;
};

/// How a generator behind an endpoint asks.
struct SessionOptions {
  EndpointOptions endpoint;
  RateLimits limits;
  /// Failure class → retries of one prompt after failures of that class. A class that is not named
  /// is retried by its nature, `endpoint.retry.max_attempts` attempts in all.
  std::map<std::string, int> retries;
  /// The most tokens of an answer, for the cap on tokens; 0 where unknown.
  std::int64_t max_answer_tokens = 0;
};

/// Reads what `read_endpoint_options` reads, and "adaptive_concurrency", "requests_per_minute",
/// "tokens_per_minute", "retries", "retry_budget", "pause_s" and "max_outage_s". Throws
/// Error(kInvalidConfig).
SessionOptions read_session_options(Options& options, double default_timeout_seconds);

/// Those of them that cannot change an answer.
std::vector<std::string> neutral_session_options();

/// Serves `generate` of a generator behind an endpoint: up to `max_concurrency` prompts under way
/// on one event loop, as many requests in flight as `rate` allows, every prompt tried again after
/// failures that pass. Failures while the endpoint is down do not count against a prompt. A request
/// is never sent again after an answer. Throws Error(kUnavailable) when the endpoint stays down.
void run_endpoint_session(const EndpointProtocol& protocol, const SessionOptions& options,
                          RateControl& rate, PromptSource& source, ReplySink& sink,
                          const std::stop_token& stop);

}  // namespace crudbench
