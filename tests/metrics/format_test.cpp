#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::Pair;
using testing_support::Scores;

double flag(const std::string& name, std::string_view text) {
  const Pair pair(text, "参考");
  return Scores({{"type", "format"}}, pair.prediction()).value(name);
}

TEST(Format, WantsAResponsePairInTheReply) {
  EXPECT_EQ(flag("missing_response_tag", "好的。<response>答案</response>"), 0.0);
  EXPECT_EQ(flag("missing_response_tag", "<response></response>"), 0.0);
  EXPECT_EQ(flag("missing_response_tag", "答案"), 1.0);
  EXPECT_EQ(flag("missing_response_tag", "<response>答案"), 1.0);
  EXPECT_EQ(flag("missing_response_tag", "</response>答案<response>"), 1.0);
}

TEST(Format, LeavesTheTagUndefinedWhereTheReplyIsUnknown) {
  const Pair pair("预测", "参考");
  Prediction prediction = pair.prediction();
  prediction.reply = {};
  const Scores scores({{"type", "format"}}, prediction);
  EXPECT_FALSE(scores.at("missing_response_tag").value.has_value());
  EXPECT_EQ(scores.failure("missing_response_tag"), "");
}

TEST(Format, FindsBulletsAndHeadings) {
  for (const char* text : {"摘要：\n- 第一点", "* 第一点", "  • 第一点", "# 标题", "### 标题\n正文",
                           "**标题**\n正文", "**标题：**", "1. 第一\n2. 第二", "一、经济\n二、社会",
                           "（1）第一\r\n（2）第二", "1、第一\n正文\n2、第二"}) {
    EXPECT_EQ(flag("bullets_or_headings", text), 1.0) << text;
  }
}

TEST(Format, TakesProseForProse) {
  for (const char* text :
       {"新华社北京7月28日电。", "3.5亿元\n4.6亿元", "2024年\n2025年", "1. 只有一条", "-5度",
        "#话题#引发热议", "####### 过深", "**重点**在后面", "十分重要\n一定要看", "****",
        ""
        "北京·上海"}) {
    EXPECT_EQ(flag("bullets_or_headings", text), 0.0) << text;
  }
}

TEST(Format, FindsRefusals) {
  for (const char* text : {"很抱歉，我无法提供该信息。", " 作为一个人工智能，我没有观点。",
                           "根据提供的文档，无法回答该问题。", "文档中没有足够的信息。"}) {
    EXPECT_EQ(flag("refusal", text), 1.0) << text;
  }
}

TEST(Format, TakesNewsAboutRefusalsForNews) {
  for (const char* text : {"发言人对此表示抱歉。", "会议开始。记者的提问他无法回答。"}) {
    EXPECT_EQ(flag("refusal", text), 0.0) << text;
  }
}

TEST(Format, FailsForAnEmptyPredictionButStillSeesTheReply) {
  const Pair pair("", "参考");
  Prediction prediction = pair.prediction();
  prediction.reply = "<response></response>";
  const Scores scores({{"type", "format"}}, prediction);
  EXPECT_EQ(scores.value("missing_response_tag"), 0.0);
  EXPECT_EQ(scores.failure("refusal"), "empty_prediction");
  EXPECT_EQ(scores.failure("bullets_or_headings"), "empty_prediction");
}

}  // namespace
}  // namespace crudbench
