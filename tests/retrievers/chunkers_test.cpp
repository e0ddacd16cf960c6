#include "harness/core/json.h"
#include "harness/text/utf8.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::chunk_texts;
using testing_support::make_chunker;
using testing_support::retrieval_catalog;

TEST(DocumentChunker, MakesOneChunkOfADocument) {
  EXPECT_THAT(chunk_texts({{"type", "document"}}, " 新闻。 "), ElementsAre(" 新闻。 "));
  EXPECT_THAT(chunk_texts({{"type", "document"}}, ""), IsEmpty());
}

TEST(FixedChunker, CountsCodePoints) {
  EXPECT_THAT(chunk_texts({{"type", "fixed"}, {"size", 3}}, "一二三四a😀五"),
              ElementsAre("一二三", "四a😀", "五"));
}

TEST(FixedChunker, RepeatsTheOverlapAndStopsAtTheEnd) {
  EXPECT_THAT(chunk_texts({{"type", "fixed"}, {"size", 4}, {"overlap", 2}}, "一二三四五六"),
              ElementsAre("一二三四", "三四五六"));
}

TEST(ChunkSize, RefusesSizeZeroAndOverlapNotBelowSize) {
  EXPECT_ERROR(make_chunker({{"type", "fixed"}, {"size", 0}}), ErrorCode::kInvalidConfig, "/size");
  EXPECT_ERROR(make_chunker({{"type", "sentence"}, {"size", 8}, {"overlap", 8}}),
               ErrorCode::kInvalidConfig, "/overlap: expected an integer below \"size\" (8)");
}

TEST(SentenceChunker, RefusesAnUnknownUnit) {
  EXPECT_ERROR(make_chunker({{"type", "sentence"}, {"unit", "character"}}),
               ErrorCode::kInvalidConfig, "did you mean 'characters'");
}

Json by_characters(int size, int overlap = 0) {
  return {{"type", "sentence"}, {"size", size}, {"overlap", overlap}, {"unit", "characters"}};
}

TEST(SentenceChunker, KeepsAShortTextWhole) {
  EXPECT_THAT(chunk_texts(by_characters(10), " 一。。二！ "), ElementsAre("一。。二！"));
}

TEST(SentenceChunker, MergesClausesUpToTheSize) {
  EXPECT_THAT(chunk_texts(by_characters(6), "一二。三四。五六七。"),
              ElementsAre("一二。三四。", "五六七。"));
}

TEST(SentenceChunker, LosesADelimiterThatFollowsADelimiter) {
  // Clauses 一二。 and 三四五六！ (3 + 5 characters); the second 。 is in neither.
  EXPECT_THAT(chunk_texts(by_characters(8), "一二。。三四五六！七"),
              ElementsAre("一二。三四五六！", "七"));
}

TEST(SentenceChunker, CutsLongClausesAtSpacesThenBetweenCharacters) {
  // Parts: 一二三, then " 四五六七八九" character by character; the space still fits the first
  // chunk.
  EXPECT_THAT(chunk_texts(by_characters(4), "一二三 四五六七八九"),
              ElementsAre("一二三", "四五六七", "八九"));
}

TEST(SentenceChunker, CutsAtParagraphsFirst) {
  EXPECT_THAT(chunk_texts(by_characters(8), "一。二。三\n\n\n四。五。六"),
              ElementsAre("一。二。三", "四。五。六"));
}

TEST(SentenceChunker, RepeatsWholeClausesAsOverlap) {
  // Clauses of 3; 3 of the overlap of 4 are filled by the last clause of the chunk before.
  EXPECT_THAT(chunk_texts(by_characters(6, 4), "一二。三四。五六。七八。"),
              ElementsAre("一二。三四。", "三四。五六。", "五六。七八。"));
}

TEST(SentenceChunker, KeepsACharacterLargerThanTheSize) {
  // U+20000 has more than one cl100k token.
  EXPECT_THAT(chunk_texts({{"type", "sentence"}, {"size", 1}}, "𠀀𠀀"), ElementsAre("𠀀", "𠀀"));
}

TEST(SentenceChunker, EqualsUpstreamOnEveryGoldenText) {
  const std::filesystem::path golden = testing_support::shared_file("oracles/chunks.jsonl");
  if (golden.empty()) {
    GTEST_SKIP() << testing_support::skip_message("oracles/chunks.jsonl");
  }
  for (const std::string& line : testing_support::read_lines(golden)) {
    const Json expected = Json::parse(line);
    const Json options{{"type", "sentence"},
                       {"size", expected.at("chunk_size")},
                       {"overlap", expected.at("chunk_overlap")},
                       {"unit", "cl100k"}};
    EXPECT_EQ(chunk_texts(options, expected.at("text").get<std::string>()),
              expected.at("chunks").get<std::vector<std::string>>())
        << line;
  }
}

class ChunkerContract : public testing::TestWithParam<std::string> {};

TEST_P(ChunkerContract, MakesChunksOfWholeCharactersInOrder) {
  const Catalog catalog = retrieval_catalog();
  const std::unique_ptr<Chunker> chunker =
      make_chunker(catalog.chunkers.entries().at(GetParam()).example);
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += "第" + std::to_string(i) + "段：天气晴朗。。有 rain，😀！\n\n\n　";
  }
  for (const std::string& document :
       {std::string(), std::string("　\n "), std::string("。。。"), std::string("新"), text}) {
    std::uint32_t begin = 0;
    for (const ChunkPieces& pieces : chunker->chunk(document)) {
      ASSERT_FALSE(pieces.empty());
      EXPECT_GE(pieces.front().begin, begin);
      begin = pieces.front().begin;
      std::uint32_t end = begin;
      for (const ByteSpan piece : pieces) {
        EXPECT_GE(piece.begin, end);
        EXPECT_LT(piece.begin, piece.end);
        EXPECT_LE(piece.end, document.size());
        EXPECT_FALSE(find_invalid_utf8(
            std::string_view(document).substr(piece.begin, piece.end - piece.begin)));
        end = piece.end;
      }
    }
  }
}

std::vector<std::string> chunker_names() {
  std::vector<std::string> names;
  const Catalog catalog = retrieval_catalog();
  for (const auto& [name, entry] : catalog.chunkers.entries()) {
    names.push_back(name);
  }
  return names;
}

INSTANTIATE_TEST_SUITE_P(Builtin, ChunkerContract, testing::ValuesIn(chunker_names()),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace crudbench
