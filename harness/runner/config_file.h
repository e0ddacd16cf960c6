#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "harness/core/error.h"
#include "harness/core/json.h"

namespace crudbench {

/// Error(kInvalidConfig) "FILE: POINTER: PROBLEM".
Error config_error(const std::string& file, const std::string& pointer, const std::string& problem);

/// The configuration with its base files merged in, paths made absolute and overrides applied.
///
/// `"base"` names a file, or a list of files of which later ones win, that this one extends: by
/// JSON merge patch (RFC 7386), so objects are merged key by key, lists and scalars are replaced,
/// and null removes. A base may have bases. Relative paths start at the folder of the file that
/// says them, in overrides at the working directory. `overrides` are "POINTER=VALUE"; a value that
/// is not JSON is a string. Throws Error(kInvalidConfig) for what cannot be merged, a file that
/// extends itself included, and Error(kIo) for a base that cannot be read.
Json complete_config(Json config, const std::string& file, const std::filesystem::path& folder,
                     std::span<const std::string> overrides);

}  // namespace crudbench
