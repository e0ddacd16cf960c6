#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "harness/core/json.h"

struct ggml_tensor;  // llama.cpp's; only this layer looks into it.

namespace crudbench {

/// One token of a batch that is about to be decoded.
struct BatchRow {
  /// What the request's `EngineRequest::ticket` says; `kSharedRow` for a prefix that requests
  /// share.
  std::size_t ticket = 0;
  std::int32_t token = 0;
  bool is_answer = false;     ///< Chosen by the model; else read from the prompt.
  bool wants_logits = false;  ///< The token after it is about to be chosen.
};
inline constexpr std::size_t kSharedRow = SIZE_MAX;

/// Watches an engine's work from inside its graph, e.g. to count which experts are chosen. Called
/// from the thread that runs the engine; what it throws ends the step.
class DecodeObserver {
 public:
  virtual ~DecodeObserver() = default;

  /// A batch is about to be decoded. The engine may work it off in several pieces, each of
  /// consecutive rows, in order.
  virtual void begin_batch(std::span<const BatchRow> rows) = 0;
  /// llama.cpp's graph callback: called twice for a tensor, first with `ask` to learn whether the
  /// observer wants its data, and if so again once they are computed.
  virtual bool see(ggml_tensor* tensor, bool ask) = 0;
  /// What there is to tell of a request that has ended; it is forgotten then.
  virtual Json take(std::size_t ticket) = 0;
};

}  // namespace crudbench
