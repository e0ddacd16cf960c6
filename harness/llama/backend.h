#pragma once

#include <string>
#include <vector>

namespace crudbench {

/// The llama.cpp that this program runs on.
struct LlamaRuntime {
  std::string version;  ///< "v0.5.0".
  /// The devices it found, in its order: "CPU (Intel Xeon …)", "CUDA0 (NVIDIA H100)".
  std::vector<std::string> devices;
};

/// Loads the back ends that suit this machine's processor and its accelerators, once; sends what
/// llama.cpp logs to our log, warnings and worse, for --verbose; errors are kept for
/// `take_llama_errors`. Callable from any thread. Throws
/// Error(kInvalidConfig) where this build has no llama.cpp or no back end runs on this machine.
const LlamaRuntime& llama_runtime();

/// Whether this build has llama.cpp.
bool has_llama() noexcept;

/// What llama.cpp has reported as errors since the last call, for the message of what failed then.
std::string take_llama_errors();

}  // namespace crudbench
