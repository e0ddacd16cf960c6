#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crudbench {

/// The files of a model, in order: `first` alone, or all parts where its name ends as that of a
/// first part does ("x-00001-of-00003.gguf"). Throws Error(kIo) naming a part that is not there,
/// Error(kInvalidData) if `first` is another part than the first.
std::vector<std::filesystem::path> model_files(const std::filesystem::path& first);

/// Names the content of a model whatever its path: the SHA-256 of its file; of several parts, that
/// over the hashes of all. Files are read once: the hash is remembered in the user's cache folder
/// by path, size and time of change. Throws as `model_files`, and Error(kIo).
std::string model_sha256(const std::filesystem::path& first);

}  // namespace crudbench
