#include <set>

#include "harness/core/json.h"
#include "harness/text/tokenizer.h"
#include "harness/text/utf8.h"
#include "retrievers/array_file.h"
#include "retrievers/chunk_table.h"
#include "retrievers/chunkers/sentences.h"
#include "retrievers/sentence_distances.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::chunk_texts;
using testing_support::make_chunker;
using testing_support::make_corpus;
using testing_support::retrieval_catalog;
using testing_support::TemporaryFolder;

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

TEST(FixedChunker, CountsTokens) {
  const std::string text = "一二三 four 五";
  const std::vector<std::uint32_t> ends = cl100k_tokenizer().token_ends(text);
  ASSERT_GT(ends.size(), 4U);
  const auto chunks = chunk_texts({{"type", "fixed"}, {"size", 4}, {"unit", "cl100k"}}, text);
  EXPECT_EQ(chunks.size(), (ends.size() + 3) / 4);
  EXPECT_EQ(chunks.front(), text.substr(0, ends[3]));
}

TEST(FixedChunker, MovesATokenBoundaryInsideACharacterBehindIt) {
  // U+20000 has more than one token: a chunk of one token takes it whole, the others nothing.
  ASSERT_GT(cl100k_tokenizer().count("𠀀"), 1U);
  EXPECT_THAT(chunk_texts({{"type", "fixed"}, {"size", 1}, {"unit", "cl100k"}}, "𠀀𠀀"),
              ElementsAre("𠀀", "𠀀"));
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

TEST(SentenceChunker, LeavesRoomForMetadata) {
  // "doc#" and 2 take 6 of 12 characters, so that two clauses of 3 are a chunk.
  const Json options{
      {"type", "sentence"}, {"size", 12}, {"unit", "characters"}, {"metadata", "{doc_id}#"}};
  EXPECT_THAT(chunk_texts(options, "台风。登陆。停课。回港。"),
              ElementsAre("台风。登陆。", "停课。回港。"));
  Json small = options;
  small["size"] = 6;
  EXPECT_ERROR(chunk_texts(small, "台风。"), ErrorCode::kInvalidData,
               "'doc' takes 6 units, which leaves none of \"size\" (6)");
  Json unknown = options;
  unknown["metadata"] = "{file}";
  EXPECT_ERROR(make_chunker(unknown), ErrorCode::kInvalidConfig, "/metadata");
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

Json recursive(int size, int overlap, const std::vector<std::string>& separators) {
  return {{"type", "recursive"}, {"size", size}, {"overlap", overlap}, {"separators", separators}};
}

TEST(RecursiveChunker, CutsAfterTheFirstSeparatorThatOccursAndMerges) {
  // No ";": cut after "。" into 一二。 三四。 五六七。八 (3, 3, 4, 1), merged up to 6.
  EXPECT_THAT(chunk_texts(recursive(6, 0, {";", "。", ""}), "一二。三四。五六七。八"),
              ElementsAre("一二。三四。", "五六七。八"));
}

TEST(RecursiveChunker, CutsALongPartWithTheSeparatorsThatFollow) {
  // 一二三四五六。 has 7 of 4 characters: after "，" there is none, so it is cut between
  // characters; its rest 五六。 is not merged with 七。, which follows it.
  EXPECT_THAT(chunk_texts(recursive(4, 0, {"。", "，", ""}), "一二三四五六。七。"),
              ElementsAre("一二三四", "五六。", "七。"));
}

TEST(RecursiveChunker, CutsAPartAsLargeAsTheSizeToo) {
  // 一，二。 has 4 characters and is cut at "，" before it is merged again with nothing else.
  EXPECT_THAT(chunk_texts(recursive(4, 0, {"。", "，"}), "一，二。三。"),
              ElementsAre("一，二。", "三。"));
}

TEST(RecursiveChunker, RepeatsWholePartsAsOverlap) {
  EXPECT_THAT(chunk_texts(recursive(5, 2, {"。", ""}), "一。二。三。四。"),
              ElementsAre("一。二。", "二。三。", "三。四。"));
}

TEST(RecursiveChunker, KeepsWhatNoSeparatorCuts) {
  EXPECT_THAT(chunk_texts(recursive(2, 0, {"。"}), "一二三四。五。"),
              ElementsAre("一二三四。", "五。"));
}

TEST(RecursiveChunker, LeavesOutWhiteSpaceAroundChunks) {
  EXPECT_THAT(chunk_texts(recursive(4, 0, {"\n\n", ""}), "一二\n\n\n 三四\n\n"),
              ElementsAre("一二", "三四"));
}

TEST(RecursiveChunker, RefusesAnEmptySeparatorBeforeOthers) {
  EXPECT_ERROR(make_chunker(recursive(4, 0, {"", "。"})), ErrorCode::kInvalidConfig,
               "/separators: expected a list of texts in which");
}

TEST(ParagraphChunker, CutsAtBlankLines) {
  EXPECT_THAT(chunk_texts({{"type", "paragraph"}}, "\n 一二\n三\n　\n\n四\r\n\r\n五"),
              ElementsAre("一二\n三", "四", "五"));
}

TEST(ParagraphChunker, CutsAtLinesIfAsked) {
  EXPECT_THAT(chunk_texts({{"type", "paragraph"}, {"break", "line"}}, "一二\n三\n\n 四 "),
              ElementsAre("一二", "三", "四"));
}

TEST(ParagraphChunker, MergesSmallParagraphsWithTheNext) {
  // 一 (1 of 3) takes 二三 and then has 4; the last, too small, goes to the one before.
  EXPECT_THAT(chunk_texts({{"type", "paragraph"}, {"break", "line"}, {"min_size", 3}},
                          "一\n二三\n四五六\n七"),
              ElementsAre("一\n二三", "四五六\n七"));
}

TEST(ParagraphChunker, NeverMergesBeyondTheLargestSize) {
  EXPECT_THAT(
      chunk_texts({{"type", "paragraph"}, {"break", "line"}, {"min_size", 3}, {"max_size", 4}},
                  "一\n二三四\n五"),
      ElementsAre("一", "二三四", "五"));
}

TEST(ParagraphChunker, CutsLargeParagraphsIntoSentences) {
  EXPECT_THAT(chunk_texts({{"type", "paragraph"}, {"max_size", 4}}, "一\n\n二三。四五。六\n\n七"),
              ElementsAre("一", "二三。", "四五。六", "七"));
}

TEST(ParagraphChunker, RefusesASmallestAboveTheLargestSize) {
  EXPECT_ERROR(make_chunker({{"type", "paragraph"}, {"min_size", 9}, {"max_size", 8}}),
               ErrorCode::kInvalidConfig, "/min_size: expected an integer of at most");
}

TEST(WindowChunker, CutsAsTheSentenceSplitterDoes) {
  const std::string text = "一二。三四。五六。七八。";
  EXPECT_EQ(chunk_texts({{"type", "window"}, {"size", 3}, {"unit", "characters"}}, text),
            chunk_texts(by_characters(3), text));
  EXPECT_EQ(make_chunker({{"type", "window"}, {"neighbours", 2}})->neighbours(), 2U);
  EXPECT_EQ(make_chunker({{"type", "sentence"}})->neighbours(), 0U);
}

std::vector<std::string> sentence_texts(std::string_view text) {
  std::vector<std::string> sentences;
  for (const ByteSpan sentence : split_sentences(text)) {
    sentences.emplace_back(text.substr(sentence.begin, sentence.end - sentence.begin));
  }
  return sentences;
}

TEST(Sentences, EndWithTheirMarksOrTheirLine) {
  EXPECT_THAT(sentence_texts(" 他说：“停课！！”学校关门？\n标题\n　约3.5万人；No. 2 is open.Yes."),
              ElementsAre("他说：“停课！！”", "学校关门？", "标题", "约3.5万人；", "No.",
                          "2 is open.Yes."));
  EXPECT_THAT(sentence_texts("\n 　"), IsEmpty());
  EXPECT_THAT(sentence_texts("。。"), ElementsAre("。。"));
}

/// The chunks of one document whose sentences are so far apart.
class SemanticChunkerTest : public testing::Test {
 protected:
  std::vector<std::string> chunks(const std::string& text, const std::vector<float>& distances,
                                  Json options) {
    options["type"] = "semantic";
    const Corpus corpus = make_corpus({text});
    const std::vector<std::uint32_t> firsts{0, static_cast<std::uint32_t>(distances.size())};
    const std::array<NamedArray, 2> arrays{{{"first_sentences", firsts}, {"distances", distances}}};
    write_array_file(folder_.path() / "distances", "distances", arrays);
    const auto loaded = SentenceDistances::load(corpus, folder_.path() / "distances");
    const std::unique_ptr<Chunker> chunker = make_chunker(options);
    chunker->use_distances(loaded);
    std::vector<std::string> texts;
    for (const ChunkPieces& pieces : chunker->chunk({.doc_id = "doc", .text = text})) {
      EXPECT_EQ(pieces.size(), 1U);
      texts.push_back(text.substr(pieces[0].begin, pieces[0].end - pieces[0].begin));
    }
    return texts;
  }

  TemporaryFolder folder_;
};

TEST_F(SemanticChunkerTest, BreaksWhereNeighboursAreFurtherApartThanThePercentile) {
  const std::string text = "一。 二。三。四。五。";
  const std::vector<float> distances{0.1F, 0.9F, 0.2F, 0.3F, 0.0F};
  // Of 0.1, 0.2, 0.3, 0.9 the median is 0.25; the 95th percentile 0.3 + 0.85 * 0.6 = 0.81.
  EXPECT_THAT(chunks(text, distances, {{"percentile", 50}}),
              ElementsAre("一。 二。", "三。四。", "五。"));
  EXPECT_THAT(chunks(text, distances, {{"percentile", 95}}),
              ElementsAre("一。 二。", "三。四。五。"));
  EXPECT_THAT(chunks(text, distances, {{"percentile", 100}}), ElementsAre(text));
}

TEST_F(SemanticChunkerTest, CutsWhatIsTooLargeIntoClauses) {
  EXPECT_THAT(chunks("一二，三四。五六。", {0.5F, 0.0F}, {{"max_size", 6}}),
              ElementsAre("一二，三四。", "五六。"));
}

TEST_F(SemanticChunkerTest, KeepsASingleSentence) {
  EXPECT_THAT(chunks(" 一二 ", {0.0F}, Json::object()), ElementsAre("一二"));
}

TEST_F(SemanticChunkerTest, RefusesDistancesOfOtherSentences) {
  EXPECT_ERROR(chunks("一。二。", {0.5F, 0.5F, 0.0F}, Json::object()), ErrorCode::kInvalidData,
               "'doc' has 2 sentences, and was measured with 3");
}

TEST(SemanticChunker, RefusesWhatDoesNotEmbedSentences) {
  EXPECT_ERROR(make_chunker({{"type", "semantic"}, {"embedder", {{"type", "import"}}}}),
               ErrorCode::kInvalidConfig, "/embedder/type: expected an embedder that takes any");
  EXPECT_ERROR(make_chunker({{"type", "semantic"}, {"embedder", {{"type", "lsaa"}}}}),
               ErrorCode::kInvalidConfig, "did you mean 'lsa'");
  EXPECT_ERROR(make_chunker({{"type", "semantic"}, {"percentile", 101}}), ErrorCode::kInvalidConfig,
               "/percentile");
}

/// A file of chunks for the documents "news:1", "news:2" …
class ImportChunkerTest : public testing::Test {
 protected:
  Json import(const std::string& content) const {
    return {{"type", "import"}, {"chunks_file", folder_.write("chunks.jsonl", content).string()}};
  }
  std::vector<std::string> table_texts(const std::string& content,
                                       const std::vector<std::string>& documents) {
    const Corpus corpus = make_corpus(documents);
    SerialExecutor executor;
    const ChunkTable table = ChunkTable::build(corpus, *make_chunker(import(content)), executor);
    std::vector<std::string> texts;
    for (ChunkIndex chunk = 0; chunk < table.size(); ++chunk) {
      texts.push_back(table.chunk_id(chunk) + " " + table.text(chunk));
    }
    return texts;
  }

  TemporaryFolder folder_;
};

TEST_F(ImportChunkerTest, LocatesTextsInOrderWhiteSpaceAside) {
  EXPECT_THAT(table_texts("{\"doc_id\": \"news:2\", \"text\": \"天 晴\"}\n\n"
                          "{\"doc_id\": \"news:1\", \"text\": \"晴\"}\n"
                          "{\"doc_id\": \"news:2\", \"text\": \"天晴\", \"page\": 3}",
                          {"阴晴", "今天\n晴，明天晴。"}),
              ElementsAre("news:1@3-6 晴", "news:2@3-10 天\n晴", "news:2@16-22 天晴"));
}

TEST_F(ImportChunkerTest, TakesBytesAndLists) {
  EXPECT_THAT(table_texts(R"([{"doc_id": "news:1", "begin": 0, "end": 6},
                             {"doc_id": "news:1", "begin": 3, "end": 9}])",
                          {"一二三"}),
              ElementsAre("news:1@0-6 一二", "news:1@3-9 二三"));
}

