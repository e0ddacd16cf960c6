#include "harness/text/user_dictionary.h"

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "harness/core/random.h"
#include "harness/text/jieba_dictionary.h"
#include "harness/text/segmenter.h"
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
using testing_support::random_text;

using Line = std::tuple<std::string, std::optional<std::uint64_t>>;

std::vector<Line> lines_of(std::string_view content) {
  std::vector<Line> lines;
  for (const UserWord& word : parse_user_dictionary(content, "user.txt").words) {
    lines.emplace_back(word.text, word.frequency);
  }
  return lines;
}

std::vector<std::string> cut(const Segmenter& segmenter, std::string_view text) {
  std::vector<std::string_view> words;
  segmenter.segment(text, words);
  return {words.begin(), words.end()};
}

std::vector<std::string> cut_with(std::string_view content, std::string_view text,
                                  JiebaOptions options = {}) {
  return cut(*make_jieba_segmenter(parse_user_dictionary(content, "user.txt"), options), text);
}

TEST(UserDictionary, ReadsWordFrequencyAndTag) {
  EXPECT_THAT(lines_of("云计算 5 n\n李小福 2\n创新办 i\n台中\n"),
              ElementsAre(Line{"云计算", 5}, Line{"李小福", 2}, Line{"创新办", std::nullopt},
                          Line{"台中", std::nullopt}));
}

TEST(UserDictionary, LetsWordsHoldSpaces) {
  EXPECT_THAT(lines_of("a b c 7\nGPT 4\nGPT 4 x\n5 5\n5 X\n中国  3\n"),
              ElementsAre(Line{"a b c", 7}, Line{"GPT", 4}, Line{"GPT", 4}, Line{"5", 5},
                          Line{"5 X", std::nullopt}, Line{"中国 ", 3}));
}

TEST(UserDictionary, SkipsBlankLinesMarksAndSpaceAtBothEnds) {
  EXPECT_THAT(lines_of("\uFEFF一 1\r\n\n \t \n\uFEFF\uFEFF二\n\t三 3 \r\n\uFEFF\n\uFEFF  4"),
              ElementsAre(Line{"一", 1}, Line{"二", std::nullopt}, Line{"三", 3}, Line{" ", 4}));
  EXPECT_THAT(lines_of(""), IsEmpty());
}

TEST(UserDictionary, RemembersTheLinesOfItsWords) {
  const UserDictionary dictionary = parse_user_dictionary("\n一\n\n二\n", "user.txt");
  EXPECT_EQ(dictionary.words.at(1).line, 4U);
}

TEST(UserDictionary, RefusesWhatIsNotUtf8) {
  EXPECT_ERROR(parse_user_dictionary("一\n\xFF\n", "user.txt"), ErrorCode::kInvalidData,
               "user.txt:2: ");
}

TEST(UserDictionary, RefusesAFrequencyAbove63Bits) {
  EXPECT_EQ(lines_of("一 9223372036854775807").size(), 1U);
  EXPECT_ERROR(parse_user_dictionary("一 9223372036854775808", "user.txt"), ErrorCode::kInvalidData,
               "user.txt:1: a frequency is at most 9223372036854775807, found 9223372036854775808");
}

TEST(UserDictionary, NamesAFileThatIsNotThere) {
  EXPECT_ERROR(read_user_dictionary("/nowhere/user.txt"), ErrorCode::kIo, "/nowhere/user.txt");
}

TEST(JiebaWithUserDictionary, CutsAsTheDefaultWithoutWords) {
  for (const std::string& text : adversarial_texts(3, 300)) {
    EXPECT_EQ(cut_with("", text), cut(jieba_segmenter(), text)) << text;
  }
}

TEST(JiebaWithUserDictionary, FindsTheUsersWords) {
  // The example of jieba's README.
  EXPECT_THAT(
      cut_with("云计算 5\n李小福 2 nr\n创新办 3 i", "李小福是创新办主任也是云计算方面的专家"),
      ElementsAre("李小福", "是", "创新办", "主任", "也", "是", "云计算", "方面", "的", "专家"));
}

TEST(JiebaWithUserDictionary, MakesUpFrequenciesThatKeepWordsTogether) {
  EXPECT_THAT(cut(jieba_segmenter(), "台中正确"), ElementsAre("台", "中", "正确"));
  EXPECT_THAT(cut_with("台中", "台中正确"), ElementsAre("台中", "正确"));
}

