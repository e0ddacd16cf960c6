#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "harness/core/files.h"

namespace crudbench {

/// One array on its way into an array file: a view.
struct NamedArray {
  std::string_view name;  ///< At most 15 bytes.
  std::size_t element_bytes = 0;
  std::string_view bytes;

  template <class Range>
  NamedArray(std::string_view array_name, const Range& values)
      : name(array_name),
        element_bytes(sizeof(*std::data(values))),
        bytes(reinterpret_cast<const char*>(std::data(values)),
              std::size(values) * sizeof(*std::data(values))) {
    static_assert(std::is_arithmetic_v<std::remove_cvref_t<decltype(*std::data(values))>>);
  }
};

/// Writes a file of named arrays of numbers, the form of every binary artifact of a knowledge base:
/// a header (magic, `kind`, number of arrays, size of the file), a table (name, element size,
/// count, offset), then the arrays at multiples of 64 bytes, in the machine's byte order. `kind`,
/// at most 15 bytes, names the content. Throws Error(kIo).
void write_array_file(const std::filesystem::path& path, std::string_view kind,
                      std::span<const NamedArray> arrays);

/// An array file mapped into memory. What `array` returns is valid for the object's life; moving
/// the object keeps it valid.
class ArrayFile {
 public:
  /// Throws Error(kIo) if the file cannot be read, Error(kInvalidData) if it is truncated, of
  /// another kind or no array file.
  ArrayFile(const std::filesystem::path& path, std::string_view kind);

  /// Throws Error(kInvalidData) if there is no array of that name and element size.
  template <class T>
  std::span<const T> array(std::string_view name) const {
    const std::string_view bytes = find(name, sizeof(T));
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  /// Throws Error(kInvalidData): "FILE: RULE".
  [[noreturn]] void fail(std::string_view rule) const;

 private:
  struct Array {
    std::string name;
    std::size_t element_bytes = 0;
    std::string_view bytes;
  };

  std::string_view find(std::string_view name, std::size_t element_bytes) const;

  std::string path_;
  std::unique_ptr<const MappedFile> file_;
  std::vector<Array> arrays_;
};

}  // namespace crudbench
