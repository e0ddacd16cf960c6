#include "harness/text/tokenizer.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "harness/core/random.h"
#include "tests/support/testing.h"
#include "tests/text/random_text.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::ask_program;
using testing_support::random_text;
using testing_support::read_lines;
using testing_support::shared_file;
using testing_support::skip_message;

std::vector<std::uint32_t> encode(std::string_view text) {
  return cl100k_tokenizer().encode(text);
}

// The tokens of this part come from tiktoken's own tests (tests/test_encoding.py).

TEST(Cl100kTokenizer, EncodesPlainWords) {
  EXPECT_THAT(encode("hello world"), ElementsAre(15339, 1917));
  EXPECT_THAT(encode("rer"), ElementsAre(38149));
}

TEST(Cl100kTokenizer, CutsContractionsOff) {
  EXPECT_THAT(encode("'rer"), ElementsAre(2351, 81));
}

TEST(Cl100kTokenizer, PutsWhiteSpaceUpToTheLastLineBreakTogether) {
  EXPECT_THAT(encode("today\n "), ElementsAre(31213, 198, 220));
  EXPECT_THAT(encode("today\n \n"), ElementsAre(31213, 27907));
  EXPECT_THAT(encode("today\n  \n"), ElementsAre(31213, 14211));
}

TEST(Cl100kTokenizer, TakesNextLineForWhiteSpace) {
  EXPECT_THAT(encode(" \u00850"), ElementsAre(220, 126, 227, 15));
}

TEST(Cl100kTokenizer, EncodesCharactersBeyondTheBasicPlane) {
  EXPECT_THAT(encode("👍"), ElementsAre(9468, 239, 235));
}

// Worked out from the pattern: a piece is what is merged, so pieces show as differences of counts.

TEST(Cl100kTokenizer, EncodesNothingAsNothing) {
  EXPECT_THAT(encode(""), IsEmpty());
  EXPECT_EQ(cl100k_tokenizer().count(""), 0U);
}

TEST(Cl100kTokenizer, CutsNumbersIntoThrees) {
  std::vector<std::uint32_t> parts = encode("123");
  for (const std::uint32_t token : encode("456")) {
    parts.push_back(token);
  }
  for (const std::uint32_t token : encode("7")) {
    parts.push_back(token);
  }
  EXPECT_EQ(encode("1234567"), parts);
}

TEST(Cl100kTokenizer, LeavesTheLastSpaceOfARunToTheWordBehindIt) {
  std::vector<std::uint32_t> parts = encode("  ");
  for (const std::uint32_t token : encode(" world")) {
    parts.push_back(token);
  }
  EXPECT_EQ(encode("   world"), parts);
}

TEST(Cl100kTokenizer, EncodesIllFormedBytesAsTheyAre) {
  EXPECT_EQ(encode("\xFF").size(), 1U);
  EXPECT_EQ(encode("a\xFF").size(), 2U);  // A symbol ends a run of letters.
  EXPECT_EQ(encode("\xE4\xB8"), encode(std::string_view("中").substr(0, 2)));
}

TEST(Cl100kTokenizer, HandlesALongRunInLinearTime) {
  std::string text;
  for (int i = 0; i < 200000; ++i) {
    text += "鑫龘";
  }
  // A quadratic merge would not end within the test's time limit.
  EXPECT_GE(cl100k_tokenizer().count(text), 400000U);
  EXPECT_EQ(cl100k_tokenizer().count(std::string(1000000, ' ')),
            encode(std::string(1000000, ' ')).size());
}

TEST(Cl100kTokenizer, CountsAsTheGoldenFile) {
  const auto file = shared_file("oracles/chunks.jsonl");
  if (file.empty()) {
    GTEST_SKIP() << skip_message("oracles/chunks.jsonl");
  }
  for (const std::string& line : read_lines(file)) {
    const Json golden = Json::parse(line);
    const auto text = golden["text"].get<std::string>();
    EXPECT_EQ(cl100k_tokenizer().count(text), golden["tokens"].get<std::size_t>()) << text;
  }
}

TEST(Cl100kTokenizer, EqualsJsTiktokenOnRandomTexts) {
  const std::string package = CRUDBENCH_TIKTOKEN_DIR;
  const std::string node = "CRUDBENCH_TIKTOKEN_DIR='" + package + "' node";
  if (std::system(
          (node + " -e \"require(process.env.CRUDBENCH_TIKTOKEN_DIR)\" 2>/dev/null").c_str()) !=
      0) {
    GTEST_SKIP() << "node cannot load js-tiktoken from '" << package << "'";
  }
  // Left out: what JavaScript's \s takes differently from Rust's (U+0085, U+FEFF), and U+017F,
  // which folds to s in tiktoken's pattern only.
  const auto differs = [](const std::string& text) {
    for (const std::string_view character : {"\u0085", "\uFEFF", "\u017F"}) {
      if (text.find(character) != std::string::npos) {
        return true;
      }
    }
    return false;
  };
  Random random(100256);
  std::vector<std::string> texts;
  while (texts.size() < 6000) {
    std::string text = random_text(random, 10);
    if (!differs(text)) {
      texts.push_back(std::move(text));
    }
  }
  const std::vector<Json> answers = ask_program(node,
                                                R"(
const fs = require("fs");
const folder = process.env.CRUDBENCH_TIKTOKEN_DIR;
const { Tiktoken } = require(folder + "/dist/lite.cjs");
const tokenizer = new Tiktoken(require(folder + "/dist/ranks/cl100k_base.cjs"));
const lines = fs.readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean);
fs.writeFileSync(process.argv[3],
  lines.map((line) => JSON.stringify(tokenizer.encode(JSON.parse(line), [], [])) + "\n").join(""));
)",
                                                texts);
  ASSERT_EQ(answers.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto tokens = encode(texts[i]);
    ASSERT_EQ(tokens, answers[i].get<std::vector<std::uint32_t>>()) << texts[i];
    ASSERT_EQ(cl100k_tokenizer().count(texts[i]), tokens.size());
  }
}

TEST(Cl100kVocabularyFingerprint, IsAHexadecimalSha256) {
  EXPECT_THAT(std::string(cl100k_vocabulary_fingerprint()),
              ::testing::MatchesRegex("[0-9a-f]{64}"));
}

}  // namespace
}  // namespace crudbench
