#include "retrievers/artifact_store.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <map>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/core/log.h"

namespace crudbench {

namespace {

constexpr const char* kManifestName = "manifest.json";
constexpr std::uintmax_t kLargestHashedBytes = std::uintmax_t{64} << 20U;

enum class Check { kSizes, kSmallHashes, kAllHashes };

/// An exclusive lock on a file, held until the end of the object or of the process.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) {
      throw io_error("write", path.string(), errno);
    }
  }
  ~FileLock() { ::close(descriptor_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  /// False if another process holds it.
  bool try_lock() const { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }
  void lock(const std::string& what) const {
    if (try_lock()) {
      return;
    }
    log_info("kb", "waiting for another process that builds " + what);
    while (::flock(descriptor_, LOCK_EX) != 0) {
      if (errno != EINTR) {
        throw io_error("lock", path_.string(), errno);
      }
    }
  }

 private:
  std::filesystem::path path_;
  int descriptor_;
};

std::string sha256_of_file(const std::filesystem::path& path) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;
  Sha256 sha;
  read_pieces(path, kPieceBytes, [&sha](std::string_view piece) { sha.update(piece); });
  return sha.hex_digest();
}

void remove_folder(const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::remove_all(folder, problem);
  if (problem) {
    throw io_error("remove", folder.string(), problem.value());
  }
}

void write_manifest(const std::filesystem::path& folder, const Artifact& artifact) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  Json files = Json::array();
  for (const std::filesystem::path& path : paths) {
    files.push_back({{"name", path.filename().string()},
                     {"size_bytes", std::filesystem::file_size(path)},
                     {"sha256", sha256_of_file(path)}});
  }
  const Json manifest{{"kind", artifact.kind},
                      {"fingerprint", artifact.fingerprint},
                      {"parameters", artifact.parameters},
                      {"files", std::move(files)}};
  write_file_atomically(folder / kManifestName, manifest.dump(2) + "\n");
}

/// Why the folder is not what `artifact` says; empty if it is. Throws what malformed JSON throws.
std::string compare_with_manifest(const std::filesystem::path& folder, const Artifact& artifact,
                                  Check check) {
  const Json manifest = read_json_file(folder / kManifestName, ErrorCode::kInvalidData);
  if (manifest.at("kind") != artifact.kind || manifest.at("fingerprint") != artifact.fingerprint) {
    return "the manifest is another artifact's";
  }
  for (const Json& file : manifest.at("files")) {
    const std::filesystem::path path = folder / file.at("name").get<std::string>();
    const auto size_bytes = file.at("size_bytes").get<std::uintmax_t>();
    std::error_code missing;
    if (std::filesystem::file_size(path, missing) != size_bytes || missing) {
      return path.filename().string() + " is missing or has another size";
    }
    const bool is_hashed = check == Check::kAllHashes ||
                           (check == Check::kSmallHashes && size_bytes <= kLargestHashedBytes);
    if (is_hashed && sha256_of_file(path) != file.at("sha256").get<std::string>()) {
      return path.filename().string() + " has changed";
    }
  }
  return {};
}

/// Why the folder cannot be used; empty if it can.
std::string find_defect(const std::filesystem::path& folder, const Artifact& artifact,
                        Check check) {
  try {
    return compare_with_manifest(folder, artifact, check);
  } catch (const Error& error) {
    return error.what();
  } catch (const Json::exception&) {
    return "the manifest is malformed";
  }
}

/// Removes what a killed process left of the artifact. Only the holder of its lock may call this.
void remove_leftovers(const std::filesystem::path& folder) {
  std::string prefix = ".";
  prefix.append(folder.filename().string()).append(".tmp-");
  for (const auto& entry : std::filesystem::directory_iterator(folder.parent_path())) {
    if (entry.path().filename().string().starts_with(prefix)) {
      remove_folder(entry.path());
    }
  }
}

std::uintmax_t bytes_below(const std::filesystem::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code gone;  // Another process may remove what is being listed.
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, gone)) {
    const std::uintmax_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    bytes += gone ? 0 : size;
  }
  return bytes;
}

/// Kind and parameters as the manifest has them; empty where it cannot be read.
Artifact read_artifact(const std::filesystem::path& folder, const std::string& fingerprint) {
  try {
    const Json manifest = read_json_file(folder / kManifestName, ErrorCode::kInvalidData);
    return {manifest.at("kind").get<std::string>(), fingerprint, manifest.at("parameters")};
  } catch (const Error&) {
    return {.fingerprint = fingerprint};
  } catch (const Json::exception&) {
    return {.fingerprint = fingerprint};
  }
}

