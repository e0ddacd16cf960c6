#include "harness/text/utf8.h"

#include <string>
#include <string_view>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;

TEST(FindInvalidUtf8, AcceptsEveryLengthAndTheBordersOfEachRange) {
  for (const std::string_view text :
       {"", "plain ascii, longer than eight bytes", "中文新闻", "a中é😀z", "\x7F", "\u0080",
        "\u07FF", "\u0800", "\uD7FF", "\uE000", "\uFFFF", "\U00010000", "\U0010FFFF"}) {
    EXPECT_EQ(find_invalid_utf8(text), std::nullopt) << text;
  }
}

TEST(FindInvalidUtf8, NamesTheFirstByteOfAnIllFormedSequence) {
  EXPECT_EQ(find_invalid_utf8("abc\x80"), 3U);           // A lonely continuation byte.
  EXPECT_EQ(find_invalid_utf8("中\xC0\x80"), 3U);        // Overlong, two bytes.
  EXPECT_EQ(find_invalid_utf8("中文\xE0\x9F\xBF"), 6U);  // Overlong, three bytes.
  EXPECT_EQ(find_invalid_utf8("\xF0\x8F\xBF\xBF"), 0U);  // Overlong, four bytes.
  EXPECT_EQ(find_invalid_utf8("中\xED\xA0\x80"), 3U);    // A surrogate.
  EXPECT_EQ(find_invalid_utf8("\xF4\x90\x80\x80"), 0U);  // Above U+10FFFF.
  EXPECT_EQ(find_invalid_utf8("\xF5\x80\x80\x80"), 0U);  // No lead byte.
  EXPECT_EQ(find_invalid_utf8("中文\xE4\xB8"), 6U);      // Cut off at the end.
  EXPECT_EQ(find_invalid_utf8("中\xE4\xB8zz"), 3U);      // Cut off inside.
  EXPECT_EQ(find_invalid_utf8("0123456789\xFF"), 10U);
}

TEST(FindInvalidUtf8, FindsAWrongByteAnywhereInALongText) {
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text += i % 7 == 0 ? "ꯍ" : "新";
  }
  EXPECT_EQ(find_invalid_utf8(text), std::nullopt);
  constexpr std::size_t kCharacter = 3;
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = text;
      changed[at] = static_cast<char>(byte);
      // Texts this short are read character by character.
      const std::size_t begin = at / kCharacter * kCharacter;
      const auto found = find_invalid_utf8(std::string_view(changed).substr(begin, 2 * kCharacter));
      EXPECT_EQ(find_invalid_utf8(changed), found ? std::optional(begin + *found) : std::nullopt)
          << at << " " << byte;
    }
  }
}

TEST(DecodeAt, DecodesEveryCodePointThatAppendUtf8Writes) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) {
      c = 0xE000;
    }
    std::string text;
    append_utf8(text, c);
    const CodePoint decoded = decode_at(text, 0);
    ASSERT_EQ(decoded.value, c);
    ASSERT_EQ(decoded.size_bytes, text.size());
    ASSERT_EQ(find_invalid_utf8(text), std::nullopt);
  }
}

TEST(DecodeAt, YieldsOneReplacementPerIllFormedByte) {
  const std::string_view text = "\xE4\xB8";
  for (std::size_t offset = 0; offset < text.size(); ++offset) {
    EXPECT_EQ(decode_at(text, offset).value, 0xFFFDU);
    EXPECT_EQ(decode_at(text, offset).size_bytes, 1U);
  }
}

TEST(AppendUtf8, WritesTheReplacementCharacterForWhatIsNoScalarValue) {
  std::string text;
  append_utf8(text, 0xD800);
  append_utf8(text, 0x110000);
  EXPECT_EQ(text, "\uFFFD\uFFFD");
}

TEST(CountCodePoints, CountsCharactersAndIllFormedBytes) {
  EXPECT_EQ(count_code_points(""), 0U);
  EXPECT_EQ(count_code_points("a中é😀"), 4U);
  EXPECT_EQ(count_code_points("中\xE4\xB8国\xFF"), 5U);
}

TEST(CodePointOffsets, EndWithTheSize) {
  EXPECT_THAT(code_point_offsets("a中é\xFF😀"), ElementsAre(0, 1, 4, 6, 7, 11));
  EXPECT_THAT(code_point_offsets(""), ElementsAre(0));
}

TEST(IsPythonSpace, AcceptsTheCharactersOfStrIsspace) {
  // [hex(c) for c in range(0x110000) if chr(c).isspace()] of CPython 3.11.
  std::u32string spaces;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (is_python_space(c)) {
      spaces.push_back(c);
    }
  }
  EXPECT_EQ(spaces,
            std::u32string(U"\t\n\v\f\r\x1C\x1D\x1E\x1F \u0085\u00A0\u1680\u2000\u2001\u2002\u2003"
                           U"\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F"
                           U"\u3000"));
}

TEST(Strip, RemovesSpacesAtBothEndsOnly) {
  EXPECT_EQ(strip("\u3000\t 中 国\u00A0\r\n"), "中 国");
  EXPECT_EQ(strip(" \u2028\u3000"), "");
  EXPECT_EQ(strip(""), "");
  EXPECT_EQ(strip("x"), "x");
}

TEST(Strip, KeepsIllFormedBytes) {
  EXPECT_EQ(strip(" \x80 "), "\x80");
  EXPECT_EQ(strip("\xE3\x80 "), "\xE3\x80");
  EXPECT_EQ(strip("中\x80"), "中\x80");
}

TEST(DisplayWidth, CountsTerminalColumns) {
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("中文，"), 6U);
  EXPECT_EQ(display_width("Ａｱ"), 3U);  // Full width, half width.
  EXPECT_EQ(display_width("e\u0301"), 1U);
  EXPECT_EQ(display_width("😀"), 2U);
  EXPECT_EQ(display_width("\x1B\n\u200B"), 0U);
}

TEST(ReplaceInvalidUtf8, ReplacesEachIllFormedByte) {
  EXPECT_EQ(replace_invalid_utf8("中\xE4\xB8国\xFF"), "中\uFFFD\uFFFD国\uFFFD");
  EXPECT_EQ(replace_invalid_utf8("中国"), "中国");
}

}  // namespace
}  // namespace crudbench
