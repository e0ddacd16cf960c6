#include "harness/runner/context_builder.h"

#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

/// Every document is one chunk.
class WholeDocuments final : public Chunker {
 public:
  std::vector<ChunkPieces> chunk(const Document& document) const override {
    return {{{0, static_cast<std::uint32_t>(document.text.size())}}};
  }
};

class BuildContextTest : public ::testing::Test {
 protected:
  BuildContextTest() {
    const std::uint32_t file = corpus_.add_file("f.txt");
    std::uint32_t line = 0;
    for (const char* text : {"甲队进球", "乙队防守", "丙队观战"}) {
      corpus_.add(file, ++line, text);
    }
    SerialExecutor executor;
    chunks_ = ChunkTable::build(corpus_, WholeDocuments(), executor);
  }

  Context build(const ContextOptions& options) const {
    const std::vector<Hit> hits{{.chunk = 2, .score = 3}, {.chunk = 0, .score = 2}, {.chunk = 1}};
    return build_context(hits, chunks_, options);
  }

  Corpus corpus_;
  ChunkTable chunks_;
};

using Passages = std::vector<std::string>;

TEST_F(BuildContextTest, KeepsTheOrderOfRanks) {
  const Context context = build({});
  EXPECT_EQ(context.passages, (Passages{"丙队观战", "甲队进球", "乙队防守"}));
  EXPECT_EQ(context.text, "丙队观战\n\n甲队进球\n\n乙队防守");
  EXPECT_EQ(context.char_count, 12U);
  EXPECT_FALSE(context.truncated);
}

TEST_F(BuildContextTest, OrdersAsAsked) {
  EXPECT_EQ(build({.order = "reverse"}).passages, (Passages{"乙队防守", "甲队进球", "丙队观战"}));
  EXPECT_EQ(build({.order = "sides"}).passages, (Passages{"丙队观战", "乙队防守", "甲队进球"}));
  EXPECT_EQ(build({.order = "document"}).passages, (Passages{"甲队进球", "乙队防守", "丙队观战"}));
}

TEST_F(BuildContextTest, CountsInTheTokensThatItIsGiven) {
  const Context context = build({.max_tokens = 6, .count_tokens = [](std::string_view text) {
                                   return count_code_points(text);
                                 }});
  EXPECT_EQ(context.passages, (Passages{"丙队观战", "甲队"}));
  EXPECT_EQ(context.token_count, 6U);
  EXPECT_TRUE(context.truncated);
}

TEST_F(BuildContextTest, CutsTheLastPassageAtACodePointAndDropsTheRest) {
  const std::size_t first = cl100k_tokenizer().count("丙队观战");
  const std::size_t part = cl100k_tokenizer().count("甲队");
  const Context context = build({.max_tokens = first + part});
  EXPECT_TRUE(context.truncated);
  ASSERT_EQ(context.passages.size(), 2U);
  EXPECT_EQ(context.passages[0], "丙队观战");
  EXPECT_TRUE(std::string("甲队进球").starts_with(context.passages[1]));
  EXPECT_FALSE(find_invalid_utf8(context.passages[1]).has_value());
  EXPECT_LE(cl100k_tokenizer().count(context.passages[1]), part);
}

TEST_F(BuildContextTest, LeavesABudgetThatFitsNothingEmpty) {
  const Context context = build({.max_tokens = 1});
  EXPECT_TRUE(context.truncated);
  EXPECT_LE(context.passages.size(), 1U);
}

TEST_F(BuildContextTest, CountsTheTokensOfWhatStays) {
  const Tokenizer& tokenizer = cl100k_tokenizer();
  const std::size_t all =
      tokenizer.count("丙队观战") + tokenizer.count("甲队进球") + tokenizer.count("乙队防守");
  EXPECT_EQ(build({}).token_count, all);
  const Context cut = build({.max_tokens = all - 1});
  EXPECT_TRUE(cut.truncated);
  EXPECT_LE(cut.token_count, all - 1);
  EXPECT_GT(cut.token_count, tokenizer.count("丙队观战") + tokenizer.count("甲队进球"));
}

ContextOptions with_header(const std::string& header, std::size_t max_tokens = 0) {
  const Json value = {{"header", header}, {"max_tokens", max_tokens}};
  Options options(value, "f.json", "/context");
  return read_context_options(options);
}

TEST_F(BuildContextTest, PutsAHeaderBeforeEveryPassage) {
  const Context context = build(with_header("[{rank}] {doc_id} {score}\n"));
  EXPECT_EQ(context.text,
            "[1] f.txt:3 3.0000\n丙队观战\n\n[2] f.txt:1 2.0000\n甲队进球\n\n"
            "[3] f.txt:2 0.0000\n乙队防守");
  EXPECT_EQ(context.passages, (Passages{"丙队观战", "甲队进球", "乙队防守"}));
}

