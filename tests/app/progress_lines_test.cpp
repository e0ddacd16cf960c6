#include "harness/app/progress_lines.h"

#include "harness/text/utf8.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

RunBar bar(const std::string& title) {
  return {.title = title,
          .done = 30,
          .goal = 84,
          .ok = 28,
          .failed = 2,
          .cached = 5,
          .completion_tokens = 900,
          .done_now = 30,
          .seconds = 10.0,
          .money = "spent $0.10 saved $0.02"};
}

std::string line(const RunBar& bar, std::size_t columns) {
  return progress_lines(std::vector{bar}, {.columns = columns}).at(0);
}

TEST(ProgressLines, TellEverythingWhereThereIsRoom) {
  EXPECT_EQ(line(bar("[3/50] bm25 · event_summary"), 160),
            "[3/50] bm25 · event_summary  ████░░░░░░░░  30/84  ok 28  failed 2  cached 5  3.0/s  "
            "90.0/s tokens  spent $0.10 saved $0.02  ETA 18 s");
}

TEST(ProgressLines, KeepWhatMattersMostOnFortyColumns) {
  EXPECT_EQ(line(bar("[12/50] 检索器=bm25 top_k=4 · questanswer_1doc"), 40),
            "[12/50] 检索器=bm25 to…  30/84  failed 2");
  RunBar sound = bar("[12/50] bm25");
  sound.failed = 0;
  EXPECT_EQ(line(sound, 40), "[12/50] bm25  30/84  ETA 18 s");
  sound.money.clear();
  EXPECT_EQ(line(sound, 40), "[12/50] bm25  30/84  3.0/s  ETA 18 s");
}

TEST(ProgressLines, AreNeverLongerThanTheTerminal) {
  for (std::size_t columns = 0; columns < 200; ++columns) {
    for (const char* title : {"", "[1/1] a", "[50/50] 语料库里的检索器与重排器 · hallu_modified"}) {
      EXPECT_LE(display_width(line(bar(title), columns)), columns) << title;
    }
  }
}

TEST(ProgressLines, KeepTheTitlesFrontAndTheCountOnEveryUsualWidth) {
  for (std::size_t columns = 30; columns < 200; ++columns) {
    const std::string shown = line(bar("[50/50] hybrid top_k=16 · quest"), columns);
    EXPECT_THAT(shown, StartsWith("[50/50] "));
    EXPECT_THAT(shown, HasSubstr("  30/84"));
  }
}

TEST(ProgressLines, TakeHalfOfTheRowsAtMost) {
  const std::vector<RunBar> bars(50, bar("[1/50] bm25"));
  const std::vector<std::string> lines = progress_lines(bars, {.columns = 80, .rows = 24});
  ASSERT_EQ(lines.size(), 12U);
  EXPECT_THAT(lines[10], StartsWith("[1/50] bm25"));
  EXPECT_EQ(lines[11], "… and 39 more  1170/3276");
  EXPECT_EQ(progress_lines(bars, {.columns = 80, .rows = 1}).size(), 2U);
  EXPECT_EQ(progress_lines(std::span(bars).first(12), {.columns = 80, .rows = 24}).size(), 12U);
  EXPECT_TRUE(progress_lines({}, {}).empty());
}

TEST(ProgressLines, TellHowFarJudgingIs) {
  RunBar judging = bar("[1/2] bm25");
  judging.is_judging = true;
  const std::string shown = line(judging, 160);
  EXPECT_THAT(shown, HasSubstr("30/84  judged  3.0/s"));
  EXPECT_THAT(shown, Not(HasSubstr("cached")));
}

TEST(ProgressLines, LetNoLabelSteerTheTerminal) {
  EXPECT_THAT(line(bar("[1/2] a\n\x1b[2Jb"), 160), StartsWith("[1/2] a  [2Jb  "));
}

TEST(ProgressLines, SayNoTimeBeforeTheFirstSample) {
  EXPECT_THAT(line({.title = "[1/2] bm25", .goal = 84}, 80),
              EndsWith("0/84  ok 0  failed 0  cached 0  0.0/s"));
}

}  // namespace
}  // namespace crudbench