TEST_F(ImportChunkerTest, NamesTheLineOfWhatCannotBeLocated) {
  const std::string first = "{\"doc_id\": \"news:1\", \"text\": \"二\"}\n";
  EXPECT_ERROR(table_texts(first + R"({"doc_id": "news:1", "text": "一"})", {"一二三"}),
               ErrorCode::kInvalidData, "chunks.jsonl:2: the text does not stand in document");
  EXPECT_ERROR(table_texts(first + R"({"doc_id": "news:9", "text": "一"})", {"一二三"}),
               ErrorCode::kInvalidData, "chunks.jsonl:2: the corpus has no document 'news:9'");
  EXPECT_ERROR(table_texts(R"({"doc_id": "news:1", "begin": 1, "end": 3})", {"一二三"}),
               ErrorCode::kInvalidData, "chunks.jsonl:1: bytes 1-3 of document 'news:1' cut");
  EXPECT_ERROR(table_texts(R"({"doc_id": "news:1", "begin": 3, "end": 12})", {"一二三"}),
               ErrorCode::kInvalidData, "do not lie in document 'news:1', which has 9");
}

TEST_F(ImportChunkerTest, RefusesWhatIsNoChunk) {
  for (const char* line :
       {"{", "[1]", "{\"doc_id\": 3, \"text\": \"一\"}", "{\"doc_id\": \"d\", \"text\": \" \"}",
        "{\"doc_id\": \"d\", \"begin\": -1, \"end\": 3}",
        "{\"doc_id\": \"d\", \"text\": \"一\", \"begin\": 0}"}) {
    EXPECT_ERROR(make_chunker(import(line)), ErrorCode::kInvalidData, "chunks.jsonl");
  }
  EXPECT_ERROR(make_chunker({{"type", "import"}, {"chunks_file", "no/such"}}), ErrorCode::kIo,
               "/chunks_file");
}

