#include "harness/llama/answer_text.h"

#include <gtest/gtest.h>

namespace crudbench {
namespace {

TEST(AnswerText, EndsBeforeAStopStringThatComesInPieces) {
  AnswerText text({"</response>"});
  EXPECT_FALSE(text.append("北京</res"));
  EXPECT_FALSE(text.append("pon"));
  EXPECT_TRUE(text.append("se>更多"));
  EXPECT_EQ(text.complete(), "北京");
}

TEST(AnswerText, EndsBeforeTheFirstOfSeveralStopStrings) {
  AnswerText text({"\n\n", "###"});
  EXPECT_TRUE(text.append("甲###乙\n\n丙"));
  EXPECT_EQ(text.complete(), "甲");
}

TEST(AnswerText, FindsAStopStringThatBeginsInTheMiddleOfAToken) {
  AnswerText text({"停止"});
  EXPECT_FALSE(text.append("好\xE5\x81"));  // The first two bytes of 停.
  EXPECT_TRUE(text.append("\x9C止"));
  EXPECT_EQ(text.complete(), "好");
}

TEST(AnswerText, LeavesOutTheBytesOfACharacterThatIsNotComplete) {
  AnswerText text({});
  EXPECT_FALSE(text.append("好\xF0\x9F\x8E"));  // Three of the four bytes of an emoji.
  EXPECT_EQ(text.complete(), "好");
  EXPECT_FALSE(text.append("\x89"));
  EXPECT_EQ(text.complete(), "好\xF0\x9F\x8E\x89");
}

TEST(AnswerText, KeepsBytesThatBeginNoCharacter) {
  AnswerText text({""});
  EXPECT_FALSE(text.append("a\x80"));
  EXPECT_EQ(text.complete(), "a\x80");
}

}  // namespace
}  // namespace crudbench
