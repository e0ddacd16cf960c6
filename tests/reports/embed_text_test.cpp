#include <gtest/gtest.h>
#include <string_view>

#include "harness/core/files.h"
#include "tests/support/testing.h"

namespace crudbench {

std::string_view embedded_sample_text();
std::string_view embedded_empty_text();

namespace {

TEST(EmbedText, KeepsEveryByteOfTheFile) {
  EXPECT_EQ(embedded_sample_text(),
            read_file(testing_support::source_root() / "tests/reports/embedded_sample.txt"));
}

TEST(EmbedText, GivesAnEmptyTextForAnEmptyFile) {
  EXPECT_EQ(embedded_empty_text(), "");
}

}  // namespace
}  // namespace crudbench
