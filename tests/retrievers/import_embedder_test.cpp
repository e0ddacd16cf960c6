#include <cstring>

#include "harness/core/fingerprint.h"
#include "retrievers/knowledge_base.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing_support::TemporaryFolder;

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// As numpy.save writes it.
template <class T>
std::string npy(const std::string& type, std::size_t rows, std::size_t width,
                const std::vector<T>& values) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(width) + "), }";
  header.resize(117, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + std::string("\x76\x00", 2) + header +
         bytes_of(values);
}

class ImportEmbedderTest : public testing::Test {
 protected:
  ImportEmbedderTest() {
    ids_ = folder_
               .write("ids.txt",
                      corpus_.doc_id(2) + "\n" + corpus_.doc_id(0) + "\r\n" + corpus_.doc_id(1))
               .string();
  }
  std::span<const float> vectors(const std::string& file, Json more = Json::object()) {
    more["type"] = "import";
    more["vectors_file"] = file;
    more["ids_file"] = ids_;
    base_ = std::make_unique<KnowledgeBase>(folder_.path() / "kb", corpus_, "corpus", catalog_,
                                            serial_);
    embedder_ = catalog_.embedders.resolve(more, "test", "");
    return base_->vectors(document_chunker_config(), embedder_);
  }

  SerialExecutor serial_;
  Catalog catalog_ = testing_support::retrieval_catalog();
  Corpus corpus_ = testing_support::make_corpus({"甲", "乙", "丙"});
  TemporaryFolder folder_;
  std::string ids_;
  std::unique_ptr<KnowledgeBase> base_;
  Json embedder_;
};

TEST_F(ImportEmbedderTest, MatchesRowsToChunksInEveryFormat) {
  // Rows of the documents 2, 0 and 1.
  const std::vector<float> singles{0, 2, 3, 4, -1, 0};
  const auto expected = ElementsAre(0.6F, 0.8F, -1.0F, 0.0F, 0.0F, 1.0F);
  EXPECT_THAT(vectors(folder_.write("f4.npy", npy("<f4", 3, 2, singles)).string()), expected);
  EXPECT_THAT(
      vectors(folder_.write("f8.npy", npy("<f8", 3, 2, std::vector<double>{0, 2, 3, 4, -1, 0}))
                  .string()),
      expected);
  // 2 = 0x4000, 3 = 0x4200, 4 = 0x4400, -1 = 0xBC00 in half precision.
  const std::vector<std::uint16_t> halves{0, 0x4000, 0x4200, 0x4400, 0xBC00, 0};
  EXPECT_THAT(vectors(folder_.write("f2.npy", npy("<f2", 3, 2, halves)).string()), expected);
  const std::string width("\x02\x00\x00\x00", 4);
  std::string fvecs;
  for (std::size_t row = 0; row < 3; ++row) {
    fvecs += width + bytes_of(std::vector<float>(singles.begin() + static_cast<int>(2 * row),
                                                 singles.begin() + static_cast<int>(2 * row) + 2));
  }
  EXPECT_THAT(vectors(folder_.write("x.fvecs", fvecs).string()), expected);
}

TEST_F(ImportEmbedderTest, FindsQueriesByTextAndByHash) {
  const std::string file =
      folder_.write("v.npy", npy<float>("<f4", 3, 2, {1, 0, 1, 0, 1, 0})).string();
  const Json queries{
      {"queries_file", folder_.write("q.npy", npy<float>("<f4", 2, 2, {0, 3, 3, 4})).string()},
      {"query_ids_file",
       folder_.write("q.txt", "台风在哪里登陆？\n" + sha256_hex("谁赢了？\n谁输了？") + "\n")
           .string()}};
  vectors(file, queries);
  const Embedder& embedder = base_->embedder(document_chunker_config(), embedder_);
  std::vector<std::string_view> texts{"谁赢了？\n谁输了？", "台风在哪里登陆？"};
  std::vector<float> rows(4);
  embedder.embed(texts, TextRole::kQuery, rows, serial_);
  EXPECT_THAT(rows, ElementsAre(0.6F, 0.8F, 0.0F, 1.0F));
  texts = {"没有"};
  EXPECT_ERROR(embedder.embed(texts, TextRole::kQuery, rows, serial_), ErrorCode::kInvalidData,
               "does not name the text '没有'");
}

TEST_F(ImportEmbedderTest, NamesTheFirstChunkWithoutAVector) {
  const std::string file = folder_.write("v.npy", npy<float>("<f4", 2, 1, {1, 1})).string();
  ids_ = folder_.write("ids.txt", corpus_.doc_id(0) + "\nother\n").string();
  EXPECT_ERROR(vectors(file), ErrorCode::kInvalidData,
               "2 of 3 chunks have no vector; the first is '" + corpus_.doc_id(1) + "@");
}

TEST_F(ImportEmbedderTest, RefusesFilesThatDoNotFit) {
  EXPECT_ERROR(vectors(folder_.write("v.npy", npy<float>("<f4", 2, 1, {1, 1})).string()),
               ErrorCode::kInvalidData, "has 2 rows and");
  EXPECT_ERROR(vectors(folder_.write("v.npy", npy<float>("<f4", 3, 1, {1, 1})).string()),
               ErrorCode::kInvalidData, "should have 3 rows of 4 bytes");
  EXPECT_ERROR(vectors(folder_.write("v.npy", npy<float>("<i4", 3, 1, {1, 1, 1})).string()),
               ErrorCode::kInvalidData, "expected a two-dimensional array");
  EXPECT_ERROR(vectors(folder_.write("v.npy", npy<float>("<f4", 3, 1, {1, NAN, 1})).string()),
               ErrorCode::kInvalidData, "row 1 holds a value that is not finite");
  EXPECT_ERROR(vectors(folder_.write("v.npy", "x").string()), ErrorCode::kInvalidData,
               "no NumPy array");
  EXPECT_ERROR(vectors(folder_.write("v.bin", "x").string()), ErrorCode::kInvalidData,
               "expected a .npy or .fvecs file");
  EXPECT_ERROR(vectors((folder_.path() / "none.npy").string()), ErrorCode::kIo, "/vectors_file");
}

}  // namespace
}  // namespace crudbench