TEST(JiebaWithUserDictionary, OverridesTheDefaultAndSplitsAtFrequency0) {
  EXPECT_THAT(cut_with("南京市长江大桥 0\n长江大桥 0\n", "长江大桥"), ElementsAre("长江", "大桥"));
  EXPECT_THAT(cut(jieba_segmenter(), "杭研"), ElementsAre("杭研"));  // By the HMM.
  EXPECT_THAT(cut_with("杭研 0", "杭研"), ElementsAre("杭", "研"));
}

TEST(JiebaWithUserDictionary, KeepsSplittingWhatOnceHadFrequency0) {
  // 有 and 家 are so frequent that 有家 with frequency 1 is less probable: the HMM joins them.
  EXPECT_THAT(cut_with("有家 1", "了有家"), ElementsAre("了", "有家"));
  EXPECT_THAT(cut_with("有家 0\n有家 1", "了有家"), ElementsAre("了", "有", "家"));
}

TEST(JiebaWithUserDictionary, CutsForSearchWithTheUsersWords) {
  EXPECT_THAT(cut_with("江大", "长江大桥，", {.for_search = true, .content_only = true}),
              ElementsAre("长江", "江大", "大桥", "长江大桥"));
}

TEST(JiebaWithUserDictionary, NamesTheLineWhereFrequenciesSumUpToTooMuch) {
  EXPECT_ERROR(cut_with("一 5\n二 9223372036854775807", ""), ErrorCode::kInvalidData,
               "user.txt:2: the frequencies of all words sum up to 9223372036854775807 at most");
}

TEST(JiebaWithUserDictionary, LeavesTheSharedDictionaryAlone) {
  const auto extended = make_jieba_segmenter(parse_user_dictionary("来到北京", "user.txt"));
  EXPECT_THAT(cut(*extended, "我来到北京"), ElementsAre("我", "来到北京"));
  EXPECT_THAT(cut(jieba_segmenter(), "我来到北京"), ElementsAre("我", "来到", "北京"));
}

TEST(JiebaWithUserDictionary, GivesTheSameOnEveryThread) {
  const auto extended =
      make_jieba_segmenter(parse_user_dictionary("研究生命\n了网\n市长 0\n", "user.txt"));
  const std::vector<std::string> texts = adversarial_texts(5, 200);
  std::vector<std::vector<std::string>> expected;
  for (const std::string& text : texts) {
    expected.push_back(cut(*extended, text));
  }
  std::vector<std::vector<std::string>> found(texts.size());
  testing_support::ThreadPoolExecutor threads(4);
  threads.run_all(texts.size(), [&](std::size_t i) { found[i] = cut(*extended, texts[i]); });
  EXPECT_EQ(found, expected);
}

/// Words made to get into each other's way: pieces of a text that begin and end anywhere, so that
/// they overlap the dictionary's words, single characters, ASCII, and characters that no cut hands
/// to a dictionary.
std::string random_word(Random& random, std::string_view text) {
  static constexpr std::string_view kWords[] = {
      "γ",    "γ射",  "γ射线", "·",      "卡·马",   "C++",    "c#",   "AT&T",  "3.14",
      "50%",  "a b",  "x 1y",  "GPT-4",  "e\u0301", "龘",     "龘龘", "魍·魉", "魍",
      "魍魉", "有家", "不个",  "了有家", "\u9FD5",  "\u4E00", "%",    ".",     "-",
      "a",    "Z",    "7",     "𠀀",     "丂丂",    "１２",   "　",   "a\rb",  "_x_"};
  if (random.below(4) == 0) {
    return std::string(kWords[random.below(std::size(kWords))]);
  }
  const std::vector<std::uint32_t> offsets = code_point_offsets(text);
  const std::size_t begin = random.below(offsets.size() - 1);
  const std::size_t end = std::min(begin + 1 + random.below(5), offsets.size() - 1);
  return std::string(text.substr(offsets[begin], offsets[end] - offsets[begin]));
}

struct Trial {
  std::string content;
  std::vector<std::string> words;
  std::vector<std::string> texts;
};

