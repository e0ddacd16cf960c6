#include "harness/runner/context_tokens.h"
#include "tests/fakes/tiny_gguf.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

TEST(ContextTokens, CountWithTheVocabularyOfAFile) {
  const TemporaryFolder folder;
  const std::string file = write_random_model(folder.path() / "m.gguf", {}).front().string();
  ContextTokens tokens;
  ContextOptions of_a_file;
  of_a_file.unit = "model";
  of_a_file.vocabulary_file = file;
  const CountTokens count = tokens.counter(of_a_file, {{"type", "openai"}});
  ASSERT_TRUE(count);
  EXPECT_EQ(count("甲队a"), 7U);  // A token a byte.
  EXPECT_EQ(tokens.counter({}, {{"type", "llama"}, {"model", file}})("甲队a"), 7U);
}

}  // namespace
}  // namespace crudbench
