#include "retrievers/chunk_table.h"

#include <filesystem>

#include "harness/core/files.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::make_chunker;
using testing_support::make_corpus;
using testing_support::TemporaryFolder;

ChunkTable make_table(const Corpus& corpus) {
  SerialExecutor executor;
  return ChunkTable::build(
      corpus, *make_chunker({{"type", "sentence"}, {"size", 8}, {"unit", "characters"}}), executor);
}

TEST(ChunkTable, NumbersChunksInCorpusOrder) {
  const Corpus corpus = make_corpus({"一二。。三四五六！七", "　", "新闻"});
  const ChunkTable table = make_table(corpus);
  ASSERT_EQ(table.size(), 3U);
  EXPECT_EQ(table.text(0), "一二。三四五六！");
  EXPECT_EQ(table.text(1), "七");
  EXPECT_EQ(table.text(2), "新闻");
  EXPECT_EQ(table.document(1), 0U);
  EXPECT_EQ(table.document(2), 2U);
  EXPECT_EQ(table.first_chunk(1), 2U);
  EXPECT_EQ(table.first_chunk(2), 2U);
  EXPECT_EQ(table.first_chunk(3), 3U);
  EXPECT_EQ(table.span(0), (ByteSpan{0, 27}));
  EXPECT_EQ(table.chunk_id(2), "news:3@0-6");
}

TEST(ChunkTable, SurvivesSavingAndLoading) {
  const TemporaryFolder folder;
  const Corpus corpus = make_corpus({"一二。。三四五六！七", "新闻。。消息。，通知。报道"});
  const ChunkTable table = make_table(corpus);
  table.save(folder.path() / "chunks.bin");
  const ChunkTable loaded = ChunkTable::load(corpus, folder.path() / "chunks.bin");
  ASSERT_EQ(loaded.size(), table.size());
  for (ChunkIndex chunk = 0; chunk < table.size(); ++chunk) {
    EXPECT_EQ(loaded.text(chunk), table.text(chunk));
    EXPECT_EQ(loaded.chunk_id(chunk), table.chunk_id(chunk));
  }
}

TEST(ChunkTable, HasTheSameBytesOnAnyNumberOfThreads) {
  const TemporaryFolder folder;
  std::vector<std::string> texts;
  for (int i = 0; i < 2000; ++i) {
    texts.push_back("第" + std::to_string(i) + "条。。消息，很长。");
  }
  const Corpus corpus = make_corpus(texts);
  const auto chunker = make_chunker({{"type", "sentence"}, {"size", 6}, {"unit", "characters"}});
  SerialExecutor serial;
  testing_support::ThreadPoolExecutor threads(5);
  ChunkTable::build(corpus, *chunker, serial).save(folder.path() / "serial");
  ChunkTable::build(corpus, *chunker, threads).save(folder.path() / "threads");
  EXPECT_EQ(read_file(folder.path() / "serial"), read_file(folder.path() / "threads"));
}

TEST(ChunkTable, WidensAChunkWithinItsDocument) {
  const TemporaryFolder folder;
  const Corpus corpus = make_corpus({"一。二。三。", "四。"});
  SerialExecutor executor;
  const ChunkTable table = ChunkTable::build(
      corpus,
      *make_chunker({{"type", "window"}, {"size", 2}, {"unit", "characters"}, {"neighbours", 1}}),
      executor);
  ASSERT_EQ(table.size(), 4U);
  EXPECT_TRUE(table.has_windows());
  EXPECT_EQ(table.window(0), (ByteSpan{0, 12}));
  EXPECT_EQ(table.window(1), (ByteSpan{0, 18}));
  EXPECT_EQ(table.window(2), (ByteSpan{6, 18}));
  EXPECT_EQ(table.window(3), (ByteSpan{0, 6}));
  table.save(folder.path() / "chunks.bin");
  EXPECT_EQ(ChunkTable::load(corpus, folder.path() / "chunks.bin").window(1), (ByteSpan{0, 18}));
}

TEST(ChunkTable, RefusesATruncatedFile) {
  const TemporaryFolder folder;
  const Corpus corpus = make_corpus({"一二。。三四五六！七"});
  make_table(corpus).save(folder.path() / "chunks.bin");
  std::filesystem::resize_file(folder.path() / "chunks.bin", 100);
  EXPECT_ERROR(ChunkTable::load(corpus, folder.path() / "chunks.bin"), ErrorCode::kInvalidData,
               "has 100");
}

TEST(ChunkTable, RefusesAForeignFile) {
  const TemporaryFolder folder;
  const Corpus corpus = make_corpus({"一"});
  const auto path = folder.write("chunks.bin", std::string(200, 'x'));
  EXPECT_ERROR(ChunkTable::load(corpus, path), ErrorCode::kInvalidData, "is no array file");
}

TEST(ChunkTable, RefusesTheTableOfAnotherCorpus) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "chunks.bin";
  const Corpus corpus = make_corpus({"一二三四", "五"});
  make_table(corpus).save(path);
  const Corpus fewer = make_corpus({"一二三四"});
  EXPECT_ERROR(ChunkTable::load(fewer, path), ErrorCode::kInvalidData, "documents");
  const Corpus shorter = make_corpus({"一二", "五"});
  EXPECT_ERROR(ChunkTable::load(shorter, path), ErrorCode::kInvalidData,
               "chunk 0 does not lie in its document");
}

}  // namespace
}  // namespace crudbench
