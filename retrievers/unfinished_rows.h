#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace crudbench {

/// A half-open range of rows.
struct RowRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  friend bool operator==(const RowRange&, const RowRange&) = default;
};

/// Rows of float32 that are filled in any order, over the lives of several processes: a file of
/// its full size, mapped into memory and written in place, and a journal of the ranges that are
/// final, each with the SHA-256 of its bytes. What the journal does not vouch for, as after a power
/// cut that lost some of the rows, counts as not filled.
///
/// One process at a time; not thread-safe.
class UnfinishedRows {
 public:
  /// Opens what stands in `folder`, or begins anew there if it is of another shape. All of the
  /// disk space is reserved at once. Throws Error(kIo), as for a disk that is full.
  UnfinishedRows(const std::filesystem::path& folder, std::size_t row_count, std::size_t dimension);
  ~UnfinishedRows();
  UnfinishedRows(const UnfinishedRows&) = delete;
  UnfinishedRows& operator=(const UnfinishedRows&) = delete;

  /// To be filled: row-major [range, dimension].
  std::span<float> rows(RowRange range);
  /// The ranges that are not final, ascending, none next to another.
  std::vector<RowRange> missing() const;
  /// The rows of `range` are final. Throws Error(kIo).
  void finish(RowRange range);

  /// Once nothing is missing: syncs the file and gives it a second name, on the same file system,
  /// so that it is still here should what follows fail. Nothing is written through this object
  /// afterwards. Throws Error(kIo).
  void publish(const std::filesystem::path& path);

 private:
  bool is_final(const RowRange& range, const char* digest) const;
  void read_journal();

  std::filesystem::path rows_path_;
  std::filesystem::path journal_path_;
  std::size_t row_count_;
  std::size_t dimension_;
  int journal_ = -1;
  float* values_ = nullptr;
  std::vector<bool> is_final_;  // [row]
};

}  // namespace crudbench
