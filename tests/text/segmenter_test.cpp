#include "harness/text/segmenter.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"
#include "harness/text/utf8.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/support/testing.h"
#include "tests/text/random_text.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing_support::adversarial_texts;
using testing_support::ask_program;
using testing_support::kNoJieba;
using testing_support::python;
using testing_support::python_has_jieba;
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

const Segmenter& jieba_words() {
  return jieba_segmenter({.content_only = true});
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

TEST(JiebaSearchSegmenter, PutsPairsAndTriplesOfTheDictionaryBeforeAWord) {
  // The example of jieba's README.
  EXPECT_THAT(cut(jieba_segmenter({.for_search = true}), "小明硕士毕业于中国科学院计算所"),
              ElementsAre("小明", "硕士", "毕业", "于", "中国", "科学", "学院", "科学院",
                          "中国科学院", "计算", "计算所"));
}

TEST(JiebaSearchSegmenter, LeavesOutWordsWithoutContentOnRequest) {
  EXPECT_THAT(cut(jieba_segmenter({.for_search = true, .content_only = true}), "《清华大学》，3%"),
              ElementsAre("清华", "华大", "大学", "清华大学", "3%"));
}

TEST(AdversarialTexts, CoverEveryPlaneMarksLongAsciiRunsAndWhiteSpace) {
  std::string all;
  std::size_t longest_ascii = 0;
  for (const std::string& text : adversarial_texts(20240601, 25000)) {
    all += text;
    std::size_t run = 0;
    for (const char byte : text) {
      run = static_cast<unsigned char>(byte) < 0x80 ? run + 1 : 0;
      longest_ascii = std::max(longest_ascii, run);
    }
  }
  std::set<char32_t> planes;
  std::set<char32_t> spaces;
  std::set<char32_t> marks;
  for (std::size_t offset = 0; offset < all.size();) {
    const CodePoint c = decode_at(all, offset);
    offset += c.size_bytes;
    planes.insert(c.value >> 16U);
    if (is_python_space(c.value)) {
      spaces.insert(c.value);
    }
    if (c.value >= 0x300 && c.value < 0x370) {
      marks.insert(c.value);
    }
  }
  EXPECT_EQ(planes.size(), 17U);
  EXPECT_EQ(spaces.size(), 29U);  // All of Python's.
  EXPECT_EQ(marks.size(), 112U);
  EXPECT_GE(longest_ascii, 3000U);
}

TEST(JiebaSegmenter, EqualsPythonOnRandomTexts) {
  if (!python_has_jieba()) {
    GTEST_SKIP() << kNoJieba;
  }
  const std::vector<std::string> texts = adversarial_texts(20240601, 25000);
  const std::vector<Json> answers = ask_program(python(),
                                                R"(
import json, os, sys, jieba
jieba.setLogLevel(60)
jieba.dt.tmp_dir = os.path.dirname(sys.argv[1])
with open(sys.argv[1]) as texts, open(sys.argv[2], "w") as answers:
    for line in texts:
        text = json.loads(line)
        print(json.dumps([jieba.lcut(text), jieba.lcut_for_search(text)]), file=answers)
)",
                                                texts);
  ASSERT_EQ(answers.size(), texts.size());
  const Segmenter& search = jieba_segmenter({.for_search = true});
  for (std::size_t i = 0; i < texts.size(); ++i) {
    ASSERT_EQ(jieba(texts[i]), answers[i][0].get<std::vector<std::string>>()) << texts[i];
    ASSERT_EQ(cut(search, texts[i]), answers[i][1].get<std::vector<std::string>>()) << texts[i];
  }
}

TEST(JiebaDictionaryFingerprint, IsAHexadecimalSha256) {
  EXPECT_THAT(std::string(jieba_dictionary_fingerprint()), ::testing::MatchesRegex("[0-9a-f]{64}"));
}

TEST(JiebaContentWords, LeavesOutWhiteSpaceAndPunctuation) {
  EXPECT_THAT(cut(jieba_words(), "中国，　《新闻》 3.14% -- ©\r\n\xFF"),
              ElementsAre("中国", "新闻", "3.14%"));
}

TEST(JiebaContentWords, KeepsLettersNumbersAndMarksOfEveryScript) {
  EXPECT_THAT(cut(jieba_words(), "Ⅷ𠀀é\u0301"), ElementsAre("Ⅷ", "𠀀", "é", "\u0301"));
}

TEST(JiebaContentWords, LeavesTheWordsThatWereThereAlone) {
  std::vector<std::string_view> words = {"，"};
  jieba_words().segment("。中国。", words);
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

TEST(IcuSegmenter, CutsChineseByItsDictionaryAndOthersAtWordBoundaries) {
  EXPECT_THAT(cut(icu_segmenter(), "我来到北京，don't stop 3.14!"),
              ElementsAre("我", "来到", "北京", "don't", "stop", "3.14"));
}

TEST(IcuSegmenter, FindsNothingInPunctuationAndIllFormedBytes) {
  EXPECT_THAT(cut(icu_segmenter(), ""), IsEmpty());
  EXPECT_THAT(cut(icu_segmenter(), " ，。👍\xFF\xE4\xB8…"), IsEmpty());
}

TEST(IcuSegmenter, KeepsItsPlaceBehindIllFormedBytes) {
  EXPECT_THAT(cut(icu_segmenter(), "\xF0\x9F北京\xFF\xC3 abc\xE4\xB8"), ElementsAre("北京", "abc"));
}

TEST(IcuSegmenter, GivesTheSameOnEveryThread) {
  const std::vector<std::string> texts = adversarial_texts(7, 200);
  std::vector<std::vector<std::string>> expected;
  for (const std::string& text : texts) {
    expected.push_back(cut(icu_segmenter(), text));
  }
  std::vector<std::vector<std::string>> found(texts.size());
  testing_support::ThreadPoolExecutor threads(4);
  threads.run_all(texts.size(), [&](std::size_t i) { found[i] = cut(icu_segmenter(), texts[i]); });
  EXPECT_EQ(found, expected);
}

TEST(IcuVersion, IsANumberWithAPoint) {
  EXPECT_THAT(icu_version(), ::testing::MatchesRegex("[0-9]+\\.[0-9.]+"));
}

}  // namespace
}  // namespace crudbench
