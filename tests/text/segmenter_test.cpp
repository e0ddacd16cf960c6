#include "harness/text/segmenter.h"

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

std::vector<std::string> cut(const Segmenter& segmenter, std::string_view text) {
  std::vector<std::string_view> words;
  segmenter.segment(text, words);
  return {words.begin(), words.end()};
}

std::vector<std::string> jieba(std::string_view text) {
  return cut(jieba_segmenter(), text);
}

TEST(JiebaSegmenter, CutsNothingOutOfAnEmptyText) {
  EXPECT_THAT(jieba(""), IsEmpty());
}

TEST(JiebaSegmenter, TakesTheMostProbableDictionaryWords) {
  EXPECT_THAT(jieba("我来到北京清华大学"), ElementsAre("我", "来到", "北京", "清华大学"));
  EXPECT_THAT(jieba("南京市长江大桥"), ElementsAre("南京市", "长江大桥"));
}

TEST(JiebaSegmenter, FindsUnknownWordsByTheHmm) {
  // 杭研 is not in the dictionary (the example of jieba's README).
  EXPECT_THAT(jieba("他来到了网易杭研大厦"),
              ElementsAre("他", "来到", "了", "网易", "杭研", "大厦"));
}

TEST(JiebaSegmenter, KeepsNumbersWithFractionAndPercentSignTogether) {
  EXPECT_THAT(jieba("增长7.6%，1.2.0"), ElementsAre("增长", "7.6%", "，", "1.2", ".", "0"));
}

TEST(JiebaSegmenter, KeepsDictionaryWordsWithLettersTogether) {
  EXPECT_THAT(jieba("A股T恤"), ElementsAre("A股", "T恤"));
}

TEST(JiebaSegmenter, CutsOtherCharactersOneByOneButLineBreaksOfTwoTogether) {
  EXPECT_THAT(jieba("\r\n\r\n\n  《"), ElementsAre("\r\n", "\r\n", "\n", " ", " ", "《"));
}

TEST(JiebaSegmenter, CutsHanOutsideItsRangeOneByOne) {
  EXPECT_THAT(jieba("𠀀㐀"), ElementsAre("𠀀", "㐀"));
}

TEST(JiebaSegmenter, MakesAnIllFormedByteAWord) {
  EXPECT_THAT(jieba("中国\xFF"), ElementsAre("中国", "\xFF"));
  EXPECT_THAT(jieba("\xE4\xB8"), ElementsAre("\xE4", "\xB8"));  // 中 without its last byte.
  EXPECT_THAT(jieba("a\xED\xA0\x80z"), ElementsAre("a", "\xED", "\xA0", "\x80", "z"));
}

TEST(JiebaSegmenter, AppendsToTheWordsThatAreThere) {
  std::vector<std::string_view> words = {"first"};
  jieba_segmenter().segment("中国", words);
  EXPECT_THAT(words, ElementsAre("first", "中国"));
}

TEST(JiebaSegmenter, CutsAVeryLongBlockCompletely) {
  std::string text;
  for (int i = 0; i < 100000; ++i) {
    text += "研究生命";
  }
  std::string joined;
  for (const std::string& word : jieba(text)) {
    joined += word;
  }
  EXPECT_EQ(joined, text);
}

TEST(JiebaSegmenter, EqualsTheGoldenFile) {
  const auto file = shared_file("oracles/segmentation.jsonl");
  if (file.empty()) {
    GTEST_SKIP() << skip_message("oracles/segmentation.jsonl");
  }
  for (const std::string& line : read_lines(file)) {
    const Json golden = Json::parse(line);
    const auto text = golden["text"].get<std::string>();
    EXPECT_EQ(jieba(text), golden["tokens"].get<std::vector<std::string>>()) << text;
  }
}

