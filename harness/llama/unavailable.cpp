/// The layer in a build without llama.cpp: every entry says so.
#include "harness/core/error.h"
#include "harness/llama/backend.h"
#include "harness/llama/llama_service.h"
#include "harness/llama/model_bench.h"
#include "harness/llama/model_variant.h"

namespace crudbench {

namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorCode::kInvalidConfig,
              "this crudbench was built without llama.cpp; see the section on local models in the "
              "README");
}

}  // namespace

const LlamaRuntime& llama_runtime() {
  refuse();
}

bool has_llama() noexcept {
  return false;
}

std::string take_llama_errors() {
  return {};
}

std::unique_ptr<LlamaService> make_llama_service(const LlamaOptions& /*options*/) {
  refuse();
}

std::unique_ptr<TokenCounter> make_token_counter(const LlamaOptions& /*options*/) {
  refuse();
}

ModelBench bench_model(const std::filesystem::path& /*model*/,
                       const ModelBenchOptions& /*options*/) {
  refuse();
}

void quantize_model(const std::filesystem::path& /*model*/, std::string_view /*quantization*/,
                    const std::filesystem::path& /*result*/, std::size_t /*threads*/) {
  refuse();
}

}  // namespace crudbench
