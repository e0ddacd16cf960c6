/// The made models themselves: the pinned llama.cpp loads and runs every kind of them.
#include "tests/fakes/tiny_gguf.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <llama-cpp.h>
#include <span>

#include "harness/core/files.h"
#include "harness/llama/backend.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using Architecture = RandomModel::Architecture;
using Weights = RandomModel::Weights;
using testing_support::TemporaryFolder;

const char* const kText = "Hello, wörld! 你好，世界。\n\t \"🎉\" {}";

llama_model_ptr load(const std::filesystem::path& path) {
  llama_runtime();
  llama_model_ptr model(llama_model_load_from_file(path.c_str(), llama_model_default_params()));
  EXPECT_TRUE(model) << path;
  return model;
}

std::vector<llama_token> tokenize(const llama_model* model, const std::string& text,
                                  bool add_special) {
  std::vector<llama_token> tokens(text.size() + 8);
  const int count =
      llama_tokenize(llama_model_get_vocab(model), text.data(), static_cast<int>(text.size()),
                     tokens.data(), static_cast<int>(tokens.size()), add_special, true);
  EXPECT_GE(count, 0);
  tokens.resize(static_cast<std::size_t>(std::max(count, 0)));
  return tokens;
}

std::string to_text(const llama_model* model, const std::vector<llama_token>& tokens) {
  std::string text;
  for (const llama_token token : tokens) {
    char piece[32];
    const int size =
        llama_token_to_piece(llama_model_get_vocab(model), token, piece, sizeof piece, 0, true);
    text.append(piece, static_cast<std::size_t>(size));
  }
  return text;
}

/// The most likely tokens after a prompt, one after the other, to the end of the answer at most.
std::vector<llama_token> greedy_answer(llama_model* model, const std::string& prompt,
                                       std::size_t max_tokens) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = 256;
  params.n_threads = params.n_threads_batch = 1;
  const llama_context_ptr context(llama_init_from_model(model, params));
  const llama_vocab* vocab = llama_model_get_vocab(model);
  std::vector<llama_token> batch = tokenize(model, prompt, true);
  std::vector<llama_token> answer;
  while (answer.size() < max_tokens) {
    EXPECT_EQ(llama_decode(context.get(),
                           llama_batch_get_one(batch.data(), static_cast<int>(batch.size()))),
              0);
    const float* logits = llama_get_logits_ith(context.get(), -1);
    const std::span values(logits, static_cast<std::size_t>(llama_vocab_n_tokens(vocab)));
    EXPECT_TRUE(
        std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }));
    const auto token =
        static_cast<llama_token>(std::max_element(values.begin(), values.end()) - values.begin());
    if (llama_vocab_is_eog(vocab, token)) {
      break;
    }
    answer.push_back(token);
    batch = {token};
  }
  return answer;
}

struct Kind {
  Architecture architecture;
  Weights weights;
};

class TinyModel : public testing::TestWithParam<Kind> {};

TEST_P(TinyModel, LoadsDecodesAndKeepsAnyText) {
  const TemporaryFolder folder;
  RandomModel shape;
  shape.architecture = GetParam().architecture;
  shape.weights = GetParam().weights;
  write_random_model(folder.path() / "model.gguf", shape);

  const llama_model_ptr model = load(folder.path() / "model.gguf");
  ASSERT_TRUE(model);
  EXPECT_EQ(to_text(model.get(), tokenize(model.get(), kText, false)), kText);
  EXPECT_EQ(llama_model_n_layer(model.get()), 2);
  EXPECT_EQ(greedy_answer(model.get(), "今天", 5).size(), 5U);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TinyModel,
                         testing::Values(Kind{Architecture::kQwen3Moe, Weights::kF32},
                                         Kind{Architecture::kQwen3Moe, Weights::kQ4},
                                         Kind{Architecture::kMixtral, Weights::kF16},
                                         Kind{Architecture::kDense, Weights::kQ8}));

TEST(TinyModelFile, IsTheSameBytesForTheSameSeedOnly) {
  const TemporaryFolder folder;
  RandomModel shape;
  write_random_model(folder.path() / "a.gguf", shape);
  write_random_model(folder.path() / "b.gguf", shape);
  shape.seed = 2;
  write_random_model(folder.path() / "c.gguf", shape);
  const std::string bytes = read_file(folder.path() / "a.gguf");
  EXPECT_TRUE(bytes == read_file(folder.path() / "b.gguf"));
  EXPECT_FALSE(bytes == read_file(folder.path() / "c.gguf"));
}

