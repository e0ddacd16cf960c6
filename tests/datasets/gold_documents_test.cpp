#include "datasets/gold_documents.h"

#include <string>
#include <vector>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kPaper = KnowledgeBaseMode::kPaper;
constexpr auto kAugmented = KnowledgeBaseMode::kGoldAugmented;

Corpus corpus_of(const std::vector<std::string>& lines) {
  Corpus corpus;
  const std::uint32_t file = corpus.add_file("f");
  for (std::uint32_t i = 0; i < lines.size(); ++i) {
    corpus.add(file, i + 1, lines[i]);
  }
  return corpus;
}

/// "PROBLEM|WHERE|DETAIL" of the issues that attaching gave.
std::vector<std::string> attach(Sample& sample, Corpus& corpus, KnowledgeBaseMode mode) {
  std::vector<HealthIssue> issues;
  attach_gold_documents(sample, corpus, mode, "s.json", issues);
  std::vector<std::string> lines;
  for (const HealthIssue& issue : issues) {
    EXPECT_FALSE(issue.excluded);
    lines.push_back(issue.problem + "|" + issue.where + "|" + issue.detail);
  }
  return lines;
}

TEST(GoldDocuments, FindsTheArticleOfHalluModifiedByItsStrippedText) {
  Corpus corpus = corpus_of({"甲", "乙 丙  丁"});
  Sample sample{"7", "hallu_modified", {{"newsRemainder", "\n 乙\n丙\n\n丁　"}}, {}};
  EXPECT_THAT(attach(sample, corpus, kPaper), IsEmpty());
  EXPECT_THAT(sample.gold_documents, ElementsAre(1U));
  EXPECT_EQ(corpus.size(), 2U);
}

TEST(GoldDocuments, ReportsInPaperModeThatTheArticleOfHalluModifiedIsNotInTheCorpus) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{"7", "hallu_modified", {{"newsRemainder", "乙"}}, {}};
  EXPECT_THAT(attach(sample, corpus, kPaper),
              ElementsAre("gold_not_in_corpus|s.json: hallu_modified/7|"
                          "no document is 'newsRemainder' word for word"));
  EXPECT_THAT(sample.gold_documents, IsEmpty());
  EXPECT_EQ(corpus.size(), 1U);
}

TEST(GoldDocuments, AddsInAugmentedModeWhatTheCorpusLacks) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{"7", "event_summary", {{"event", "事"}, {"text", " 乙\n丙 "}}, {}};
  EXPECT_THAT(attach(sample, corpus, kAugmented), IsEmpty());
  ASSERT_EQ(corpus.size(), 2U);
  EXPECT_THAT(sample.gold_documents, ElementsAre(1U));
  EXPECT_EQ(corpus.text(1), "乙 丙");
  EXPECT_EQ(corpus.doc_id(1), "event_summary/7/text");
}

TEST(GoldDocuments, AddsNoArticleTwice) {
  Corpus corpus = corpus_of({"甲"});
  Sample first{"7", "event_summary", {{"text", "乙"}}, {}};
  Sample second{"7", "questanswer_1doc", {{"news1", "乙\n"}}, {}};
  Sample third{"8", "questanswer_1doc", {{"news1", "甲"}}, {}};
  attach(first, corpus, kAugmented);
  attach(second, corpus, kAugmented);
  attach(third, corpus, kAugmented);
  EXPECT_EQ(corpus.size(), 2U);
  EXPECT_THAT(second.gold_documents, ElementsAre(1U));
  EXPECT_THAT(third.gold_documents, ElementsAre(0U));
}

TEST(GoldDocuments, PutsBeginningAndContinuationTogether) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{
      "7", "continuing_writing", {{"beginning", " 上文，"}, {"continuing", "下文。\n"}}, {}};
  EXPECT_THAT(attach(sample, corpus, kAugmented), IsEmpty());
  EXPECT_EQ(corpus.text(1), "上文，下文。");
  EXPECT_EQ(corpus.doc_id(1), "continuing_writing/7/beginning+continuing");
}

TEST(GoldDocuments, ReadsTheNumberOfArticlesFromTheFieldsNotTheTask) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{"7", "questanswer_2docs", {{"news1", "乙"}, {"news2", "丙"}, {"news3", "丁"}}, {}};
  attach(sample, corpus, kAugmented);
  EXPECT_THAT(sample.gold_documents, ElementsAre(1U, 2U, 3U));
  EXPECT_EQ(corpus.doc_id(3), "questanswer_2docs/7/news3");
}

TEST(GoldDocuments, NamesADocumentOnceWhereTwoFieldsHoldIt) {
  Corpus corpus = corpus_of({"甲", "乙", "甲"});
  Sample sample{"7", "questanswer_3docs", {{"news1", "乙"}, {"news2", "甲"}, {"news3", " 乙"}}, {}};
  attach(sample, corpus, kPaper);
  EXPECT_THAT(sample.gold_documents, ElementsAre(1U, 0U));
}

TEST(GoldDocuments, KeepsInPaperModeThoseThatAreFound) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{"7", "questanswer_2docs", {{"news1", "乙"}, {"news2", "甲"}}, {}};
  EXPECT_THAT(attach(sample, corpus, kPaper), IsEmpty());
  EXPECT_THAT(sample.gold_documents, ElementsAre(0U));
}

TEST(GoldDocuments, AreUnknownWhereAnArticleIsEmpty) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{"7", "questanswer_2docs", {{"news1", "甲"}, {"news2", ""}}, {}};
  EXPECT_THAT(attach(sample, corpus, kAugmented),
              ElementsAre("missing_gold|s.json: questanswer_2docs/7|'news2' holds no text"));
  EXPECT_THAT(sample.gold_documents, IsEmpty());
}

TEST(GoldDocuments, AreUnknownWhereTheArticleIsAbsent) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{"7", "hallu_modified", {}, {}};
  EXPECT_THAT(attach(sample, corpus, kPaper),
              ElementsAre("missing_gold|s.json: hallu_modified/7|'newsRemainder' holds no text"));
}

TEST(GoldDocuments, TakeTheirTextOutOfTheSample) {
  Corpus corpus = corpus_of({"甲"});
  Sample sample{"7", "event_summary", {{"event", "事"}, {"summary", "概"}, {"text", "乙"}}, {}};
  attach(sample, corpus, kAugmented);
  EXPECT_EQ(sample.fields, (Fields{{"event", "事"}, {"summary", "概"}}));
}

TEST(GoldDocuments, LeaveTheTextInASampleThatHasItAlone) {
  Corpus corpus = corpus_of({"甲"});
  const Fields fields{{"event", "事"}, {"text", "乙"}};
  Sample sample{"7", "event_summary", fields, {}};
  attach(sample, corpus, kPaper);
  EXPECT_EQ(sample.fields, fields);
}

TEST(GoldDocuments, LeaveInTheSampleWhatTheTaskAsksFor) {
  Corpus corpus = corpus_of({"甲"});
  const Fields fields{{"beginning", "上"}, {"continuing", "下"}};
  Sample sample{"7", "continuing_writing", fields, {}};
  attach(sample, corpus, kAugmented);
  EXPECT_EQ(sample.fields, fields);
}

}  // namespace
}  // namespace crudbench
