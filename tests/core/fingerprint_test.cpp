#include "harness/core/fingerprint.h"

#include <gtest/gtest.h>
#include <string>

namespace crudbench {
namespace {

// FIPS 180-4, appendix examples.
TEST(Sha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesArePieced) {
  const std::string text(300, 'x');
  for (std::size_t first = 0; first <= 130; ++first) {
    Sha256 sha;
    sha.update(text.substr(0, first));
    sha.update(text.substr(first));
    EXPECT_EQ(sha.hex_digest(), sha256_hex(text)) << first;
  }
}

TEST(FingerprintBuilder, TellsListsOfPartsApart) {
  const auto of = [](const auto&... parts) {
    FingerprintBuilder builder("stage", 1);
    (builder.add(parts), ...);
    return builder.hex_digest();
  };
  EXPECT_EQ(of("ab", "c"), of("ab", "c"));
  EXPECT_NE(of("ab", "c"), of("a", "bc"));
  EXPECT_NE(of("ab"), of("ab", ""));
  EXPECT_NE(FingerprintBuilder("stage", 1).hex_digest(),
            FingerprintBuilder("stage", 2).hex_digest());
}

}  // namespace
}  // namespace crudbench
