#include "harness/core/files.h"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "harness/core/error.h"

namespace crudbench {

namespace {

/// A POSIX descriptor, owned from its first line.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) {
      ::close(value_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const noexcept { return value_; }
  int release() noexcept { return std::exchange(value_, -1); }

 private:
  int value_;
};

Descriptor open_for_reading(const std::filesystem::path& path) {
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) {
    throw io_error("read", path.string(), errno);
  }
  return Descriptor(descriptor.release());
}

void sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) != 0) {
    throw io_error("sync folder", folder.string(), errno);
  }
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// A sibling name no other process or thread uses.
std::filesystem::path temporary_sibling(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter{0};
  return folder_of(path) / ("." + path.filename().string() + ".tmp-" + std::to_string(::getpid()) +
                            "-" + std::to_string(counter.fetch_add(1)));
}

void rename_or_throw(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw io_error("rename to", to.string(), errno);
  }
}

}  // namespace

void read_pieces(const std::filesystem::path& path, std::size_t piece_bytes,
                 const std::function<void(std::string_view piece)>& take) {
  const Descriptor descriptor = open_for_reading(path);
  std::string buffer(piece_bytes, '\0');
  for (;;) {
    const ssize_t got = ::read(descriptor.get(), buffer.data(), buffer.size());
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      throw io_error("read", path.string(), errno);
    }
    if (got == 0) {
      return;
    }
    take(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
  }
}

std::string read_file(const std::filesystem::path& path) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 18U;
  std::string content;
  std::error_code ignored;
  if (const auto size = std::filesystem::file_size(path, ignored); !ignored) {
    content.reserve(size);
  }
  read_pieces(path, kPieceBytes, [&content](std::string_view piece) { content.append(piece); });
  return content;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  AtomicFileWriter writer(path);
  writer.write(content);
  writer.commit();
}

AtomicFileWriter::AtomicFileWriter(std::filesystem::path path)
    : path_(std::move(path)), temporary_(temporary_sibling(path_)) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw io_error("write", path_.string(), errno);
  }
}

AtomicFileWriter::~AtomicFileWriter() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
  }
}

void AtomicFileWriter::write(std::string_view bytes) {
  constexpr std::size_t kFlushBytes = std::size_t{1} << 18U;
  buffer_.append(bytes);
  if (buffer_.size() >= kFlushBytes) {
    flush();
  }
}

void AtomicFileWriter::flush() {
  std::string_view left = buffer_;
  while (!left.empty()) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      throw io_error("write", path_.string(), errno);
    }
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  buffer_.clear();
}

void AtomicFileWriter::commit() {
  flush();
  if (::fsync(descriptor_) != 0) {
    throw io_error("write", path_.string(), errno);
  }
  ::close(std::exchange(descriptor_, -1));
  try {
    rename_or_throw(temporary_, path_);
  } catch (const Error&) {
    ::unlink(temporary_.c_str());
    throw;
  }
  sync_folder(folder_of(path_));
}

AtomicFolder::AtomicFolder(std::filesystem::path final_path)
    : final_path_(std::move(final_path)), temporary_(temporary_sibling(final_path_)) {
  create_folders(temporary_);
}

AtomicFolder::~AtomicFolder() {
  if (!committed_) {
    std::error_code ignored;
    std::filesystem::remove_all(temporary_, ignored);
  }
}

void AtomicFolder::commit() {
  sync_folder(temporary_);
  if (::rename(temporary_.c_str(), final_path_.c_str()) != 0) {
    if (errno == EEXIST || errno == ENOTEMPTY) {
      return;  // The destructor removes ours.
    }
    throw io_error("rename to", final_path_.string(), errno);
  }
  committed_ = true;
  sync_folder(folder_of(final_path_));
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor descriptor = open_for_reading(path);
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) {
    throw io_error("read", path.string(), errno);
  }
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) {
    return;
  }
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (mapping == MAP_FAILED) {
    throw io_error("map", path.string(), errno);
  }
  data_ = static_cast<const char*>(mapping);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<char*>(data_), size_);
  }
}

void create_folders(const std::filesystem::path& path) {
  std::error_code problem;
  std::filesystem::create_directories(path, problem);
  if (problem) {
    throw io_error("create folder", path.string(), problem.value());
  }
}

}  // namespace crudbench