TEST(JiebaSegmenter, EqualsPythonOnRandomTexts) {
  const std::string python = std::string("PYTHONPATH='") + CRUDBENCH_JIEBA_DIR +
                             "/..' PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -W ignore";
  if (std::system((python + " -c 'import jieba' 2>/dev/null").c_str()) != 0) {
    GTEST_SKIP() << "/usr/bin/python3 cannot import jieba";
  }
  Random random(20240601);
  std::vector<std::string> texts;
  for (int i = 0; i < 25000; ++i) {
    texts.push_back(random_text(random, 12));
  }
  for (int i = 0; i < 20; ++i) {
    texts.push_back(random_text(random, 3000));
  }
  const std::vector<Json> answers = ask_program(python,
                                                R"(
import json, os, sys, jieba
jieba.setLogLevel(60)
jieba.dt.tmp_dir = os.path.dirname(sys.argv[1])
with open(sys.argv[1]) as texts, open(sys.argv[2], "w") as answers:
    for line in texts:
        print(json.dumps(list(jieba.cut(json.loads(line)))), file=answers)
)",
                                                texts);
  ASSERT_EQ(answers.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(jieba(texts[i]), answers[i].get<std::vector<std::string>>()) << texts[i];
  }
}

TEST(JiebaDictionaryFingerprint, IsAHexadecimalSha256) {
  EXPECT_THAT(std::string(jieba_dictionary_fingerprint()), ::testing::MatchesRegex("[0-9a-f]{64}"));
}

TEST(JiebaWordSegmenter, LeavesOutWhiteSpaceAndPunctuation) {
  EXPECT_THAT(cut(jieba_word_segmenter(), "中国，　《新闻》 3.14% -- ©\r\n\xFF"),
              ElementsAre("中国", "新闻", "3.14%"));
}

TEST(JiebaWordSegmenter, KeepsLettersNumbersAndMarksOfEveryScript) {
  EXPECT_THAT(cut(jieba_word_segmenter(), "Ⅷ𠀀é\u0301"), ElementsAre("Ⅷ", "𠀀", "é", "\u0301"));
}

TEST(JiebaWordSegmenter, LeavesTheWordsThatWereThereAlone) {
  std::vector<std::string_view> words = {"，"};
  jieba_word_segmenter().segment("。中国。", words);
  EXPECT_THAT(words, ElementsAre("，", "中国"));
}

TEST(UnigramSegmenter, CutsHanOneByOneAndKeepsOtherRuns) {
  EXPECT_THAT(cut(unigram_segmenter(), "2024年GPT-4o发布，ひカ한。"),
              ElementsAre("2024", "年", "GPT", "4o", "发", "布", "ひ", "カ", "한"));
}

TEST(UnigramSegmenter, KeepsMarksWithWhatTheyFollow) {
  EXPECT_THAT(cut(unigram_segmenter(), "か\u3099e\u0301t中\uFE00"),
              ElementsAre("か\u3099", "e\u0301t", "中\uFE00"));
}

TEST(UnigramSegmenter, FindsNothingInPunctuationAndIllFormedBytes) {
  EXPECT_THAT(cut(unigram_segmenter(), " ，。\xFF\xE4\xB8…"), IsEmpty());
}

TEST(BigramSegmenter, PairsNeighboursAndKeepsLonelyCharacters) {
  EXPECT_THAT(cut(bigram_segmenter(), "中华人民,共 AI时代,x"),
              ElementsAre("中华", "华人", "人民", "共", "AI", "时代", "x"));
}

TEST(BigramSegmenter, PairsAcrossScriptsButNotAcrossPunctuation) {
  EXPECT_THAT(cut(bigram_segmenter(), "東京タ，ワ"), ElementsAre("東京", "京タ", "ワ"));
}

TEST(BigramSegmenter, DoesNotPairAcrossOtherWords) {
  EXPECT_THAT(cut(bigram_segmenter(), "中a国"), ElementsAre("中", "a", "国"));
}

}  // namespace
}  // namespace crudbench
