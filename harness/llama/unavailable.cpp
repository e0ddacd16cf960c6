/// The layer in a build without llama.cpp: every entry says so.
#include "harness/core/error.h"
#include "harness/llama/backend.h"

namespace crudbench {

const LlamaRuntime& llama_runtime() {
  throw Error(ErrorCode::kInvalidConfig,
              "this crudbench was built without llama.cpp; see the section on local models in the "
              "README");
}

bool has_llama() noexcept {
  return false;
}

}  // namespace crudbench