TEST(TinyModelFile, LoadsFromItsFirstPart) {
  const TemporaryFolder folder;
  RandomModel shape;
  shape.parts = 3;
  const auto paths = write_random_model(folder.path() / "model.gguf", shape);
  ASSERT_EQ(paths.size(), 3U);
  EXPECT_EQ(paths[0].filename(), "model-00001-of-00003.gguf");
  const llama_model_ptr model = load(paths[0]);
  ASSERT_TRUE(model);
  EXPECT_EQ(greedy_answer(model.get(), "x", 3).size(), 3U);
}

TEST(TinyModelFile, HasItsChatTemplate) {
  const TemporaryFolder folder;
  RandomModel shape;
  shape.chat_template = kChatMlTemplate;
  write_random_model(folder.path() / "model.gguf", shape);
  const llama_model_ptr model = load(folder.path() / "model.gguf");
  ASSERT_TRUE(model);
  EXPECT_STREQ(llama_model_chat_template(model.get(), nullptr), kChatMlTemplate);
  const std::vector<llama_token> turn = tokenize(model.get(), "<|im_start|>a<|im_end|>", false);
  EXPECT_EQ(turn, (std::vector<llama_token>{kTurnBeginToken, byte_token('a'), kTurnEndToken}));
}

TEST(KnownRoutingModel, GivesTheKnownAnswerInBothFamilies) {
  for (const Architecture architecture : {Architecture::kQwen3Moe, Architecture::kMixtral}) {
    const TemporaryFolder folder;
    RandomModel shape = known_routing_model();
    shape.architecture = architecture;
    write_random_model(folder.path() / "model.gguf", shape);
    const llama_model_ptr model = load(folder.path() / "model.gguf");
    ASSERT_TRUE(model);
    EXPECT_EQ(to_text(model.get(), greedy_answer(model.get(), "任何问题", 100)), kKnownAnswer);
  }
}

TEST(TinyBert, EmbedsTextsThatDiffer) {
  for (const auto kind : {RandomBert::Kind::kMeanEmbedder, RandomBert::Kind::kFirstTokenEmbedder}) {
    const TemporaryFolder folder;
    RandomBert shape;
    shape.kind = kind;
    write_random_bert(folder.path() / "bert.gguf", shape);
    const llama_model_ptr model = load(folder.path() / "bert.gguf");
    ASSERT_TRUE(model);
    llama_context_params params = llama_context_default_params();
    params.embeddings = true;
    params.n_threads = params.n_threads_batch = 1;
    const llama_context_ptr context(llama_init_from_model(model.get(), params));
    std::vector<std::vector<float>> rows;
    for (const char* text : {"今天天气好", "股市上涨", "今天天气好"}) {
      std::vector<llama_token> tokens = tokenize(model.get(), text, true);
      EXPECT_EQ(std::count(tokens.begin(), tokens.end(), 1), 0) << "[UNK] in " << text;
      ASSERT_EQ(llama_encode(context.get(),
                             llama_batch_get_one(tokens.data(), static_cast<int>(tokens.size()))),
                0);
      const float* row = llama_get_embeddings_seq(context.get(), 0);
      ASSERT_NE(row, nullptr);
      rows.emplace_back(row, row + shape.embedding);
    }
    EXPECT_EQ(rows[0], rows[2]);
    EXPECT_NE(rows[0], rows[1]);
  }
}

TEST(TinyBert, RanksAPairByOneNumber) {
  const TemporaryFolder folder;
  RandomBert shape;
  shape.kind = RandomBert::Kind::kReranker;
  write_random_bert(folder.path() / "bert.gguf", shape);
  const llama_model_ptr model = load(folder.path() / "bert.gguf");
  ASSERT_TRUE(model);
  llama_context_params params = llama_context_default_params();
  params.embeddings = true;
  params.n_threads = params.n_threads_batch = 1;
  const llama_context_ptr context(llama_init_from_model(model.get(), params));
  EXPECT_EQ(llama_pooling_type(context.get()), LLAMA_POOLING_TYPE_RANK);
  EXPECT_EQ(llama_model_n_cls_out(model.get()), 1U);
  std::vector<llama_token> tokens = tokenize(model.get(), "天气[SEP]今天天气好", true);
  ASSERT_EQ(llama_encode(context.get(),
                         llama_batch_get_one(tokens.data(), static_cast<int>(tokens.size()))),
            0);
  const float* score = llama_get_embeddings_seq(context.get(), 0);
  ASSERT_NE(score, nullptr);
  EXPECT_TRUE(std::isfinite(*score));
}

}  // namespace
}  // namespace crudbench