/// The fingerprint that a name in the root belongs to; empty for other names.
std::string fingerprint_in(const std::string& name) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::size_t kLength = 64;
  const std::size_t begin = name.starts_with('.') ? 1 : 0;
  const std::string fingerprint = name.substr(begin, kLength);
  return fingerprint.size() == kLength && fingerprint.find_first_not_of(kHex) == std::string::npos
             ? fingerprint
             : std::string();
}

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", seconds);
  return text;
}

std::string name_of(const Artifact& artifact) {
  return artifact.kind + " " + artifact.fingerprint.substr(0, 12);
}

}  // namespace

std::filesystem::path ArtifactStore::folder_of(const std::string& fingerprint) const {
  return root_ / fingerprint;
}

std::filesystem::path ArtifactStore::lock_of(const std::string& fingerprint) const {
  return root_ / (fingerprint + ".lock");
}

std::filesystem::path ArtifactStore::unfinished_of(const std::string& fingerprint) const {
  return root_ / (fingerprint + ".unfinished");
}

std::filesystem::path ArtifactStore::unfinished_folder(const Artifact& artifact) const {
  return unfinished_of(artifact.fingerprint);
}

bool ArtifactStore::has(const Artifact& artifact) const {
  return find_defect(folder_of(artifact.fingerprint), artifact, Check::kSizes).empty();
}

std::filesystem::path ArtifactStore::ensure(
    const Artifact& artifact,
    const std::function<std::string(const std::filesystem::path& folder)>& build) const {
  std::filesystem::path folder = folder_of(artifact.fingerprint);
  if (find_defect(folder, artifact, Check::kSmallHashes).empty()) {
    log_debug("kb", "reusing " + name_of(artifact));
    return folder;
  }
  create_folders(root_);
  const FileLock lock(lock_of(artifact.fingerprint));
  lock.lock(name_of(artifact));
  const std::string defect = find_defect(folder, artifact, Check::kSmallHashes);
  if (defect.empty()) {
    return folder;  // Another process has built it meanwhile.
  }
  if (std::error_code ignored; std::filesystem::exists(folder, ignored)) {
    log_warning("kb", name_of(artifact) + " is built anew: " + defect);
  }
  remove_folder(folder);
  remove_leftovers(folder);
  const auto start = std::chrono::steady_clock::now();
  AtomicFolder temporary(folder);
  const std::string summary = build(temporary.path());
  write_manifest(temporary.path(), artifact);
  temporary.commit();
  remove_folder(unfinished_of(artifact.fingerprint));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  log_info("kb",
           "built " + name_of(artifact) + " in " + seconds_text(taken.count()) + ": " + summary);
  if (built_) {
    built_(artifact.fingerprint, taken.count());
  }
  return folder;
}

void ArtifactStore::discard(const Artifact& artifact) const {
  const FileLock lock(lock_of(artifact.fingerprint));
  lock.lock(name_of(artifact));
  remove_folder(folder_of(artifact.fingerprint));
}

std::vector<StoredArtifact> ArtifactStore::list() const {
  std::map<std::string, std::uintmax_t> sizes;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(root_, missing)) {
    const std::string fingerprint = fingerprint_in(entry.path().filename().string());
    if (!fingerprint.empty() && entry.is_directory(missing)) {
      sizes[fingerprint] += bytes_below(entry.path());
    }
  }
  std::vector<StoredArtifact> stored;
  for (const auto& [fingerprint, size_bytes] : sizes) {
    const std::filesystem::path folder = folder_of(fingerprint);
    Artifact artifact = read_artifact(folder, fingerprint);
    std::string defect = std::filesystem::exists(folder, missing)
                             ? find_defect(folder, artifact, Check::kSizes)
                             : "it was never finished";
    const std::filesystem::path dated =
        std::filesystem::exists(folder, missing) ? folder : unfinished_of(fingerprint);
    stored.push_back({fingerprint, std::move(artifact.kind), std::move(artifact.parameters),
                      std::move(defect), size_bytes,
                      std::filesystem::last_write_time(dated, missing)});
  }
  return stored;
}

std::string ArtifactStore::verify(const std::string& fingerprint) const {
  const std::filesystem::path folder = folder_of(fingerprint);
  return find_defect(folder, read_artifact(folder, fingerprint), Check::kAllHashes);
}

bool ArtifactStore::remove(const std::string& fingerprint) const {
  const FileLock lock(lock_of(fingerprint));
  if (!lock.try_lock()) {
    return false;
  }
  remove_folder(folder_of(fingerprint));
  remove_folder(unfinished_of(fingerprint));
  remove_leftovers(folder_of(fingerprint));
  return true;
}

}  // namespace crudbench
