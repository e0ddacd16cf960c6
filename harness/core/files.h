#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace crudbench {

/// The whole file. Throws Error(kIo): "cannot read 'x': No such file or directory"; a folder is
/// "… : Is a directory".
std::string read_file(const std::filesystem::path& path);

/// Hands a file over in pieces of at most `piece_bytes`, in order. Throws Error(kIo).
void read_pieces(const std::filesystem::path& path, std::size_t piece_bytes,
                 const std::function<void(std::string_view piece)>& take);

/// Writes a file so that it is there whole or not at all, also after a power cut: temporary name in
/// the same folder, fsync, rename, fsync of the folder. Throws Error(kIo).
void write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// Appends to a file that `commit` makes visible; without `commit` nothing is left behind.
class AtomicFileWriter {
 public:
  explicit AtomicFileWriter(std::filesystem::path path);
  ~AtomicFileWriter();
  AtomicFileWriter(const AtomicFileWriter&) = delete;
  AtomicFileWriter& operator=(const AtomicFileWriter&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  void flush();

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::string buffer_;
};

/// A folder under construction: files are written into `path()`, and `commit()` makes the folder
/// appear under its final name, synced; without it the folder is removed again. If the final name
/// has come to exist meanwhile (another process was faster), `commit` keeps that one.
class AtomicFolder {
 public:
  explicit AtomicFolder(std::filesystem::path final_path);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return temporary_; }
  void commit();

 private:
  std::filesystem::path final_path_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// A file mapped read-only into memory. `bytes()` is valid for the object's life.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const& noexcept { return {data_, size_}; }
  std::string_view bytes() const&& = delete;

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Creates a folder and its parents. Throws Error(kIo).
void create_folders(const std::filesystem::path& path);

}  // namespace crudbench
