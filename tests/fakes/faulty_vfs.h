#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

namespace crudbench::testing_support {

/// What SQLite is told by a disk that fails.
enum class DiskFault {
  kFull,     ///< No space for a write.
  kIoError,  ///< A write or a sync fails.
};

/// A disk under SQLite that fails when it is told to, and knows what a power cut would leave: for
/// the life of the object it stands between SQLite and the files of every database that this
/// process opens (a VFS shim, https://sqlite.org/vfs.html). One at a time. Thread-safe.
class FaultyVfs {
 public:
  FaultyVfs();
  ~FaultyVfs();
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  /// The `count`-th write, sync or truncation from now on fails, from 1, and so do all after it.
  void fail_after(std::size_t count, DiskFault fault);
  /// The disk works again.
  void repair();
  /// Writes, syncs and truncations so far.
  std::size_t operations() const;
  /// Whether a fault was met.
  bool has_failed() const;

  /// Writes the database's files as they were last synced into `folder`: everything that was not
  /// synced is lost.
  void cut_power(const std::filesystem::path& database, const std::filesystem::path& folder) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crudbench::testing_support