TEST_F(ImportChunkerTest, RefusesAFileThatHasChanged) {
  const Catalog catalog = retrieval_catalog();
  const std::string line = R"({"doc_id": "news:1", "text": "一"})";
  const Json resolved = catalog.chunkers.resolve(import(line), "test", "");
  EXPECT_EQ(resolved.at("chunks_sha256").get<std::string>().size(), 64U);
  folder_.write("chunks.jsonl", line + "\n");
  EXPECT_ERROR(catalog.chunkers.build(resolved), ErrorCode::kInvalidData, "has it changed");
}

/// A document with what chunkers stumble over: every kind of separator, white space, characters of
/// several tokens, long stretches without any separator.
std::string rich_document() {
  std::string text;
  for (int i = 0; i < 60; ++i) {
    text += "第" + std::to_string(i) + "段：天气晴朗。。有 rain，😀！\n";
    text += i % 3 == 0 ? "\n\n　" : i % 7 == 0 ? "没有任何分隔符的长句子𠀀" : " ";
  }
  return text;
}

/// The documents that the contract is tried on.
std::vector<std::string> contract_documents() {
  return {"", "　\n ", "。。。", "新", rich_document()};
}

/// Characters of `text` that are not white space and in no chunk.
std::size_t uncovered_characters(std::string_view text, const std::vector<ChunkPieces>& chunks) {
  std::vector<bool> covered(text.size());
  for (const ChunkPieces& pieces : chunks) {
    for (const ByteSpan piece : pieces) {
      std::fill(covered.begin() + piece.begin, covered.begin() + piece.end, true);
    }
  }
  std::size_t count = 0;
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint character = decode_at(text, offset);
    count += !covered[offset] && !is_python_space(character.value) ? 1 : 0;
    offset += character.size_bytes;
  }
  return count;
}

