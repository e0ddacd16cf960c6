/// The part of model_variant.h that needs llama.cpp.
#include <llama.h>
#include <map>
#include <string>
#include <vector>

#include "harness/core/error.h"
#include "harness/llama/backend.h"
#include "harness/llama/gguf_header.h"
#include "harness/llama/model_files.h"
#include "harness/llama/model_variant.h"

namespace crudbench {

namespace {

constexpr std::string_view kExpertsOnly = "experts_";

llama_ftype file_type(std::string_view name) {
  static const std::map<std::string_view, llama_ftype> kTypes{
      {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0},     {"q6_k", LLAMA_FTYPE_MOSTLY_Q6_K},
      {"q5_k_m", LLAMA_FTYPE_MOSTLY_Q5_K_M}, {"q4_k_m", LLAMA_FTYPE_MOSTLY_Q4_K_M},
      {"q3_k_m", LLAMA_FTYPE_MOSTLY_Q3_K_M}, {"q2_k", LLAMA_FTYPE_MOSTLY_Q2_K}};
  const auto found = kTypes.find(name);
  if (found == kTypes.end()) {
    throw Error(ErrorCode::kInvalidConfig, "unknown quantization '" + std::string(name) + "'");
  }
  return found->second;
}

/// "^blk\.0\.attn_q\.weight$": the tensor of this name and no other.
std::string pattern_of(const std::string& tensor) {
  std::string pattern = "^";
  for (const char letter : tensor) {
    if (std::string_view(R"(.^$*+?()[]{}\|)").find(letter) != std::string_view::npos) {
      pattern.push_back('\\');
    }
    pattern.push_back(letter);
  }
  return pattern + "$";
}

/// Every tensor that belongs to no expert keeps its type.
class KeptTensors {
 public:
  explicit KeptTensors(const std::filesystem::path& model) {
    for (const std::filesystem::path& part : model_files(model)) {
      for (const GgufTensor& tensor : read_gguf_header(part).tensors) {
        if (tensor.name.find("_exps.") == std::string::npos) {
          patterns_.push_back(pattern_of(tensor.name));
          types_.push_back(static_cast<ggml_type>(tensor.type->id));
        }
      }
    }
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      overrides_.push_back({patterns_[i].c_str(), types_[i]});
    }
    overrides_.push_back({nullptr, GGML_TYPE_COUNT});
  }

  const llama_model_tensor_override* overrides() const { return overrides_.data(); }

 private:
  std::vector<std::string> patterns_;
  std::vector<ggml_type> types_;
  std::vector<llama_model_tensor_override> overrides_;
};

}  // namespace

void quantize_model(const std::filesystem::path& model, std::string_view quantization,
                    const std::filesystem::path& result, std::size_t threads) {
  constexpr std::size_t kWorkingMemory = 256U << 20U;
  llama_runtime();
  const bool experts_only = quantization.substr(0, kExpertsOnly.size()) == kExpertsOnly;
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.nthread = static_cast<std::int32_t>(threads);
  params.ftype = file_type(experts_only ? quantization.substr(kExpertsOnly.size()) : quantization);
  params.allow_requantize = true;  // From q8_0; `check_variant` knows what is precise enough.
  params.max_buf_size = kWorkingMemory;
  const KeptTensors kept(model);
  if (experts_only) {
    params.tt_overrides = kept.overrides();
  }
  take_llama_errors();
  if (llama_model_quantize(model.c_str(), result.c_str(), &params) != 0) {
    throw Error(ErrorCode::kIo, model.string() + ": llama.cpp could not quantize it to " +
                                    std::string(quantization) + ": " + take_llama_errors());
  }
}

}  // namespace crudbench
