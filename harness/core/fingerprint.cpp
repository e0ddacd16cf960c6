#include "harness/core/fingerprint.h"

#include <array>
#include <new>
#include <openssl/evp.h>

#include "harness/core/error.h"

namespace crudbench {

namespace {

/// libcrypto looks an algorithm up by name, which takes longer than a short text; once is enough.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

void require(bool succeeded) {
  if (!succeeded) {
    throw Error(ErrorCode::kIo, "OpenSSL's libcrypto cannot compute SHA-256");
  }
}

}  // namespace

void Sha256::Free::operator()(EVP_MD_CTX* context) const noexcept {
  EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) {
    throw std::bad_alloc();
  }
  require(EVP_DigestInit_ex2(context_.get(), sha256_algorithm(), nullptr) == 1);
}

void Sha256::update(std::string_view bytes) {
  require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex_digest() {
  std::array<unsigned char, 32> digest{};
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 0xFU];
  }
  return hex;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 sha;
  sha.update(bytes);
  return sha.hex_digest();
}

FingerprintBuilder::FingerprintBuilder(std::string_view stage, int format_version) {
  add(stage);
  add(std::to_string(format_version));
}

FingerprintBuilder& FingerprintBuilder::add(std::string_view part) {
  sha_.update(std::to_string(part.size()));
  sha_.update(":");
  sha_.update(part);
  return *this;
}

}  // namespace crudbench
