#pragma once

#include <filesystem>
#include <string>

namespace crudbench {

/// The folder for what can be made again at any time: $XDG_CACHE_HOME/crudbench, else
/// $HOME/.cache/crudbench; empty where neither is set.
std::filesystem::path user_cache_folder();

/// SHA-256 of a file's content, 64 hexadecimal digits. Files are large, so it is remembered in
/// `user_cache_folder()` with the file's absolute path, size and time of change, and taken from
/// there while these are the same. What cannot be remembered is computed again next time. Throws
/// Error(kIo) if the file cannot be read.
std::string remembered_sha256(const std::filesystem::path& file);

}  // namespace crudbench
