#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "harness/text/image_format.h"

namespace crudbench {

/// A data image linked into the program (embedded_images.cpp). Internal to harness/text.
class EmbeddedImage {
 public:
  /// Throws std::logic_error if `bytes` do not begin with a fitting header: the build is broken.
  EmbeddedImage(std::span<const unsigned char> bytes, std::string_view magic);

  /// SHA-256 of the tables, 64 hexadecimal digits.
  std::string_view fingerprint() const noexcept { return {header().sha256, 64}; }

  template <class Tables>
  const Tables& tables() const noexcept {
    return *reinterpret_cast<const Tables*>(bytes_.data() + sizeof(ImageHeader));
  }
  template <class Element>
  std::span<const Element> section(const ImageSection& section) const noexcept {
    return {reinterpret_cast<const Element*>(bytes_.data() + section.offset_bytes), section.count};
  }

 private:
  const ImageHeader& header() const noexcept {
    return *reinterpret_cast<const ImageHeader*>(bytes_.data());
  }

  std::span<const unsigned char> bytes_;
};

EmbeddedImage jieba_image();
EmbeddedImage cl100k_image();

}  // namespace crudbench
