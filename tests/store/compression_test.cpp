#include "harness/store/compression.h"

#include <gtest/gtest.h>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

TEST(Gzip, ComesBackAsItWas) {
  std::string text(300'000, 'a');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(i * i % 251);
  }
  for (const std::string& bytes : {std::string(), std::string("新闻"), text.substr(0, 511),
                                   text.substr(0, 512), text.substr(0, 5000), text}) {
    EXPECT_EQ(gunzip(gzip(bytes, 1)), bytes);
    EXPECT_EQ(gunzip(gzip(bytes, 9)), bytes);
  }
}

TEST(Gzip, HasGzipsForm) {
  EXPECT_EQ(gzip("x", 6).substr(0, 3), "\x1f\x8b\x08");
}

TEST(Gunzip, ReadsWhatZlibWrote) {
  // As in stores of earlier versions: "新闻" four times, by zlib at level 1.
  constexpr std::string_view kPacked(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\x03\x7b\x36\x6d\xc3\xcb\xe9\xbb\x9f\x61\x90\x00\x0f\x07"
      "\x3d\x1f\x18\x00\x00\x00",
      29);
  EXPECT_EQ(gunzip(kPacked), "新闻新闻新闻新闻");
}

TEST(Gunzip, RefusesWhatIsCutOff) {
  const std::string whole = gzip("a text that is long enough to be cut", 6);
  EXPECT_ERROR(gunzip(whole.substr(0, whole.size() - 3)), ErrorCode::kInvalidData, "cut off");
  EXPECT_ERROR(gunzip(whole.substr(0, 10)), ErrorCode::kInvalidData, "cut off");
  EXPECT_ERROR(gunzip("no gzip at all"), ErrorCode::kInvalidData, "damaged");
}

TEST(Gunzip, RefusesWhatIsDamaged) {
  const std::string whole = gzip("a text that is long enough to be damaged", 6);
  for (std::size_t i = 10; i < whole.size(); ++i) {  // What comes before says little.
    SCOPED_TRACE(i);
    std::string damaged = whole;
    damaged[i] = static_cast<char>(~damaged[i]);
    EXPECT_ERROR(gunzip(damaged), ErrorCode::kInvalidData, "damaged");
  }
  EXPECT_ERROR(gunzip(whole + "x"), ErrorCode::kInvalidData, "damaged");
}

TEST(Gunzip, TakesNoMemoryForASizeThatCannotBe) {
  std::string bytes = gzip("short", 6);
  bytes.replace(bytes.size() - 4, 4, "\xff\xff\xff\xff");
  EXPECT_ERROR(gunzip(bytes), ErrorCode::kInvalidData, "damaged");
}

}  // namespace
}  // namespace crudbench
