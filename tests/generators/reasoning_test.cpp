#include "harness/generators/reasoning.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

TEST(SplitReasoning, TakesALeadingBlockOff) {
  EXPECT_EQ(split_reasoning("\n<think>\n想\n</think>\n\n答"), (SplitReply{"想", "答"}));
}

TEST(SplitReasoning, TakesABlockWithoutItsOpeningTag) {
  EXPECT_EQ(split_reasoning("想\n</think>\n答"), (SplitReply{"想", "答"}));
}

TEST(SplitReasoning, TakesABlockWithoutEndAsReasoningAlone) {
  EXPECT_EQ(split_reasoning("<think>想了很久"), (SplitReply{"想了很久", ""}));
}

TEST(SplitReasoning, LeavesAReplyWithoutBlockAsItIs) {
  EXPECT_EQ(split_reasoning(" 答\n"), (SplitReply{"", " 答\n"}));
  EXPECT_EQ(split_reasoning(""), (SplitReply{"", ""}));
}

TEST(SplitReasoning, LeavesTagsInsideAnAnswer) {
  EXPECT_EQ(split_reasoning("答 <think>x</think> 案"), (SplitReply{"", "答 <think>x</think> 案"}));
  EXPECT_EQ(split_reasoning("<think>a</think>答</think>"), (SplitReply{"a", "答</think>"}));
}

}  // namespace
}  // namespace crudbench
