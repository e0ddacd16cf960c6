#pragma once

#include <cstddef>
#include <filesystem>

#include "harness/store/store.h"

namespace crudbench {

/// Writes all completions of a store as JSON lines that `import_completions` reads: a first line
/// {"crudbench_completions": 1}, then one object each. There whole or not at all. Returns how many.
/// Throws Error(kIo).
std::size_t export_completions(const Store& store, const std::filesystem::path& file);

struct ImportCount {
  std::size_t read = 0;
  std::size_t added = 0;  ///< The rest were there already, and stay as they were.
};

/// Adds the completions of such a file. The file is foreign: a line that has not the agreed form is
/// Error(kInvalidData) "FILE:LINE: …", and then nothing of the file is added.
ImportCount import_completions(Store& store, const std::filesystem::path& file);

}  // namespace crudbench
