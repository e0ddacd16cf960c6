#include "tests/fakes/faulty_vfs.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <sqlite3.h>
#include <stdexcept>
#include <string>

namespace crudbench::testing_support {

namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What the shim knows; SQLite's callbacks are C and find it here.
struct Disk {
  std::mutex mutex;  ///< Guards everything below.
  std::size_t operations = 0;
  std::size_t fails_at = 0;  ///< 0: never.
  DiskFault fault = DiskFault::kFull;
  bool has_failed = false;
  std::map<std::string, std::string> synced;  ///< Path → content at its last sync.

  /// SQLITE_OK, or what this operation fails with.
  int next(int io_error) {
    const std::lock_guard lock(mutex);
    ++operations;
    if (fails_at == 0 || operations < fails_at) {
      return SQLITE_OK;
    }
    has_failed = true;
    return fault == DiskFault::kFull ? SQLITE_FULL : io_error;
  }
};

Disk& disk() {
  static Disk instance;
  return instance;
}

/// A file of the shim; behind it stands the real one's structure.
struct ShimFile {
  sqlite3_file base;
  sqlite3_file* real;
  const char* path;  ///< SQLite keeps it as long as the file is open; nullptr for temporary files.
};

sqlite3_file* real_of(sqlite3_file* file) {
  return reinterpret_cast<ShimFile*>(file)->real;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  const int code = disk().next(SQLITE_IOERR_WRITE);
  return code != SQLITE_OK ? code
                           : real_of(file)->pMethods->xWrite(real_of(file), data, size, offset);
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  const int code = disk().next(SQLITE_IOERR_TRUNCATE);
  return code != SQLITE_OK ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

int sync(sqlite3_file* file, int flags) {
  if (const int code = disk().next(SQLITE_IOERR_FSYNC); code != SQLITE_OK) {
    // A full disk is noticed when something is written.
    return code == SQLITE_FULL ? SQLITE_IOERR_FSYNC : code;
  }
  const int code = real_of(file)->pMethods->xSync(real_of(file), flags);
  if (const char* path = reinterpret_cast<ShimFile*>(file)->path;
      code == SQLITE_OK && path != nullptr) {
    const std::lock_guard lock(disk().mutex);
    disk().synced[path] = content_of(path);
  }
  return code;
}

// The rest goes to the real file as it is.
int close(sqlite3_file* file) {
  return real_of(file)->pMethods->xClose(real_of(file));
}
int read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  return real_of(file)->pMethods->xRead(real_of(file), data, size, offset);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int lock(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int unlock(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int check_reserved_lock(sqlite3_file* file, int* result) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}
int file_control(sqlite3_file* file, int operation, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
int sector_size(sqlite3_file* file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
int characteristics(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, volatile void** memory) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}
int shm_unmap(sqlite3_file* file, int delete_flag) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), delete_flag);
}

const sqlite3_io_methods kMethods = {.iVersion = 2,
                                     .xClose = close,
                                     .xRead = read,
                                     .xWrite = write,
                                     .xTruncate = truncate,
                                     .xSync = sync,
                                     .xFileSize = file_size,
                                     .xLock = lock,
                                     .xUnlock = unlock,
                                     .xCheckReservedLock = check_reserved_lock,
                                     .xFileControl = file_control,
                                     .xSectorSize = sector_size,
                                     .xDeviceCharacteristics = characteristics,
                                     .xShmMap = shm_map,
                                     .xShmLock = shm_lock,
                                     .xShmBarrier = shm_barrier,
                                     .xShmUnmap = shm_unmap};

sqlite3_vfs* real_vfs = nullptr;

int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  auto* shim = reinterpret_cast<ShimFile*>(file);
  shim->real = reinterpret_cast<sqlite3_file*>(shim + 1);
  shim->path = path;
  const int code = real_vfs->xOpen(real_vfs, path, shim->real, flags, out_flags);
  shim->base.pMethods = shim->real->pMethods != nullptr ? &kMethods : nullptr;
  return code;
}

}  // namespace

class FaultyVfs::Impl {
 public:
  Impl() {
    if (real_vfs == nullptr) {
      real_vfs = sqlite3_vfs_find(nullptr);
    }
    {
      const std::lock_guard lock(disk().mutex);
      disk().operations = disk().fails_at = 0;
      disk().has_failed = false;
      disk().synced.clear();
    }
    vfs_ = *real_vfs;
    vfs_.zName = "faulty";
    vfs_.szOsFile = static_cast<int>(sizeof(ShimFile)) + real_vfs->szOsFile;
    vfs_.pNext = nullptr;
    vfs_.xOpen = open;
    if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) {
      throw std::runtime_error("cannot register the VFS shim");
    }
  }
  ~Impl() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_vfs, 1);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

 private:
  sqlite3_vfs vfs_{};
};

FaultyVfs::FaultyVfs() : impl_(std::make_unique<Impl>()) {}
FaultyVfs::~FaultyVfs() = default;

void FaultyVfs::fail_after(std::size_t count, DiskFault fault) {
  const std::lock_guard lock(disk().mutex);
  disk().fails_at = disk().operations + count;
  disk().fault = fault;
  disk().has_failed = false;
}

void FaultyVfs::repair() {
  const std::lock_guard lock(disk().mutex);
  disk().fails_at = 0;
}

std::size_t FaultyVfs::operations() const {
  const std::lock_guard lock(disk().mutex);
  return disk().operations;
}

bool FaultyVfs::has_failed() const {
  const std::lock_guard lock(disk().mutex);
  return disk().has_failed;
}

void FaultyVfs::cut_power(const std::filesystem::path& database,
                          const std::filesystem::path& folder) const {
  const std::lock_guard lock(disk().mutex);
  std::filesystem::create_directories(folder);
  for (const auto& [path, content] : disk().synced) {
    if (path.starts_with(database.string())) {  // Also its -wal.
      std::ofstream(folder / std::filesystem::path(path).filename(), std::ios::binary) << content;
    }
  }
}

}  // namespace crudbench::testing_support
