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

}  // namespace
}  // namespace crudbench
