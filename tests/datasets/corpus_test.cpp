#include "datasets/corpus.h"

#include <string>

#include "tests/fakes/backward_executor.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::BackwardExecutor;

std::string fingerprint(const Corpus& corpus) {
  SerialExecutor executor;
  return fingerprint_of(corpus, executor);
}

/// One file "f" with these lines.
Corpus corpus_of(const std::vector<std::string>& lines) {
  Corpus corpus;
  const std::uint32_t file = corpus.add_file("f");
  for (std::uint32_t i = 0; i < lines.size(); ++i) {
    corpus.add(file, i + 1, lines[i]);
  }
  return corpus;
}

TEST(Corpus, KeepsTextsAndIdsInOrder) {
  Corpus corpus;
  const std::uint32_t first = corpus.add_file("新闻_1");
  const std::uint32_t second = corpus.add_file("新闻_2");
  EXPECT_EQ(corpus.add(first, 1, "甲"), 0U);
  EXPECT_EQ(corpus.add(first, 3, "乙丙"), 1U);
  EXPECT_EQ(corpus.add(second, 1, "丁"), 2U);
  ASSERT_EQ(corpus.size(), 3U);
  EXPECT_EQ(corpus.text(0), "甲");
  EXPECT_EQ(corpus.text(1), "乙丙");
  EXPECT_EQ(corpus.text(2), "丁");
  EXPECT_EQ(corpus.doc_id(1), "新闻_1:3");
  EXPECT_EQ(corpus.doc_id(2), "新闻_2:1");
  EXPECT_EQ(corpus.size_bytes(), 12U);
}

TEST(Corpus, NamesAnAddedDocumentAsTold) {
  Corpus corpus = corpus_of({"甲"});
  const DocumentIndex added = corpus.add_named("event_summary/7/text", "乙");
  EXPECT_EQ(corpus.doc_id(added), "event_summary/7/text");
  EXPECT_EQ(corpus.text(added), "乙");
  EXPECT_EQ(corpus.doc_id(0), "f:1");
}

TEST(Corpus, CountsDuplicatesAndPointsThemAtTheFirst) {
  const Corpus corpus = corpus_of({"甲", "乙", "甲", "甲", "乙"});
  EXPECT_EQ(corpus.duplicate_count(), 3U);
  EXPECT_EQ(corpus.canonical(0), 0U);
  EXPECT_EQ(corpus.canonical(1), 1U);
  EXPECT_EQ(corpus.canonical(2), 0U);
  EXPECT_EQ(corpus.canonical(3), 0U);
  EXPECT_EQ(corpus.canonical(4), 1U);
  EXPECT_EQ(corpus.text(3), "甲");
}

TEST(Corpus, FindsTheFirstDocumentWithATextAndNoOther) {
  const Corpus corpus = corpus_of({"甲", "乙", "乙"});
  EXPECT_EQ(corpus.find("乙"), 1U);
  EXPECT_EQ(corpus.find("乙 "), std::nullopt);
  EXPECT_EQ(corpus.find(""), std::nullopt);
  EXPECT_EQ(Corpus().find("甲"), std::nullopt);
}

TEST(Corpus, FindsEveryTextAfterItsTableHasGrown) {
  constexpr std::uint32_t kCount = 5000;
  Corpus corpus;
  const std::uint32_t file = corpus.add_file("f");
  for (std::uint32_t i = 0; i < kCount; ++i) {
    corpus.add(file, i + 1, std::to_string(i));
  }
  EXPECT_EQ(corpus.duplicate_count(), 0U);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    EXPECT_EQ(corpus.find(std::to_string(i)), i);
  }
  EXPECT_EQ(corpus.find(std::to_string(kCount)), std::nullopt);
}

TEST(Corpus, ReservingChangesNothing) {
  Corpus corpus = corpus_of({"甲"});
  corpus.reserve(1000);
  EXPECT_EQ(corpus.size(), 1U);
  EXPECT_EQ(corpus.text(0), "甲");
}

TEST(CorpusFingerprint, DependsOnTextsIdsAndOrder) {
  const std::string fingerprint_of_two = fingerprint(corpus_of({"甲乙", "丙"}));
  EXPECT_EQ(fingerprint_of_two.size(), 64U);
  EXPECT_EQ(fingerprint(corpus_of({"甲乙", "丙"})), fingerprint_of_two);
  EXPECT_NE(fingerprint(corpus_of({"甲", "乙丙"})), fingerprint_of_two);
  EXPECT_NE(fingerprint(corpus_of({"丙", "甲乙"})), fingerprint_of_two);
  EXPECT_NE(fingerprint(corpus_of({"甲乙"})), fingerprint_of_two);
  Corpus renamed;
  const std::uint32_t file = renamed.add_file("g");
  renamed.add(file, 1, "甲乙");
  renamed.add(file, 2, "丙");
  EXPECT_NE(fingerprint(renamed), fingerprint_of_two);
}

TEST(CorpusFingerprint, DoesNotDependOnThreads) {
  std::vector<std::string> lines;
  for (int i = 0; i < 3000; ++i) {
    lines.push_back("第" + std::to_string(i) + "条");
  }
  const Corpus corpus = corpus_of(lines);
  BackwardExecutor executor(3);
  EXPECT_EQ(fingerprint_of(corpus, executor), fingerprint(corpus));
}

}  // namespace
}  // namespace crudbench
