#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace crudbench {

/// SHA-256 (FIPS 180-4), fed piece by piece; by OpenSSL's libcrypto, which uses the processor's
/// instructions for it where there are any.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits. The object must not be used afterwards.
  std::string hex_digest();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
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
