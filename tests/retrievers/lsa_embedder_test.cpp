#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "harness/core/files.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::Each;
using testing_support::make_corpus;
using testing_support::retrieval_catalog;
using testing_support::sample_articles;
using testing_support::TemporaryFolder;

class Lsa : public testing::Test {
 protected:
  std::unique_ptr<Embedder> make(Executor& executor, const Json& options,
                                 const std::filesystem::path& folder, bool learn = true) const {
    const Catalog catalog = retrieval_catalog();
    Json with_type = options;
    with_type["type"] = "lsa";
    return catalog.embedders.build(
        catalog.embedders.resolve(with_type, "test", ""),
        {.chunks = table_, .folder = folder, .learn = learn, .executor = executor});
  }

  std::vector<float> embed(const Embedder& embedder, std::string_view text) {
    std::vector<float> row(embedder.dimension());
    embedder.embed(std::span(&text, 1), TextRole::kQuery, row, serial_);
    return row;
  }

  SerialExecutor serial_;
  Corpus corpus_ = make_corpus(sample_articles());
  ChunkTable table_ =
      ChunkTable::build(corpus_, *testing_support::make_chunker({{"type", "document"}}), serial_);
  TemporaryFolder folder_;
};

double dot(const std::vector<float>& left, const std::vector<float>& right) {
  return std::inner_product(left.begin(), left.end(), right.begin(), 0.0);
}

TEST_F(Lsa, PutsNearDuplicatesTogether) {
  const auto embedder = make(serial_, {{"dim", 8}}, folder_.path());
  ASSERT_EQ(embedder->dimension(), 8U);
  // Articles i and i + 7 tell of the same subject with other figures.
  const std::vector<float> first = embed(*embedder, corpus_.text(0));
  const std::vector<float> twin = embed(*embedder, corpus_.text(7));
  const std::vector<float> other = embed(*embedder, corpus_.text(1));
  EXPECT_GT(dot(first, twin), 0.9);
  EXPECT_LT(dot(first, other), 0.6);
}

TEST_F(Lsa, MakesRowsOfNormOne) {
  const auto embedder = make(serial_, {{"dim", 8}}, folder_.path());
  const std::vector<float> row = embed(*embedder, "台风预警");
  EXPECT_NEAR(dot(row, row), 1.0, 1e-6);
}

TEST_F(Lsa, MapsATextWithoutKnownWordsToZero) {
  const auto embedder = make(serial_, {{"dim", 8}}, folder_.path());
  EXPECT_THAT(embed(*embedder, "鲲鹏 zebra"), Each(0.0F));
  EXPECT_THAT(embed(*embedder, ""), Each(0.0F));
}

TEST_F(Lsa, HasAtMostAsManyDimensionsAsTheCorpusSupports) {
  const auto embedder = make(serial_, {{"dim", 256}}, folder_.path());
  EXPECT_LE(embedder->dimension(), table_.size());
  EXPECT_GE(embedder->dimension(), 7U);
}

TEST_F(Lsa, LearnsTheSameBytesOnAnyNumberOfThreads) {
  const TemporaryFolder other;
  testing_support::ThreadPoolExecutor threads(4);
  make(serial_, {{"dim", 16}, {"train_chunks", 60}}, folder_.path());
  make(threads, {{"dim", 16}, {"train_chunks", 60}}, other.path());
  EXPECT_EQ(read_file(folder_.path() / "model.bin"), read_file(other.path() / "model.bin"));
}

TEST_F(Lsa, LearnsOtherBytesFromAnotherSeed) {
  const TemporaryFolder other;
  make(serial_, {{"dim", 16}, {"train_chunks", 60}}, folder_.path());
  make(serial_, {{"dim", 16}, {"train_chunks", 60}, {"seed", 23}}, other.path());
  EXPECT_NE(read_file(folder_.path() / "model.bin"), read_file(other.path() / "model.bin"));
}

TEST_F(Lsa, EmbedsTheSameInAnyBatch) {
  const auto learned = make(serial_, {{"dim", 16}}, folder_.path());
  const auto embedder = make(serial_, {{"dim", 16}}, folder_.path(), /*learn=*/false);
  std::vector<std::string_view> texts;
  for (DocumentIndex document = 0; document < corpus_.size(); ++document) {
    texts.push_back(corpus_.text(document));
  }
  const std::size_t dimension = embedder->dimension();
  std::vector<float> rows(texts.size() * dimension);
  testing_support::ThreadPoolExecutor threads(3);
  embedder->embed(texts, TextRole::kPassage, rows, threads);
  for (const std::size_t i : {0U, 1U, 63U, 64U, 83U}) {
    const std::vector<float> row(rows.begin() + static_cast<std::ptrdiff_t>(i * dimension),
                                 rows.begin() + static_cast<std::ptrdiff_t>((i + 1) * dimension));
    EXPECT_EQ(row, embed(*learned, texts[i]));
  }
}

TEST_F(Lsa, RefusesATruncatedModel) {
  make(serial_, {{"dim", 8}}, folder_.path());
  std::filesystem::resize_file(folder_.path() / "model.bin", 1000);
  EXPECT_ERROR(make(serial_, {{"dim", 8}}, folder_.path(), /*learn=*/false),
               ErrorCode::kInvalidData, "1000");
}

TEST_F(Lsa, RefusesACorpusWithoutRepeatedWords) {
  const Corpus corpus = make_corpus({"台风"});
  const ChunkTable table =
      ChunkTable::build(corpus, *testing_support::make_chunker({{"type", "document"}}), serial_);
  const Catalog catalog = retrieval_catalog();
  EXPECT_ERROR(catalog.embedders.build(
                   catalog.embedders.resolve({{"type", "lsa"}}, "test", ""),
                   {.chunks = table, .folder = folder_.path(), .learn = true, .executor = serial_}),
               ErrorCode::kInvalidData, "nothing can be learned");
}

}  // namespace
}  // namespace crudbench
