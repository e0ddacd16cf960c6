#include "harness/runner/context_builder.h"

#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

/// Every document is one chunk.
class WholeDocuments final : public Chunker {
 public:
  std::vector<ChunkPieces> chunk(std::string_view text) const override {
    return {{{0, static_cast<std::uint32_t>(text.size())}}};
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
  EXPECT_EQ(build({.order = "document"}).passages, (Passages{"甲队进球", "乙队防守", "丙队观战"}));
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

TEST(ReadContextOptions, RefusesAnUnknownOrder) {
  const Json value = {{"order", "sideways"}};
  Options options(value, "f.json", "/context");
  EXPECT_ERROR(read_context_options(options), ErrorCode::kInvalidConfig, "/context/order");
}

}  // namespace
}  // namespace crudbench
