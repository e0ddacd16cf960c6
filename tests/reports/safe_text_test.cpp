#include "reports/safe_text.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>

namespace crudbench {
namespace {

TEST(PrintableLine, ReplacesControlAndReorderingCharacters) {
  EXPECT_EQ(printable_line("a\x1B[31mb\nc\td\r\ne\u202Ef\x7F"), "a\uFFFD[31mb c d e\uFFFDf\uFFFD");
}

TEST(PrintableLine, ReplacesIllFormedBytes) {
  EXPECT_EQ(printable_line("好\xFF"), "好\uFFFD");
}

TEST(PrintableText, KeepsLineBreaks) {
  EXPECT_EQ(printable_text("一\r\n二\u2028三"), "一\n二\n三");
}

TEST(ClipToColumns, CountsChineseCharactersAsTwoColumns) {
  EXPECT_EQ(clip_to_columns("中文字", 6), "中文字");
  EXPECT_EQ(clip_to_columns("中文字", 5), "中文…");
  EXPECT_EQ(clip_to_columns("中文字", 4), "中…");
  EXPECT_EQ(clip_to_columns("abc", 0), "");
}

TEST(MarkdownCell, EscapesMarkupAndTableBars) {
  EXPECT_EQ(markdown_cell("a|b\n<b>*x*</b>"), "a\\|b \\<b\\>\\*x\\*\\</b\\>");
}

TEST(CsvField, QuotesSeparatorsAndQuotes) {
  EXPECT_EQ(csv_field("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
}

TEST(CsvField, DisarmsFormulasButNotNumbers) {
  EXPECT_EQ(csv_field("=1+1"), "'=1+1");
  EXPECT_EQ(csv_field("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(csv_field("-2+3"), "'-2+3");
  EXPECT_EQ(csv_field("+cmd|' /C calc'!A0"), "'+cmd|' /C calc'!A0");
  EXPECT_EQ(csv_field("\t=1"), "\"'\t=1\"");
  EXPECT_EQ(csv_field("-2.5e-3"), "-2.5e-3");
  EXPECT_EQ(csv_field("+7"), "+7");
}

TEST(JsonForHtml, LeavesNothingThatEndsAScriptElement) {
  EXPECT_EQ(json_for_html("</script><!-- & \u2028\u2029"),
            "\"\\u003c/script\\u003e\\u003c!-- \\u0026 \\u2028\\u2029\"");
}

TEST(JsonForHtml, ReadsBackAsTheSameValue) {
  const Json value = {{"</script>", "\u2028<img onerror=x>&amp;\u2029\xE2\x80\xAE"}};
  EXPECT_EQ(Json::parse(json_for_html(value)), value);
}

TEST(ExactNumber, ReadsBackAsTheSameDouble) {
  for (const double value : {0.1, 1.0 / 3.0, 5e-324, std::numeric_limits<double>::max()}) {
    EXPECT_EQ(std::strtod(exact_number(value).c_str(), nullptr), value);
  }
  EXPECT_EQ(exact_number(std::nullopt), "");
}

TEST(FixedNumber, ShowsAbsenceAsADash) {
  EXPECT_EQ(fixed_number(0.125, 2), "0.12");
  EXPECT_EQ(fixed_number(std::nullopt, 2), "–");
}

TEST(LatexText, WritesEverySpecialCharacterAsItself) {
  EXPECT_EQ(latex_text("a_b & 50% #1 $x {y} ~ ^"),
            "a\\_b \\& 50\\% \\#1 \\$x \\{y\\} \\textasciitilde{} \\textasciicircum{}");
  EXPECT_EQ(latex_text("\\end{table}"), "\\textbackslash{}end\\{table\\}");
  EXPECT_EQ(latex_text("[x] *"), "{[}x{]} {*}");
  EXPECT_EQ(latex_text("中文 · –"), "中文 \\textperiodcentered{} --");
  EXPECT_EQ(latex_text("a\nb\x01\xE2\x80\xAE"), "a b??");
}

TEST(HtmlText, EscapesMarkupAndQuotes) {
  EXPECT_EQ(html_text("<b a='x' c=\"y\">&\n"), "&lt;b a=&#39;x&#39; c=&quot;y&quot;&gt;&amp; ");
}

TEST(FileNamePart, KeepsPlainNamesAndHashesOthers) {
  EXPECT_EQ(file_name_part("questanswer_1doc"), "questanswer_1doc");
  EXPECT_EQ(file_name_part("../x").size(), 10U);
  EXPECT_NE(file_name_part("../x"), file_name_part("../y"));
  EXPECT_EQ(file_name_part(std::string(65, 'a')).size(), 10U);
}

}  // namespace
}  // namespace crudbench
