#include "harness/core/json.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

TEST(ParseJson, AllowsCommentsAndAByteOrderMark) {
  const Json value =
      parse_json("\xEF\xBB\xBF// why\n{\"a\": /* one */ 1}", "f", ErrorCode::kInvalidConfig);
  EXPECT_EQ(value, Json({{"a", 1}}));
}

TEST(ParseJson, NamesLineAndColumnOfTheMistake) {
  EXPECT_ERROR(parse_json("{\n  \"名\": 1,\n  \"b\": }", "f.json", ErrorCode::kInvalidConfig),
               ErrorCode::kInvalidConfig, "f.json:3:8: not valid JSON");
}

TEST(ParseJson, ReportsATruncatedText) {
  EXPECT_ERROR(parse_json("{\"a\": [1, 2", "f.json", ErrorCode::kInvalidData),
               ErrorCode::kInvalidData, "f.json:1:");
}

TEST(PositionOf, CountsCodePoints) {
  const TextPosition position = position_of("一行\n第二行", 13);
  EXPECT_EQ(position.line, 2U);
  EXPECT_EQ(position.column, 3U);
}

TEST(ToText, ReplacesInvalidUtf8) {
  EXPECT_EQ(to_text(Json("a\xFF")), "\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace crudbench
