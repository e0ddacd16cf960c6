#include "reports/text_table.h"

#include <gtest/gtest.h>

namespace crudbench {
namespace {

TEST(TextTable, AlignsByDisplayWidth) {
  TextTable table({{.title = "名称"}, {.title = "n", .right_aligned = true}});
  table.add_row({{.text = "中文模型"}, {.text = "1"}});
  table.add_row({{.text = "ab"}, {.text = "10"}});
  EXPECT_EQ(table.to_string(false),
            "名称       n\n"
            "中文模型   1\n"
            "ab        10\n");
}

TEST(TextTable, KeepsEachRowOnOneLineAndCutsLongCells) {
  TextTable table({{.title = "text"}});
  table.add_row({{.text = "a\nb" + std::string(100'000, 'x')}});
  EXPECT_EQ(table.to_string(false), "text\na b" + std::string(36, 'x') + "…\n");
}

TEST(TextTable, ColoursOnlyOnRequest) {
  TextTable table({{.title = "t"}});
  table.add_row({{.text = "x", .emphasis = Emphasis::kBold}});
  EXPECT_EQ(table.to_string(false), "t\nx\n");
  EXPECT_EQ(table.to_string(true), "\x1B[2mt\x1B[0m\n\x1B[1mx\x1B[0m\n");
}

TEST(TextTable, PadsEmptyCells) {
  TextTable table({{.title = "a"}, {.title = "b"}, {.title = "c"}});
  table.add_row({{.text = "long"}, {}, {.text = "z"}});
  EXPECT_EQ(table.to_string(false),
            "a     b  c\n"
            "long     z\n");
}

TEST(TextTable, PutsSubtitlesInALineOfTheirOwn) {
  TextTable table({{.title = "run"},
                   {.title = "similarity", .subtitle = "[lsa]", .right_aligned = true},
                   {.title = "f1", .subtitle = "[a judge with a very long name]"}});
  table.add_row({{.text = "1"}, {.text = "20.00"}, {.text = "x"}});
  EXPECT_EQ(table.to_string(false),
            "run  similarity  f1\n"
            "          [lsa]  [a judge with a ver…\n"
            "1         20.00  x\n");
}

TextTable wide_table() {
  TextTable table({{.title = "系统"},
                   {.title = "bleu", .right_aligned = true},
                   {.title = "rouge", .right_aligned = true},
                   {.title = "hit", .right_aligned = true}});
  table.add_row({{.text = "甲"}, {.text = "1.00"}, {.text = "2.00"}, {.text = "3.00"}});
  table.add_row({{.text = "乙"}, {.text = "4.00"}, {.text = "5.00"}, {.text = "6.00"}});
  return table;
}

TEST(TextTable, IsCutBetweenColumnsOnANarrowTerminal) {
  // The whole table takes 4 + 2 + 4 + 2 + 5 + 2 + 4 = 23 columns.
  EXPECT_EQ(wide_table().to_string(false, 23), wide_table().to_string(false));
  EXPECT_EQ(wide_table().to_string(false, 22),
            "系统  bleu  rouge\n"
            "甲    1.00   2.00\n"
            "乙    4.00   5.00\n"
            "\n"
            "系统   hit\n"
            "甲    3.00\n"
            "乙    6.00\n");
}

TEST(TextTable, RefersToRowsByNumberWhereTheirNamesLeaveNoRoom) {
  EXPECT_EQ(wide_table().to_string(false, 9),
            "#  系统\n"
            "1  甲\n"
            "2  乙\n"
            "\n"
            "#  bleu\n"
            "1  1.00\n"
            "2  4.00\n"
            "\n"
            "#  rouge\n"
            "1   2.00\n"
            "2   5.00\n"
            "\n"
            "#   hit\n"
            "1  3.00\n"
            "2  6.00\n");
}

TEST(TextTable, LetsASingleColumnBeTooWide) {
  TextTable table({{.title = "n", .right_aligned = true}});
  table.add_row({{.text = "1234567"}});
  EXPECT_EQ(table.to_string(false, 3), "#        n\n1  1234567\n");
}

}  // namespace
}  // namespace crudbench
