#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/types.h"
#include "harness/llama/llama_options.h"

namespace crudbench {

/// What became of one prompt.
struct LlamaReply {
  std::size_t ticket = 0;
  std::string text;                ///< Whatever bytes the model wrote, whole characters.
  std::optional<Failure> failure;  ///< The classes of `EngineAnswer`.
  std::string finish_reason;
  Usage usage;
  double seconds = 0.0;  ///< From its admission to its end.
  /// {"prefill_seconds", "decode_seconds"}, and where there is something to tell
  /// {"left_out_tokens"} (of a prompt that was cut) and {"routing"}.
  Json details;
};

/// A loaded model that answers prompts: chat format, limits, engine and telemetry put together.
/// Not thread-safe.
class LlamaService {
 public:
  virtual ~LlamaService() = default;

  /// How the prompts that come from now on are answered: the options that
  /// `without_request_options` leaves out are taken, the others have to be those of the model that
  /// is loaded. Throws Error(kInvalidConfig).
  virtual void configure(const LlamaOptions& options) = 0;
  virtual void submit(std::size_t ticket, std::string_view prompt) = 0;
  /// Works for one batch; returns what has ended by it.
  virtual std::vector<LlamaReply> step() = 0;
  /// Prompts that are queued or under way.
  virtual std::size_t load() const = 0;
  /// {"model", "architecture", "context", "parallel", "threads", "llama_cpp"}
  virtual Json describe() const = 0;
};

/// Loads the model. Throws Error(kInvalidData) for a file that is no model llama.cpp can load or
/// not the one that `model_sha256` names, Error(kInvalidConfig) for options that do not suit it, a
/// machine without enough memory, or a build without llama.cpp.
std::unique_ptr<LlamaService> make_llama_service(const LlamaOptions& options);

/// How many tokens a prompt has for a model, from its vocabulary alone. Callable from any thread.
class TokenCounter {
 public:
  virtual ~TokenCounter() = default;
  /// With what the chat template puts around it.
  virtual std::size_t count(std::string_view prompt) const = 0;
  /// Tokens that a prompt may have: the context without the answer.
  virtual std::size_t limit() const = 0;
};
/// Throws as `make_llama_service`.
std::unique_ptr<TokenCounter> make_token_counter(const LlamaOptions& options);

}  // namespace crudbench
