#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/types.h"
#include "harness/llama/decode_observer.h"
#include "harness/llama/model.h"
#include "harness/llama/token_sampler.h"

namespace crudbench {

/// How an engine works. All sizes in tokens.
struct EngineOptions {
  std::size_t context = 4096;     ///< Most of one sequence: prompt and answer together.
  std::size_t parallel = 8;       ///< Sequences at a time.
  std::size_t threads = 0;        ///< 0: found by a short measurement; with `strict` all cores.
  std::size_t batch = 512;        ///< Most tokens of one step.
  std::size_t micro_batch = 512;  ///< Tokens computed at once, at most `batch`.
  std::string kv_type = "f16";    ///< "f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0".
  std::string flash_attention = "auto";  ///< "auto", "on", "off".
  /// The same bits every time on this machine: one sequence at a time, prompts always cut at the
  /// same places, cells always used in the same order. `parallel` is 1 then.
  bool strict = false;
};

/// The types that `kv_type` knows.
inline constexpr std::array<std::string_view, 8> kKvTypes{"f32",  "f16",  "bf16", "q8_0",
                                                          "q5_1", "q5_0", "q4_1", "q4_0"};

struct EngineRequest {
  std::size_t ticket = 0;     ///< Chosen by the caller; names the answer.
  std::vector<Token> prompt;  ///< At least one token.
  std::size_t max_tokens = 512;
  SamplingOptions sampling;
  std::uint64_t seed = 0;          ///< Of this request.
  std::vector<std::string> stops;  ///< Texts before which the answer ends.
  /// As for `is_repetition`: so many last tokens of one pattern end the answer; 0: never.
  std::size_t repetition_window = 0;
};

struct EngineAnswer {
  std::size_t ticket = 0;
  std::string text;           ///< Whatever bytes the model wrote, whole characters.
  std::string finish_reason;  ///< "stop" or "length"; empty with a failure.
  /// "too_long": prompt and max_tokens exceed the context; "repetition"; "nan_logits";
  /// "unfinished": max_tokens came before the grammar's end; "engine_failed": llama.cpp reported an
  /// error.
  std::optional<Failure> failure;
  Usage usage;
  double prefill_seconds = 0.0;  ///< From its admission to its first token.
  double decode_seconds = 0.0;   ///< From there to its last one.
  /// Its share of the time that the engine computed: that of every batch, divided among the rows.
  /// The sum over all answers is the engine's time but for shared prefixes.
  double busy_seconds = 0.0;
  Json observed;  ///< What the observer says; null without one.
};

/// Decodes many requests at a time on one model: sequences enter and leave as they finish. The
/// beginning that waiting prompts have in common is computed once, and its cells in the cache of
/// keys and values are shared by all that begin with it, token by token.
///
/// Makes no threads but those of llama.cpp's pool. Not thread-safe. `model` outlives the engine.
class LlamaEngine {
 public:
  /// `observer` may be null; it outlives the engine. Throws Error(kInvalidConfig) where llama.cpp
  /// refuses the options, e.g. for lack of memory.
  LlamaEngine(const LlamaModel& model, const EngineOptions& options,
              DecodeObserver* observer = nullptr);
  ~LlamaEngine();
  LlamaEngine(const LlamaEngine&) = delete;
  LlamaEngine& operator=(const LlamaEngine&) = delete;

  /// Queues a request. Throws Error(kInvalidConfig) for a grammar that is malformed.
  void submit(EngineRequest request);
  /// Admits what there is room for, decodes one batch, and returns what has ended by it.
  std::vector<EngineAnswer> step();
  /// Requests queued or under way.
  std::size_t load() const noexcept;

  std::size_t threads() const noexcept;  ///< As found, where the options leave it open.
  std::size_t context() const noexcept;  ///< Tokens of one sequence.
  /// Tokens of prompts that were computed, and those that were taken from a shared prefix.
  std::size_t computed_prompt_tokens() const noexcept;
  std::size_t shared_prompt_tokens() const noexcept;

  /// Called with the numbers that each token of an answer is chosen by: one a token of the
  /// vocabulary. For measurements of determinism.
  void on_logits(std::function<void(std::size_t ticket, std::span<const float> logits)> look);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crudbench
