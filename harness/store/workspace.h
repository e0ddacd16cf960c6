#pragma once

#include <filesystem>
#include <string>

namespace crudbench {

/// The folder with everything crudbench makes: the database, the knowledge bases, the lock.
struct Workspace {
  std::filesystem::path folder;
  /// Where knowledge bases stand if several workspaces share them; empty: in this one.
  std::filesystem::path shared_knowledge_bases;

  std::filesystem::path database_file() const { return folder / "crudbench.db"; }
  std::filesystem::path knowledge_base_folder() const {
    return shared_knowledge_bases.empty() ? folder / "kb" : shared_knowledge_bases;
  }
  std::filesystem::path log_folder() const { return folder / "logs"; }
  /// Variants of local models.
  std::filesystem::path model_folder() const { return folder / "models"; }
  std::filesystem::path lock_file() const { return folder / "lock"; }
};

/// Keeps other processes from writing to a workspace; readers need no lock. The operating system
/// drops it with the process, however that ends.
class WorkspaceLock {
 public:
  /// Creates the folder if need be. Throws Error(kIo): "workspace 'x' is in use by process 12 on
  /// host h since 2026-…" if another process holds it, or if it cannot be written to.
  explicit WorkspaceLock(const Workspace& workspace);
  ~WorkspaceLock();
  WorkspaceLock(const WorkspaceLock&) = delete;
  WorkspaceLock& operator=(const WorkspaceLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// Now in UTC: "2026-11-23T18:39:00Z".
std::string utc_timestamp();

}  // namespace crudbench
