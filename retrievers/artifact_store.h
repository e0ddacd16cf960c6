#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/json.h"

namespace crudbench {

/// What is known of an artifact before it is built.
struct Artifact {
  std::string kind;         ///< "chunks", "bm25", …
  std::string fingerprint;  ///< Folder name; see FingerprintBuilder.
  Json parameters;          ///< For people who read the manifest.
};

/// What stands in a store under one fingerprint.
struct StoredArtifact {
  std::string fingerprint;
  std::string kind;               ///< Empty where there is no readable manifest.
  Json parameters;                ///< Null where there is none.
  std::string defect;             ///< Why it cannot be used: sizes, not hashes. Empty if it can.
  std::uintmax_t size_bytes = 0;  ///< With what is unfinished of it.
  std::filesystem::file_time_type built_at;
};

/// Folders that are built once: ROOT/<fingerprint>/ with a `manifest.json` that lists kind,
/// fingerprint, parameters, and every file with its size and SHA-256.
///
/// A folder is valid if its manifest says what is asked for and every listed file has the listed
/// size. `ensure` also compares the SHA-256 of files of up to 64 MiB, so that reusing a large
/// artifact does not cost reading it; whoever loads a larger file checks its structure.
///
/// Processes that want the same artifact wait for the first one, by a lock on
/// ROOT/<fingerprint>.lock. Callable from any thread.
class ArtifactStore {
 public:
  /// `root` is created when first written to.
  explicit ArtifactStore(std::filesystem::path root) : root_(std::move(root)) {}

  /// Told of every artifact that `ensure` has built: its fingerprint, and the seconds that took
  /// with all that was built in its course.
  using Built = std::function<void(const std::string& fingerprint, double seconds)>;
  void on_built(Built built) { built_ = std::move(built); }

  /// True if a valid folder stands there; compares no SHA-256.
  bool has(const Artifact& artifact) const;

  /// The folder of the artifact. If it is not there or not valid, `build` fills a temporary folder,
  /// which then takes its place, and returns what to log: "411343 chunks". Whatever `build` throws
  /// passes through, and nothing is left behind. Throws Error(kIo).
  std::filesystem::path ensure(
      const Artifact& artifact,
      const std::function<std::string(const std::filesystem::path& folder)>& build) const;

  /// Where `build` may keep what it does not want to do twice, should it fail or be killed. Removed
  /// once the artifact is built.
  std::filesystem::path unfinished_folder(const Artifact& artifact) const;

  /// Removes the folder. Throws Error(kIo).
  void discard(const Artifact& artifact) const;

  /// Everything that stands there, by fingerprint; also what is damaged or was never finished.
  std::vector<StoredArtifact> list() const;
  /// Why the artifact cannot be used, all its files hashed; empty if it can.
  std::string verify(const std::string& fingerprint) const;
  /// Removes all that stands under a fingerprint; false, and nothing is touched, while another
  /// process builds it. Throws Error(kIo).
  bool remove(const std::string& fingerprint) const;

 private:
  std::filesystem::path folder_of(const std::string& fingerprint) const;
  std::filesystem::path lock_of(const std::string& fingerprint) const;
  std::filesystem::path unfinished_of(const std::string& fingerprint) const;

  std::filesystem::path root_;
  Built built_;
};

}  // namespace crudbench
