#include "harness/llama/model_variant.h"

#include <algorithm>
#include <array>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/core/log.h"
#include "harness/llama/gguf_file.h"

namespace crudbench {

namespace {

constexpr std::array<std::string_view, 13> kNames{
    kWholeModel,      "q8_0",           "q6_k",         "q5_k_m",       "q4_k_m",
    "q3_k_m",         "q2_k",           "experts_q8_0", "experts_q6_k", "experts_q5_k_m",
    "experts_q4_k_m", "experts_q3_k_m", "experts_q2_k",
};
constexpr std::string_view kExpertsOnly = "experts_";
constexpr std::array<std::string_view, 4> kPreciseTypes{"f32", "f16", "bf16", "q8_0"};
/// Raised when variants of the same name are made in another way.
constexpr int kFormatVersion = 1;
constexpr const char* kFileName = "model.gguf";

}  // namespace

std::span<const std::string_view> quantization_names() noexcept {
  return kNames;
}

std::filesystem::path variant_file(const std::filesystem::path& folder,
                                   const std::string& model_sha256, std::string_view quantization) {
  const std::string fingerprint = FingerprintBuilder("model_variant", kFormatVersion)
                                      .add(model_sha256)
                                      .add(quantization)
                                      .hex_digest();
  return folder / fingerprint / kFileName;
}

void check_variant(const std::filesystem::path& model, std::string_view quantization) {
  const GgufFile file = read_gguf_file(model);
  const std::string what = model.string() + ": quantization '" + std::string(quantization) + "' ";
  if (quantization.substr(0, kExpertsOnly.size()) == kExpertsOnly && file.experts == 0) {
    throw Error(ErrorCode::kInvalidConfig, what + "needs a model with experts, this one is dense");
  }
  for (const GgufFile::TypeShare& type : file.types) {
    if (std::find(kPreciseTypes.begin(), kPreciseTypes.end(), type.type) == kPreciseTypes.end()) {
      throw Error(ErrorCode::kInvalidConfig,
                  what + "is made from a file in f32, f16, bf16 or q8_0; this one has tensors in " +
                      type.type);
    }
  }
}

std::filesystem::path make_variant(const std::filesystem::path& model,
                                   const std::string& model_sha256, std::string_view quantization,
                                   const std::filesystem::path& folder, std::size_t threads) {
  std::filesystem::path file = variant_file(folder, model_sha256, quantization);
  if (std::filesystem::exists(file)) {
    return file;
  }
  check_variant(model, quantization);
  log_info("llama", "makes the variant " + std::string(quantization) + " of " + model.string());
  create_folders(folder);
  AtomicFolder variant(file.parent_path());
  quantize_model(model, quantization, variant.path() / kFileName, threads);
  variant.commit();
  return file;
}

}  // namespace crudbench
