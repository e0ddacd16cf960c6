#include "harness/core/file_hash.h"

#include <cerrno>
#include <cstdlib>
#include <sys/stat.h>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/core/json.h"
#include "harness/core/log.h"

namespace crudbench {

namespace {

constexpr int kFormat = 1;

/// What tells one state of a file from another, short of reading it.
Json state_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    throw io_error("read", file.string(), errno);
  }
  return {{"format", kFormat},
          {"path", std::filesystem::absolute(file).lexically_normal().string()},
          {"size", status.st_size},
          {"changed_s", status.st_mtim.tv_sec},
          {"changed_ns", status.st_mtim.tv_nsec},
          {"inode", status.st_ino}};
}

std::string hash_of(const std::filesystem::path& file) {
  constexpr std::size_t kPieceBytes = std::size_t{4} << 20U;
  Sha256 sha;
  read_pieces(file, kPieceBytes, [&sha](std::string_view piece) { sha.update(piece); });
  return sha.hex_digest();
}

/// One small file a hashed file, so that processes never write over each other's entries.
std::filesystem::path note_for(const Json& state) {
  const std::filesystem::path folder = user_cache_folder();
  return folder.empty()
             ? folder
             : folder / "hashes" / (sha256_hex(state.at("path").get<std::string>()) + ".json");
}

}  // namespace

std::filesystem::path user_cache_folder() {
  const auto set = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const auto cache = set("XDG_CACHE_HOME"); cache.is_absolute()) {
    return cache / "crudbench";
  }
  const auto home = set("HOME");
  return home.is_absolute() ? home / ".cache" / "crudbench" : std::filesystem::path();
}

std::string remembered_sha256(const std::filesystem::path& file) {
  const Json state = state_of(file);
  const std::filesystem::path note = note_for(state);
  if (!note.empty() && std::filesystem::exists(note)) {
    try {
      const Json known = read_json_file(note, ErrorCode::kInvalidData);
      if (known.at("of") == state) {
        return known.at("sha256").get<std::string>();
      }
    } catch (const std::exception&) {  // A damaged note is written anew.
    }
  }
  std::string hash = hash_of(file);
  if (!note.empty() && state_of(file) == state) {
    try {
      create_folders(note.parent_path());
      write_file_atomically(note, to_text({{"of", state}, {"sha256", hash}}));
    } catch (const Error& error) {
      log_debug("hash", std::string("not remembered: ") + error.what());
    }
  }
  return hash;
}

}  // namespace crudbench
