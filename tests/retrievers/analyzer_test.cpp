#include "retrievers/analyzer.h"

#include <string>
#include <vector>

#include "harness/core/fingerprint.h"
#include "harness/core/json.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using testing_support::TemporaryFolder;

AnalyzerOptions read(const Json& json) {
  Options options(json, "test.json", "/retriever");
  const AnalyzerOptions analyzer = read_analyzer_options(options);
  options.finish();
  return analyzer;
}

std::vector<std::string> words(const AnalyzerOptions& options, std::string_view text) {
  const Analyzer analyzer(options);
  WordReader reader(analyzer);
  const auto found = reader.words(text);
  return {found.begin(), found.end()};
}

TEST(Analyzer, CutsByItsName) {
  const std::string text = "清华大学，GPT";
  EXPECT_THAT(words({"jieba"}, text), ElementsAre("清华大学", "gpt"));
  EXPECT_THAT(words({"jieba_search"}, text),
              ElementsAre("清华", "华大", "大学", "清华大学", "gpt"));
  EXPECT_THAT(words({"unigram"}, text), ElementsAre("清", "华", "大", "学", "gpt"));
  EXPECT_THAT(words({"bigram"}, text), ElementsAre("清华", "华大", "大学", "gpt"));
  EXPECT_THAT(words({"icu"}, "来到北京，GPT"), ElementsAre("来到", "北京", "gpt"));
}

TEST(Analyzer, ReadsTheWordsOfAUserDictionary) {
  const TemporaryFolder folder;
  const std::string file = folder.write("user.txt", "台中\n").string();
  EXPECT_THAT(words({"jieba"}, "台中正确"), ElementsAre("台", "中", "正确"));
  EXPECT_THAT(words(read({{"user_dictionary", file}}), "台中正确"), ElementsAre("台中", "正确"));
}

TEST(AnalyzerOptions, RecordTheContentOfTheUserDictionary) {
  const TemporaryFolder folder;
  const std::string file = folder.write("user.txt", "台中\n").string();
  const Json json = {{"analyzer", "jieba_search"}, {"user_dictionary", file}};
  Options options(json, "test.json");
  EXPECT_EQ(read_analyzer_options(options).user_dictionary_sha256, sha256_hex("台中\n"));
  EXPECT_EQ(options.resolved(), Json({{"analyzer", "jieba_search"},
                                      {"user_dictionary", file},
                                      {"user_dictionary_sha256", sha256_hex("台中\n")}}));
}

TEST(AnalyzerOptions, RefuseAUserDictionaryWithoutJieba) {
  for (const char* name : {"unigram", "bigram", "icu"}) {
    EXPECT_ERROR(read({{"analyzer", name}, {"user_dictionary", "user.txt"}}),
                 ErrorCode::kInvalidConfig,
                 "test.json: /retriever/user_dictionary: expected no user dictionary with the "
                 "analyzer \"" +
                     std::string(name) + "\"");
  }
}

TEST(AnalyzerOptions, RefuseAHashOrAnEmptyNameAlone) {
  EXPECT_ERROR(read({{"user_dictionary_sha256", "00"}}), ErrorCode::kInvalidConfig,
               "/retriever/user_dictionary: expected the file");
  EXPECT_ERROR(read({{"user_dictionary", ""}}), ErrorCode::kInvalidConfig,
               "/retriever/user_dictionary: expected the name of a file");
}

TEST(AnalyzerOptions, NameAUserDictionaryThatIsMissingOrMalformed) {
  EXPECT_ERROR(read({{"user_dictionary", "/nowhere/user.txt"}}), ErrorCode::kIo,
               "test.json: /retriever/user_dictionary: cannot read '/nowhere/user.txt'");
  const TemporaryFolder folder;
  const std::string file = folder.write("user.txt", "台中\n\xFF\n").string();
  EXPECT_ERROR(read({{"user_dictionary", file}}), ErrorCode::kInvalidData, "user.txt:2: ");
}

TEST(AnalyzerFingerprint, DependsOnNameAndContentButNotOnThePath) {
  const std::string jieba = analyzer_fingerprint({"jieba"});
  EXPECT_NE(analyzer_fingerprint({"jieba_search"}), jieba);
  EXPECT_NE(analyzer_fingerprint({"icu"}), jieba);
  EXPECT_NE(analyzer_fingerprint({"jieba", "a.txt", sha256_hex("a")}), jieba);
  EXPECT_EQ(analyzer_fingerprint({"jieba", "a.txt", sha256_hex("a")}),
            analyzer_fingerprint({"jieba", "b.txt", sha256_hex("a")}));
}

}  // namespace
}  // namespace crudbench
