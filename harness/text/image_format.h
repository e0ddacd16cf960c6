#pragma once

#include <cstdint>

namespace crudbench {

/// A data image: tables made at build time by a program of harness/text/tools, linked into the
/// library and read in place. Native byte order, since it never leaves the build. Its header is
/// followed by the fixed part of the format (`JiebaTables`, `Cl100kTables`) and its sections, each
/// at a multiple of `kImageAlignment` from the image's start.
struct ImageHeader {
  char magic[16];            ///< Name and version of the format, zero-padded.
  std::uint64_t size_bytes;  ///< Of the whole image.
  char sha256[64];           ///< Of everything after the header, lower-case hexadecimal.
  char padding[40];
};
static_assert(sizeof(ImageHeader) == 128);

constexpr std::uint64_t kImageAlignment = 64;

/// An array inside an image.
struct ImageSection {
  std::uint64_t offset_bytes;  ///< From the image's start.
  std::uint64_t count;         ///< Elements.
};

/// Tries are double arrays: the child by label `c` of a node stands at `node.base + c`, and is one
/// if its own label is `c`, since no two nodes share a base. The node of a first label stands at
/// that label, and is there for every label. A node without children has `kLeafBase`, which is
/// nobody's base. `base + c` is inside the array for every base and label.
constexpr std::uint32_t kLeafBase = 1;

}  // namespace crudbench