/// Options under which chunks are bound to 16 characters, by chunker.
std::vector<Json> bounded_options() {
  return {{{"type", "fixed"}, {"size", 16}, {"overlap", 5}},
          {{"type", "paragraph"}, {"min_size", 8}, {"max_size", 16}},
          {{"type", "recursive"}, {"size", 16}, {"overlap", 5}},
          {{"type", "sentence"}, {"size", 16}, {"unit", "characters"}},
          {{"type", "window"}, {"size", 16}, {"unit", "characters"}}};
}

TEST(Chunkers, KeepToTheSize) {
  for (const Json& options : bounded_options()) {
    for (const std::string& document : contract_documents()) {
      for (const std::string& chunk : chunk_texts(options, document)) {
        EXPECT_LE(count_code_points(chunk), 16U) << options << chunk;
      }
    }
  }
}

TEST(Chunkers, KeepAFixedNumberOfTokensButForCharactersCutInTwo) {
  // A boundary moved behind its character adds at most the tokens of that character.
  const std::string text = rich_document();
  for (const std::string& chunk :
       chunk_texts({{"type", "fixed"}, {"size", 16}, {"overlap", 5}, {"unit", "cl100k"}}, text)) {
    EXPECT_LE(cl100k_tokenizer().count(chunk), 16U + 3U) << chunk;
  }
}

