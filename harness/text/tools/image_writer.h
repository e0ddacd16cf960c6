#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/text/image_format.h"

namespace crudbench {

/// Puts a data image together: `Tables` is the fixed part of the format.
template <class Tables>
class ImageWriter {
 public:
  ImageWriter() : bytes_(sizeof(ImageHeader) + sizeof(Tables), '\0') {}

  /// `elements` is a vector of trivially copyable elements, or a string.
  template <class Container>
  ImageSection add(const Container& elements) {
    bytes_.resize((bytes_.size() + kImageAlignment - 1) / kImageAlignment * kImageAlignment, '\0');
    const ImageSection section{bytes_.size(), elements.size()};
    bytes_.append(reinterpret_cast<const char*>(elements.data()),
                  elements.size() * sizeof(typename Container::value_type));
    return section;
  }

  void write(const std::filesystem::path& path, std::string_view magic, const Tables& tables) {
    std::memcpy(bytes_.data() + sizeof(ImageHeader), &tables, sizeof tables);
    ImageHeader header{};
    magic.copy(header.magic, sizeof header.magic);
    header.size_bytes = bytes_.size();
    sha256_hex(std::string_view(bytes_).substr(sizeof header)).copy(header.sha256, 64);
    std::memcpy(bytes_.data(), &header, sizeof header);
    write_file_atomically(path, bytes_);
  }

 private:
  std::string bytes_;
};

}  // namespace crudbench
