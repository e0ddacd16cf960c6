#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace crudbench {

/// The value of the axis `quantization` that is no variant: the model's file as it is.
inline constexpr const char* kWholeModel = "model";

/// The values of the axis `quantization`: `kWholeModel`, and the variants that are
/// made from a file of higher precision by llama.cpp's own quantiser. Those that begin with
/// "experts_" change the experts' matrices alone and leave all other tensors as they are.
std::span<const std::string_view> quantization_names() noexcept;

/// Where a variant of the model of this content stands, or will: "FOLDER/<fingerprint>/model.gguf".
/// The fingerprint is over the content, the quantization and the version of how variants are made.
std::filesystem::path variant_file(const std::filesystem::path& folder,
                                   const std::string& model_sha256, std::string_view quantization);

/// Refuses a variant that would not lose precision in the way its name says: made from a file whose
/// matrices are neither f32, f16, bf16 nor q8_0, or experts of a dense model. Throws
/// Error(kInvalidConfig), or Error(kInvalidData) and Error(kIo) for `model`.
void check_variant(const std::filesystem::path& model, std::string_view quantization);

/// Makes the variant where it does not stand yet, and returns its file. It appears whole or not at
/// all; of two processes that make the same one the first wins. Takes about as long as reading and
/// writing the model, on `threads` threads. Throws as `check_variant`, Error(kIo) with llama.cpp's
/// reason where it fails, and Error(kInvalidConfig) in a build without llama.cpp.
std::filesystem::path make_variant(const std::filesystem::path& model,
                                   const std::string& model_sha256, std::string_view quantization,
                                   const std::filesystem::path& folder, std::size_t threads);

/// llama.cpp's quantiser: reads `model` (all its parts), writes `result`. Of harness/llama alone.
void quantize_model(const std::filesystem::path& model, std::string_view quantization,
                    const std::filesystem::path& result, std::size_t threads);

}  // namespace crudbench