class ChunkerContract : public testing::TestWithParam<std::string> {
 protected:
  /// The member's example; for imported chunks a file that covers `contract_documents()`.
  Json options() const {
    if (GetParam() != "import") {
      return retrieval_catalog().chunkers.entries().at(GetParam()).example;
    }
    std::string lines;
    const std::vector<std::string> documents = contract_documents();
    for (std::size_t i = 2; i < documents.size(); ++i) {
      lines +=
          to_text({{"doc_id", "news:" + std::to_string(i + 1)}, {"text", documents[i]}}) + "\n";
    }
    return {{"type", "import"}, {"chunks_file", folder_.write("chunks.jsonl", lines).string()}};
  }

  /// The member over `contract_documents()`, with what it needs of them.
  std::unique_ptr<Chunker> make() {
    std::unique_ptr<Chunker> chunker = make_chunker(options());
    if (GetParam() == "semantic") {
      SerialExecutor serial;
      const Catalog catalog = retrieval_catalog();
      const Json lsa = catalog.embedders.resolve({{"type", "lsa"}, {"dim", 4}}, "test", "");
      distances_ = SentenceDistances::build(make_corpus(contract_documents()), lsa, 1, catalog,
                                            folder_.path() / "unfinished", serial);
      chunker->use_distances(distances_);
    }
    return chunker;
  }

  TemporaryFolder folder_;
  SentenceDistances distances_;
};

TEST_P(ChunkerContract, MakesChunksOfWholeCharactersInOrder) {
  const std::unique_ptr<Chunker> chunker = make();
  const std::vector<std::string> documents = contract_documents();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const std::string& document = documents[i];
    const std::string doc_id = "news:" + std::to_string(i + 1);
    std::uint32_t begin = 0;
    for (const ChunkPieces& pieces : chunker->chunk(
             {.doc_id = doc_id, .text = document, .index = static_cast<DocumentIndex>(i)})) {
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

TEST_P(ChunkerContract, LosesNoCharacterButWhiteSpace) {
  const std::unique_ptr<Chunker> chunker = make();
  // The sentence splitter loses a delimiter that follows a delimiter, in texts that it cuts.
  const std::set<std::string> by_sentence{"paragraph", "semantic", "sentence", "window"};
  const std::vector<std::string> documents = contract_documents();
  for (std::size_t i = 0; i < documents.size(); ++i) {
    const auto chunks = chunker->chunk({.doc_id = "news:" + std::to_string(i + 1),
                                        .text = documents[i],
                                        .index = static_cast<DocumentIndex>(i)});
    const std::size_t lost = by_sentence.count(GetParam()) == 0 ? 0 : 60;
    EXPECT_LE(uncovered_characters(documents[i], chunks), lost) << i;
  }
}

TEST_P(ChunkerContract, DoesNotDependOnThreads) {
  const Corpus corpus = make_corpus(contract_documents());
  const std::unique_ptr<Chunker> chunker = make();
  SerialExecutor serial;
  testing_support::ThreadPoolExecutor threads(4);
  const ChunkTable expected = ChunkTable::build(corpus, *chunker, serial);
  const ChunkTable table = ChunkTable::build(corpus, *chunker, threads);
  ASSERT_EQ(table.size(), expected.size());
  for (ChunkIndex chunk = 0; chunk < table.size(); ++chunk) {
    EXPECT_EQ(table.chunk_id(chunk), expected.chunk_id(chunk));
    EXPECT_EQ(table.text(chunk), expected.text(chunk));
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
