#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace crudbench {

/// 16 bytes that are compared and combined at once: a vector type of GCC and Clang, which every
/// 64-bit machine has instructions for.
using ByteVector [[gnu::vector_size(16)]] = unsigned char;

/// From 16 bytes at any address.
inline ByteVector load_bytes(const void* bytes) noexcept {
  ByteVector vector;
  std::memcpy(&vector, bytes, sizeof vector);
  return vector;
}

/// Whether a byte has any bit; of a comparison, whether it holds for a byte.
template <class Vector>
bool has_any(Vector vector) noexcept {
  static_assert(sizeof vector == sizeof(ByteVector));
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), &vector, sizeof vector);
  return (halves[0] | halves[1]) != 0;
}

}  // namespace crudbench