Trial random_trial(Random& random) {
  static constexpr std::string_view kEnds[] = {"\n", "\n", "\n", "\r\n", " \n", "\n\n", "\n \t\n"};
  Trial trial;
  const auto sentence = [&random] {
    return random_text(random, 8) + "他来到了网易杭研大厦" + random_text(random, 8) +
           "南京市长江大桥，研究生命起源3.14%";
  };
  const std::string source = sentence() + sentence();
  trial.content = random.below(2) == 0 ? "\uFEFF" : "";
  const std::uint64_t word_count = 1 + random.below(40);
  for (std::uint64_t i = 0; i < word_count; ++i) {
    const std::string word = trial.words.empty() || random.below(6) != 0
                                 ? random_word(random, source)
                                 : trial.words[random.below(trial.words.size())];
    if (word.find('\n') != std::string::npos) {
      continue;
    }
    trial.words.push_back(word);
    trial.content += word;
    switch (random.below(5)) {
      case 0:
        trial.content += " 0";
        break;
      case 1:
        trial.content += " " + std::to_string(random.below(2000));
        break;
      case 2:
        trial.content += " " + std::to_string(random.next() >> (8U + random.below(50)));
        break;
      default:
        break;
    }
    trial.content += random.below(3) == 0 ? " nz" : "";
    trial.content += kEnds[random.below(std::size(kEnds))];
  }
  for (int i = 0; i < 40; ++i) {
    std::string text = i % 4 == 0 ? source : random_text(random, 6);
    for (std::uint64_t k = random.below(8); !trial.words.empty() && k > 0; --k) {
      text += trial.words[random.below(trial.words.size())];
      text += random.below(4) == 0 ? random_word(random, source) : "";
    }
    trial.texts.push_back(text);
  }
  return trial;
}

TEST(JiebaWithUserDictionary, EqualsPythonOnRandomDictionaries) {
  if (!python_has_jieba()) {
    GTEST_SKIP() << kNoJieba;
  }
  Random random(20240602);
  std::vector<Trial> trials;
  std::vector<std::string> questions;
  for (int i = 0; i < 250; ++i) {
    trials.push_back(random_trial(random));
    const Trial& trial = trials.back();
    questions.push_back(
        Json{{"content", trial.content}, {"words", trial.words}, {"texts", trial.texts}}.dump());
  }
  const std::vector<Json> answers = ask_program(python(),
                                                R"(
import io, json, os, sys, jieba
from jieba import finalseg
jieba.setLogLevel(60)
jieba.dt.tmp_dir = os.path.dirname(sys.argv[1])
jieba.initialize()
with open(sys.argv[1]) as questions, open(sys.argv[2], "w") as answers:
    for line in questions:
        question = json.loads(json.loads(line))
        finalseg.Force_Split_Words.clear()
        tokenizer = jieba.Tokenizer()
        tokenizer.FREQ, tokenizer.total = dict(jieba.dt.FREQ), jieba.dt.total
        tokenizer.initialized = True
        tokenizer.load_userdict(io.BytesIO(question["content"].encode()))
        print(json.dumps({
            "total": tokenizer.total,
            "frequencies": [tokenizer.FREQ.get(word) for word in question["words"]],
            "cuts": [tokenizer.lcut(text) for text in question["texts"]],
            "search": [tokenizer.lcut_for_search(text) for text in question["texts"]]}),
            file=answers)
)",
                                                questions);
  ASSERT_EQ(answers.size(), trials.size());
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const Trial& trial = trials[i];
    SCOPED_TRACE("dictionary:\n" + trial.content);
    const UserDictionary words = parse_user_dictionary(trial.content, "user.txt");
    const ExtendedDictionary dictionary(words);
    ASSERT_EQ(dictionary.total(), answers[i]["total"].get<std::uint64_t>());
    for (std::size_t k = 0; k < trial.words.size(); ++k) {
      const Json& expected = answers[i]["frequencies"][k];
      const auto found = dictionary.frequency(trial.words[k]);
      ASSERT_EQ(found.has_value(), !expected.is_null()) << trial.words[k];
      ASSERT_EQ(found.value_or(0), found ? expected.get<std::uint64_t>() : 0) << trial.words[k];
    }
    const auto all = make_jieba_segmenter(words);
    const auto search = make_jieba_segmenter(words, {.for_search = true});
    for (std::size_t k = 0; k < trial.texts.size(); ++k) {
      ASSERT_EQ(cut(*all, trial.texts[k]), answers[i]["cuts"][k].get<std::vector<std::string>>())
          << trial.texts[k];
      ASSERT_EQ(cut(*search, trial.texts[k]),
                answers[i]["search"][k].get<std::vector<std::string>>())
          << trial.texts[k];
    }
  }
}

}  // namespace
}  // namespace crudbench
