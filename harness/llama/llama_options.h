#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/core/options.h"
#include "harness/llama/chat_format.h"
#include "harness/llama/engine.h"
#include "harness/llama/model.h"
#include "harness/llama/model_variant.h"

namespace crudbench {

/// The options of the `llama` generator.
struct LlamaOptions {
  ModelOptions model;
  std::string model_sha256;  ///< What the model is, whatever its path.
  /// "model", or the variant of it that is made and used; see `quantization_names`.
  std::string quantization = kWholeModel;
  EngineOptions engine;  ///< `context` 0: see `kDefaultContext`.
  ChatOptions chat;
  SamplingOptions sampling;
  Json json_schema;  ///< Instead of a grammar; null: none.
  std::uint64_t seed = 0;
  std::size_t max_tokens = 512;
  std::vector<std::string> stops;
  std::size_t repetition_window = 128;
  bool truncate = false;  ///< Cut prompts that are too long instead of failing them.
  std::string telemetry = "none";
  bool isolated = true;  ///< The engine runs in a process of its own.
  std::size_t max_restarts = 3;
};

/// The context where the options name none, unless the model was trained on less.
inline constexpr std::size_t kDefaultContext = 4096;

/// Reads and checks all options. Records the model's content hash as "model_sha256", and reads the
/// model's file for it if that is not given. Needs no llama.cpp. Throws Error(kInvalidConfig), and
/// Error(kIo) or Error(kInvalidData) for files that cannot be read.
LlamaOptions read_llama_options(Options& options);

/// Those that cannot change an answer. `threads` is none of them: attention over a long cache is
/// summed up in as many parts as there are threads.
std::vector<std::string> neutral_llama_options();

/// Those that may differ between requests to one loaded engine, as far as they are in `resolved`,
/// what `read_llama_options` has resolved. The others, with the model, say which engine it is.
Json without_request_options(Json resolved);

}  // namespace crudbench
