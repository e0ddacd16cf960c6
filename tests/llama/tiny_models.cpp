#include "tests/llama/tiny_models.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <llama-cpp.h>
#include <map>

#include "harness/core/random.h"
#include "tests/support/testing.h"

namespace crudbench::testing_support {

std::filesystem::path tiny_model(const std::string& name, const RandomModel& shape) {
  static const TemporaryFolder folder;
  static std::map<std::string, std::filesystem::path> written;
  auto [entry, is_new] = written.try_emplace(name);
  if (is_new) {
    entry->second = write_random_model(folder.path() / (name + ".gguf"), shape).front();
  }
  return entry->second;
}

std::filesystem::path tiny_moe() {
  return tiny_model("moe", {.chat_template = kChatMlTemplate});
}

std::vector<Token> reference_answer(const LlamaModel& model, const std::vector<Token>& prompt,
                                    std::size_t max_tokens) {
  llama_context_params parameters = llama_context_default_params();
  parameters.n_ctx = 4096;
  parameters.n_threads = parameters.n_threads_batch = 1;
  parameters.type_k = parameters.type_v = GGML_TYPE_F32;
  parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  const llama_context_ptr context(llama_init_from_model(model.handle(), parameters));
  for (Token token : prompt) {
    EXPECT_EQ(llama_decode(context.get(), llama_batch_get_one(&token, 1)), 0);
  }
  std::vector<Token> answer;
  while (answer.size() < max_tokens) {
    const float* logits = llama_get_logits_ith(context.get(), -1);
    const float* end = logits + model.vocabulary_size();
    Token token = static_cast<Token>(std::max_element(logits, end) - logits);
    answer.push_back(token);
    if (model.ends_answer(token)) {
      break;
    }
    EXPECT_EQ(llama_decode(context.get(), llama_batch_get_one(&token, 1)), 0);
  }
  return answer;
}

std::vector<std::vector<Token>> related_prompts(std::size_t count, std::size_t common) {
  Random random(22);
  const auto letters = [&random](std::size_t size) {
    std::vector<Token> tokens;
    for (std::size_t i = 0; i < size; ++i) {
      tokens.push_back(byte_token(static_cast<unsigned char>(33 + random.below(90))));
    }
    return tokens;
  };
  const std::vector<Token> beginning = letters(common);
  std::vector<std::vector<Token>> prompts;
  for (std::size_t i = 0; i < count; ++i) {
    prompts.push_back(beginning);
    const std::vector<Token> own = letters(5 + 7 * i);
    prompts.back().insert(prompts.back().end(), own.begin(), own.end());
  }
  return prompts;
}

}  // namespace crudbench::testing_support
