#include "harness/llama/model.h"

#include <fstream>

#include "tests/llama/tiny_models.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

TEST(LlamaModel, SaysWhatItIs) {
  const LlamaModel model({.file = tiny_moe()});
  EXPECT_EQ(model.architecture(), "qwen3moe");
  EXPECT_EQ(model.trained_context(), 4096U);
  EXPECT_EQ(model.chat_template(), kChatMlTemplate);
}

TEST(LlamaModel, TokenizesAndSpellsAnyText) {
  const LlamaModel model({.file = tiny_moe()});
  const std::string text = "你好, world! 🎉\n";
  std::string spelt;
  for (const Token token : model.tokenize(text, false)) {
    spelt += model.piece(token);
  }
  EXPECT_EQ(spelt, text);
}

TEST(LlamaModel, ReadsControlTokensOnlyWhereAsked) {
  const LlamaModel model({.file = tiny_moe()});
  EXPECT_THAT(model.tokenize("<|im_end|>", true), testing::Contains(kTurnEndToken));
  EXPECT_THAT(model.tokenize("<|im_end|>", false), testing::Not(testing::Contains(kTurnEndToken)));
  EXPECT_TRUE(model.is_control(kTurnEndToken));
  EXPECT_EQ(model.piece(kTurnEndToken), "");
}

TEST(LlamaModel, LoadsAllPartsOfASplitFile) {
  const TemporaryFolder folder;
  const auto parts = write_random_model(folder.path() / "split.gguf", {.parts = 3});
  ASSERT_EQ(parts.size(), 3U);
  const LlamaModel model({.file = parts.front()});
  const LlamaModel whole({.file = tiny_model("whole", {})});
  const std::vector<Token> prompt = model.tokenize("split?", true);
  EXPECT_EQ(reference_answer(model, prompt, 8), reference_answer(whole, prompt, 8));
}

TEST(LlamaModel, UsesAsManyExpertsAsAsked) {
  const LlamaModel two({.file = tiny_moe()});
  const LlamaModel eight({.file = tiny_moe(), .experts_used = 8});
  const std::vector<Token> prompt = two.tokenize("experts", true);
  EXPECT_NE(reference_answer(two, prompt, 16), reference_answer(eight, prompt, 16));
}

TEST(LlamaModel, HasAVocabularyWithoutWeights) {
  const LlamaModel model({.file = tiny_moe(), .vocabulary_only = true});
  EXPECT_EQ(model.tokenize("abc", false).size(), 3U);
}

TEST(LlamaModel, AcceptsEveryPlacementOfExperts) {
  for (const char* placement : {"cpu", "cpu:1"}) {
    EXPECT_NO_THROW(LlamaModel({.file = tiny_moe(), .mmap = false, .expert_placement = placement}))
        << placement;
  }
}

TEST(LlamaModel, RefusesWhatIsNoGguf) {
  const TemporaryFolder folder;
  EXPECT_ERROR(LlamaModel({.file = folder.write("m.gguf", "PK\x03\x04")}), ErrorCode::kInvalidData,
               "is no GGUF file");
  EXPECT_ERROR(LlamaModel({.file = folder.write("empty.gguf", "")}), ErrorCode::kInvalidData,
               "is no GGUF file");
  EXPECT_ERROR(LlamaModel({.file = folder.path() / "none.gguf"}), ErrorCode::kIo, "none.gguf");
}

TEST(LlamaModel, RefusesAFileThatIsCutShort) {
  const TemporaryFolder folder;
  const auto whole = tiny_moe();
  const auto cut = folder.path() / "cut.gguf";
  std::filesystem::copy_file(whole, cut);
  std::filesystem::resize_file(cut, std::filesystem::file_size(whole) / 2);
  EXPECT_ERROR(LlamaModel({.file = cut}), ErrorCode::kInvalidData, "llama.cpp cannot load");
  std::filesystem::resize_file(cut, 20);
  EXPECT_ERROR(LlamaModel({.file = cut}), ErrorCode::kInvalidData, "header of this GGUF file");
}

}  // namespace
}  // namespace crudbench