TEST_F(BuildContextTest, CountsHeadersWithinTheLimit) {
  const Tokenizer& tokenizer = cl100k_tokenizer();
  const std::size_t first = tokenizer.count("[1]\n") + tokenizer.count("丙队观战");
  const Context context = build(with_header("[{rank}]\n", first + tokenizer.count("[2]\n")));
  EXPECT_EQ(context.text, "[1]\n丙队观战");
  EXPECT_EQ(context.token_count, first);
  EXPECT_TRUE(context.truncated);
}

/// Contexts of every document in turn, each a hit with a rank of its own.
Context build_from(const std::vector<std::string>& documents, const ContextOptions& options) {
  Corpus corpus;
  const std::uint32_t file = corpus.add_file("f.txt");
  std::vector<Hit> hits;
  for (std::uint32_t i = 0; i < documents.size(); ++i) {
    corpus.add(file, i + 1, documents[i]);
    hits.push_back({.chunk = i, .score = 1.0 / (i + 1)});
  }
  SerialExecutor executor;
  return build_context(hits, ChunkTable::build(corpus, WholeDocuments(), executor), options);
}

TEST(BuildContext, PutsTheBestAtBothSides) {
  EXPECT_EQ(build_from({"1", "2", "3", "4", "5"}, {.order = "sides"}).passages,
            (Passages{"1", "3", "5", "4", "2"}));
}

TEST(BuildContext, LeavesOutWhatRepeatsABetterPassage) {
  // Sets of 5 of the 6 characters: {一二三四五, 二三四五六} and {一二三四五, 二三四五七}: 1 of 3.
  const std::vector<std::string> texts{"一二三四五六", "一二三\n四五六", "一二三四五七", "短"};
  EXPECT_EQ(build_from(texts, {}).passages, texts);
  EXPECT_EQ(build_from(texts, {.dedupe = 1.0}).passages,
            (Passages{"一二三四五六", "一二三四五七", "短"}));
  EXPECT_EQ(build_from(texts, {.dedupe = 0.33}).passages, (Passages{"一二三四五六", "短"}));
  EXPECT_FALSE(build_from(texts, {.dedupe = 0.33}).truncated);
}

/// Chunks of one character, read with a neighbour on either side.
class Windows final : public Chunker {
 public:
  std::vector<ChunkPieces> chunk(const Document& document) const override {
    std::vector<ChunkPieces> chunks;
    const std::vector<std::uint32_t> offsets = code_point_offsets(document.text);
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
      chunks.push_back({{offsets[i], offsets[i + 1]}});
    }
    return chunks;
  }
  std::size_t neighbours() const noexcept override { return 1; }
};

TEST(BuildContext, JoinsWindowsThatOverlap) {
  Corpus corpus;
  corpus.add_named("a", "一二三四五六七八九");
  corpus.add_named("b", "甲乙丙");
  SerialExecutor executor;
  const ChunkTable chunks = ChunkTable::build(corpus, Windows(), executor);
  const auto passages = [&chunks](const std::vector<Hit>& hits) {
    return build_context(hits, chunks, {}).passages;
  };
  EXPECT_EQ(passages({{.chunk = 1}, {.chunk = 9}, {.chunk = 6}}),
            (Passages{"一二三", "甲乙", "六七八"}));
  // 四五六 shares 六 with the third passage, which keeps its place.
  EXPECT_EQ(passages({{.chunk = 1}, {.chunk = 9}, {.chunk = 6}, {.chunk = 4}}),
            (Passages{"一二三", "甲乙", "四五六七八"}));
  // 三四五 shares 三 with the first and 五 with 五六七.
  EXPECT_EQ(passages({{.chunk = 1}, {.chunk = 9}, {.chunk = 5}, {.chunk = 3}}),
            (Passages{"一二三四五六七", "甲乙"}));
}

TEST(ReadContextOptions, RefusesAnUnknownPlaceholder) {
  EXPECT_ERROR(with_header("{title}"), ErrorCode::kInvalidConfig, "/context/header:1: unknown");
}

TEST(ReadContextOptions, RefusesAnUnknownOrder) {
  const Json value = {{"order", "sideways"}};
  Options options(value, "f.json", "/context");
  EXPECT_ERROR(read_context_options(options), ErrorCode::kInvalidConfig, "/context/order");
}

}  // namespace
}  // namespace crudbench
