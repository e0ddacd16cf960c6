/// The layer in a build without llama.cpp: every entry says so.
#include "harness/core/error.h"
#include "harness/llama/backend.h"
#include "harness/llama/llama_service.h"
#include "harness/llama/model_bench.h"
#include "harness/llama/model_variant.h"
#include "harness/llama/sequence_encoder.h"

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

class LlamaModel::Impl {};

LlamaModel::LlamaModel(const ModelOptions& /*options*/) {
  refuse();
}
LlamaModel::~LlamaModel() = default;

std::vector<Token> LlamaModel::tokenize(std::string_view /*text*/, bool /*with_control*/) const {
  refuse();
}

class SequenceEncoder::Impl {};

SequenceEncoder::SequenceEncoder(const ModelOptions& /*model*/, const EncoderOptions& /*options*/) {
  refuse();
}
SequenceEncoder::~SequenceEncoder() = default;
SequenceEncoder::SequenceEncoder(SequenceEncoder&& other) noexcept = default;
SequenceEncoder& SequenceEncoder::operator=(SequenceEncoder&& other) noexcept = default;

std::size_t SequenceEncoder::dimension() const noexcept {
  return 0;
}

std::vector<Token> SequenceEncoder::tokenize(std::string_view /*text*/, bool* /*was_cut*/) const {
  refuse();
}

std::vector<Token> SequenceEncoder::tokenize_pair(std::string_view /*query*/,
                                                  std::string_view /*text*/,
                                                  bool* /*was_cut*/) const {
  refuse();
}

std::string SequenceEncoder::piece(Token /*token*/) const {
  refuse();
}

void SequenceEncoder::encode(std::span<const std::vector<Token>> /*texts*/, std::size_t /*threads*/,
                             std::span<float> /*rows*/) {
  refuse();
}

void SequenceEncoder::encode_tokens(std::span<const Token> /*text*/, std::size_t /*threads*/,
                                    std::span<float> /*rows*/) {
  refuse();
}

}  // namespace crudbench
