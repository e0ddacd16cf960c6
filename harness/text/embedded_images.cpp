#include "harness/text/embedded_images.h"

#include <stdexcept>
#include <string>

#include "harness/text/cl100k_format.h"
#include "harness/text/jieba_format.h"

// The paths come from CMake. `.incbin` keeps megabytes away from the compiler.
#define CRUDBENCH_EMBED(symbol, path)          \
  asm(".section .rodata\n"                     \
      ".balign 64\n"                           \
      ".hidden " #symbol                       \
      "_begin\n"                               \
      ".hidden " #symbol                       \
      "_end\n"                                 \
      ".global " #symbol                       \
      "_begin\n"                               \
      ".global " #symbol "_end\n" #symbol      \
      "_begin:\n"                              \
      ".incbin \"" path "\"\n" #symbol         \
      "_end:\n"                                \
      ".byte 0\n"                              \
      ".previous\n");                          \
  extern "C" {                                 \
  extern const unsigned char symbol##_begin[]; \
  extern const unsigned char symbol##_end[];   \
  }

CRUDBENCH_EMBED(crudbench_jieba_image, CRUDBENCH_JIEBA_IMAGE)
CRUDBENCH_EMBED(crudbench_cl100k_image, CRUDBENCH_CL100K_IMAGE)

namespace crudbench {

EmbeddedImage::EmbeddedImage(std::span<const unsigned char> bytes, std::string_view magic)
    : bytes_(bytes) {
  if (bytes.size() < sizeof(ImageHeader) || header().size_bytes != bytes.size() ||
      std::string_view(header().magic, magic.size()) != magic) {
    throw std::logic_error("the embedded image '" + std::string(magic) +
                           "' does not fit the program: build again from an empty folder");
  }
}

EmbeddedImage jieba_image() {
  return {{crudbench_jieba_image_begin, crudbench_jieba_image_end}, kJiebaMagic};
}

EmbeddedImage cl100k_image() {
  return {{crudbench_cl100k_image_begin, crudbench_cl100k_image_end}, kCl100kMagic};
}

}  // namespace crudbench
