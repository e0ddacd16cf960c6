#include "metrics/judge_reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(ParseAnswers, ReadsAJsonList) {
  EXPECT_THAT(parse_answers(R"(["18公里", " 23时 ", "无法推断"])", 3),
              Optional(ElementsAre("18公里", "23时", "无法推断")));
}

TEST(ParseAnswers, ReadsAListInACodeFenceWithWordsAround) {
  EXPECT_THAT(parse_answers("好的，答案如下：\n```json\n[\"甲\", 42]\n```\n希望有帮助。", 2),
              Optional(ElementsAre("甲", "42")));
}

TEST(ParseAnswers, ReadsObjectsWithAnswers) {
  EXPECT_THAT(parse_answers(R"({"answers": [{"answer": "甲"}, {"答案": "乙"}]})", 2),
              Optional(ElementsAre("甲", "乙")));
  EXPECT_THAT(parse_answers(R"({"1": "甲", "2": "乙"})", 2), Optional(ElementsAre("甲", "乙")));
}

TEST(ParseAnswers, PassesOverListsOfAnotherLength) {
  EXPECT_THAT(parse_answers(R"(问题：["一？", "二？", "三？"] 答案：["甲", "乙"])", 2),
              Optional(ElementsAre("甲", "乙")));
}

TEST(ParseAnswers, ReadsUpstreamsTags) {
  EXPECT_THAT(parse_answers("多少人？\n<response>\n42人\n</response>\n\n几个？\n<response>9个  \n"
                            "</response>",
                            2),
              Optional(ElementsAre("42人", "9个")));
}

TEST(ParseAnswers, RefusesTooFewOrTooManyTags) {
  const std::string reply = "<response>甲</response><response>乙</response>";
  EXPECT_FALSE(parse_answers(reply, 3));
  EXPECT_FALSE(parse_answers(reply, 1));
}

TEST(ParseAnswers, ReadsNumberedLines) {
  EXPECT_THAT(parse_answers("1. 甲\n2、乙\n（3）丙", 3), Optional(ElementsAre("甲", "乙", "丙")));
  EXPECT_THAT(parse_answers("答案1：甲\n答案2：乙", 2), Optional(ElementsAre("甲", "乙")));
}

TEST(ParseAnswers, TakesTheAnswerBehindARepeatedQuestion) {
  EXPECT_THAT(parse_answers("1. 票价多少？\n答：2元\n2. 几点发车？ 答案：23时", 2),
              Optional(ElementsAre("2元", "23时")));
}

TEST(ParseAnswers, TakesNoAmountForAnItem) {
  EXPECT_THAT(parse_answers("1. 甲\n2.5亿元\n2. 乙", 2),
              Optional(ElementsAre("甲\n2.5亿元", "乙")));
}

TEST(ParseAnswers, ReadsAsManyShortLinesAsQuestions) {
  EXPECT_THAT(parse_answers("甲\n\n乙\n", 2), Optional(ElementsAre("甲", "乙")));
}

TEST(ParseAnswers, RefusesProse) {
  EXPECT_FALSE(
      parse_answers("这段文字讲的是一条公交线路，全长18公里，票价2元，其他内容没有提到，"
                    "所以有的问题回答不了，请提供更多的材料再来询问吧，谢谢大家的理解与支持。",
                    1));
  EXPECT_FALSE(parse_answers("The text says that the line is 18 km long.\nIt costs 2 yuan.", 3));
}

TEST(ParseAnswers, RefusesARefusal) {
  EXPECT_FALSE(parse_answers("抱歉，我无法完成这个任务。", 1));
}

TEST(ParseAnswers, RefusesNothingAndBrokenJson) {
  EXPECT_FALSE(parse_answers("", 1));
  EXPECT_FALSE(parse_answers(R"(["甲", "乙)", 2));
  EXPECT_FALSE(parse_answers(R"([["甲"], ["乙"]])", 2));
}

TEST(ParseAnswers, RefusesDeeplyNestedAndVeryLongReplies) {
  EXPECT_FALSE(parse_answers(std::string(100'000, '['), 2));
  EXPECT_FALSE(parse_answers(std::string(100'000, '[') + std::string(100'000, ']'), 2));
  EXPECT_FALSE(parse_answers("[\"" + std::string(2 * kMaxJudgeReplyBytes, 'a') + "\"]", 1));
}

TEST(ParseQuestions, ReadsUpstreamsForm) {
  EXPECT_THAT(
      parse_questions(R"(好的。{"key_info": ["甲"], "question": ["甲是谁？", "", "乙呢？"]})"),
      Optional(ElementsAre("甲是谁？", "乙呢？")));
}

TEST(ParseQuestions, RefusesAnythingElse) {
  EXPECT_FALSE(parse_questions("甲是谁？"));
  EXPECT_FALSE(parse_questions(R"({"question": []})"));
  EXPECT_FALSE(parse_questions(R"({"question": "甲是谁？"})"));
}

}  // namespace
}  // namespace crudbench
