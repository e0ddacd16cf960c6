#include "harness/llama/model_files.h"

#include "harness/core/fingerprint.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

TEST(ModelFiles, AreTheOneFileWhereItIsNoPart) {
  const TemporaryFolder folder;
  const auto file = folder.write("model.gguf", "GGUF");
  EXPECT_THAT(model_files(file), testing::ElementsAre(file));
}

TEST(ModelFiles, AreAllPartsInOrder) {
  const TemporaryFolder folder;
  const auto first = folder.write("model-00001-of-00003.gguf", "1");
  const auto third = folder.write("model-00003-of-00003.gguf", "3");
  const auto second = folder.write("model-00002-of-00003.gguf", "2");
  EXPECT_THAT(model_files(first), testing::ElementsAre(first, second, third));
}

TEST(ModelFiles, NameThePartThatIsMissing) {
  const TemporaryFolder folder;
  const auto first = folder.write("model-00001-of-00002.gguf", "1");
  EXPECT_ERROR(model_files(first), ErrorCode::kIo, "model-00002-of-00002.gguf");
}

TEST(ModelFiles, BeginWithTheFirstPart) {
  const TemporaryFolder folder;
  const auto second = folder.write("model-00002-of-00002.gguf", "2");
  EXPECT_ERROR(model_files(second), ErrorCode::kInvalidData, "name the first part");
}

TEST(ModelSha256, NamesTheContentAndNotThePath) {
  const TemporaryFolder folder;
  const auto here = folder.write("a.gguf", "content");
  const auto there = folder.write("b.gguf", "content");
  EXPECT_EQ(model_sha256(here), sha256_hex("content"));
  EXPECT_EQ(model_sha256(there), model_sha256(here));
}

TEST(ModelSha256, IsOfAllParts) {
  const TemporaryFolder folder;
  const auto first = folder.write("m-00001-of-00002.gguf", "1");
  folder.write("m-00002-of-00002.gguf", "2");
  const std::string before = model_sha256(first);
  folder.write("m-00002-of-00002.gguf", "changed");
  EXPECT_NE(model_sha256(first), before);
}

}  // namespace
}  // namespace crudbench
