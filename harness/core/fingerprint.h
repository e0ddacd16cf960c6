#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace crudbench {

/// SHA-256 (FIPS 180-4), fed piece by piece.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits. The object must not be used afterwards.
  std::string hex_digest();

 private:
  void compress(const unsigned char* block);

  std::array<std::uint32_t, 8> state_;
  std::array<unsigned char, 64> buffer_{};
  std::size_t buffered_bytes_ = 0;
  std::uint64_t total_bytes_ = 0;
};

std::string sha256_hex(std::string_view bytes);

/// Names the output of a stage: SHA-256 over (stage name, format version of its code, canonical
/// parameters, fingerprints of what it reads). Two different configurations never share one. Parts
/// are length-prefixed, so no two lists of parts give the same input.
class FingerprintBuilder {
 public:
  FingerprintBuilder(std::string_view stage, int format_version);
  FingerprintBuilder& add(std::string_view part);
  std::string hex_digest() { return sha_.hex_digest(); }

 private:
  Sha256 sha_;
};

}  // namespace crudbench
