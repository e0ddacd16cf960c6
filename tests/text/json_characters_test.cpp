#include "harness/text/json_characters.h"

#include <gtest/gtest.h>

#include "harness/core/json.h"

namespace crudbench {
namespace {

std::string json_string(std::string_view text) {
  std::string json = "\"";
  append_json_characters(json, text);
  return json + "\"";
}

TEST(AppendJsonCharacters, EscapesWhatJsonDemandsAndNothingElse) {
  EXPECT_EQ(json_string("a\"b\\c/d\n\r\t"), R"("a\"b\\c/d\n\r\t")");
  EXPECT_EQ(json_string(std::string_view("\x01\0\x1F\x7F", 4)), "\"\\u0001\\u0000\\u001f\x7F\"");
  EXPECT_EQ(json_string("新闻😀"), "\"新闻😀\"");
  EXPECT_EQ(json_string(""), "\"\"");
}

TEST(AppendJsonCharacters, ReplacesIllFormedBytes) {
  EXPECT_EQ(json_string("a\xFF\"\xE6\x96"), "\"a\uFFFD\\\"\uFFFD\uFFFD\"");
}

TEST(AppendJsonCharacters, EscapesAtEveryPlaceOfALongText) {
  for (const std::string_view special : {"\"", "\\", "\n", "\x1F"}) {
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text = "新闻 of the \x7F day!\xC2\x80 0123";
      text.insert(text.begin() + static_cast<std::ptrdiff_t>(at < 6 ? 0 : at % 8 + 7),
                  special.begin(), special.end());
      EXPECT_EQ(Json::parse(json_string(text)).get<std::string>(), text);
      const std::string plain = std::string(at, 'x') + std::string(special) + std::string(40, 'y');
      EXPECT_EQ(Json::parse(json_string(plain)).get<std::string>(), plain);
    }
  }
}

TEST(AppendJsonCharacters, IsReadBackByAParser) {
  std::string all;
  for (int byte = 0; byte < 0x80; ++byte) {
    all += static_cast<char>(byte);
  }
  all += "中文\u2028😀";
  EXPECT_EQ(Json::parse(json_string(all)).get<std::string>(), all);
}

}  // namespace
}  // namespace crudbench
