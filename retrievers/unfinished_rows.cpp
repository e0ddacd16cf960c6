#include "retrievers/unfinished_rows.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"

namespace crudbench {

namespace {

constexpr std::size_t kDigestBytes = 64;

/// One line of the journal, as it stands on the disk.
struct JournalEntry {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t row_count = 0;  ///< Of all, so that a journal of another shape is told apart.
  std::uint64_t dimension = 0;
  std::array<char, kDigestBytes> digest{};
};

std::string digest_of(std::span<const float> values) {
  return sha256_hex({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

int open_or_throw(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);
  if (descriptor < 0) {
    throw io_error("write", path.string(), errno);
  }
  return descriptor;
}

/// Maps a file of `bytes` bytes, all of them reserved: writing to memory cannot report a full disk.
float* map_file(const std::filesystem::path& path, std::size_t bytes) {
  const int descriptor = open_or_throw(path, 0);
  int problem = 0;
  const auto size = static_cast<off_t>(bytes);
  if (::ftruncate(descriptor, size) != 0) {
    problem = errno;
  } else {
    problem = ::posix_fallocate(descriptor, 0, size);
  }
  void* memory = MAP_FAILED;
  if (problem == 0) {
    memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    problem = memory == MAP_FAILED ? errno : 0;
  }
  ::close(descriptor);
  if (problem != 0) {
    throw io_error("write", path.string(), problem);
  }
  return static_cast<float*>(memory);
}

}  // namespace

UnfinishedRows::UnfinishedRows(const std::filesystem::path& folder, std::size_t row_count,
                               std::size_t dimension)
    : rows_path_(folder / "rows.f32"),
      journal_path_(folder / "journal"),
      row_count_(row_count),
      dimension_(dimension),
      is_final_(row_count) {
  if (row_count == 0 || dimension == 0) {
    throw std::logic_error("there are no rows to fill");
  }
  create_folders(folder);
  values_ = map_file(rows_path_, row_count * dimension * sizeof(float));
  try {
    read_journal();
    journal_ = open_or_throw(journal_path_, O_APPEND);
  } catch (...) {
    ::munmap(values_, row_count * dimension * sizeof(float));
    throw;
  }
}

UnfinishedRows::~UnfinishedRows() {
  ::munmap(values_, row_count_ * dimension_ * sizeof(float));
  ::close(journal_);
}

void UnfinishedRows::read_journal() {
  std::error_code missing;
  if (!std::filesystem::exists(journal_path_, missing)) {
    return;
  }
  const std::string bytes = read_file(journal_path_);
  JournalEntry entry;
  std::size_t offset = 0;
  for (; offset + sizeof entry <= bytes.size(); offset += sizeof entry) {
    std::memcpy(&entry, bytes.data() + offset, sizeof entry);
    if (entry.row_count != row_count_ || entry.dimension != dimension_ ||
        entry.begin >= entry.end || entry.end > row_count_) {
      break;
    }
    if (is_final({entry.begin, entry.end}, entry.digest.data())) {
      std::fill(is_final_.begin() + static_cast<std::ptrdiff_t>(entry.begin),
                is_final_.begin() + static_cast<std::ptrdiff_t>(entry.end), true);
    }
  }
  // Half an entry, or what does not belong here, must not stand before what is appended.
  if (offset != bytes.size()) {
    std::filesystem::resize_file(journal_path_, offset, missing);
    if (missing) {
      throw io_error("write", journal_path_.string(), missing.value());
    }
  }
}

bool UnfinishedRows::is_final(const RowRange& range, const char* digest) const {
  const std::span<const float> values(values_ + range.begin * dimension_,
                                      (range.end - range.begin) * dimension_);
  return digest_of(values) == std::string_view(digest, kDigestBytes);
}

std::span<float> UnfinishedRows::rows(RowRange range) {
  return {values_ + range.begin * dimension_, (range.end - range.begin) * dimension_};
}

std::vector<RowRange> UnfinishedRows::missing() const {
  std::vector<RowRange> ranges;
  for (std::size_t row = 0; row < row_count_; ++row) {
    if (is_final_[row]) {
      continue;
    }
    if (!ranges.empty() && ranges.back().end == row) {
      ++ranges.back().end;
    } else {
      ranges.push_back({row, row + 1});
    }
  }
  return ranges;
}

void UnfinishedRows::finish(RowRange range) {
  JournalEntry entry{
      .begin = range.begin, .end = range.end, .row_count = row_count_, .dimension = dimension_};
  const std::string digest = digest_of(rows(range));
  std::copy(digest.begin(), digest.end(), entry.digest.begin());
  ssize_t written = 0;
  do {
    written = ::write(journal_, &entry, sizeof entry);
  } while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(sizeof entry)) {
    throw io_error("write", journal_path_.string(), written < 0 ? errno : ENOSPC);
  }
  std::fill(is_final_.begin() + static_cast<std::ptrdiff_t>(range.begin),
            is_final_.begin() + static_cast<std::ptrdiff_t>(range.end), true);
}

void UnfinishedRows::publish(const std::filesystem::path& path) {
  if (!missing().empty()) {
    throw std::logic_error("rows are missing");
  }
  if (::msync(values_, row_count_ * dimension_ * sizeof(float), MS_SYNC) != 0) {
    throw io_error("write", rows_path_.string(), errno);
  }
  const bool has_links = ::link(rows_path_.c_str(), path.c_str()) == 0;
  if (!has_links && ::rename(rows_path_.c_str(), path.c_str()) != 0) {
    throw io_error("rename to", path.string(), errno);
  }
}

}  // namespace crudbench
