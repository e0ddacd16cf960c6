#include "harness/llama/sequence_encoder.h"

#include <cmath>

#include "tests/fakes/tiny_gguf.h"
#include "tests/llama/tiny_models.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;
using Kind = RandomBert::Kind;

class SequenceEncoderTest : public testing::Test {
 protected:
  std::filesystem::path bert(Kind kind) const {
    const std::filesystem::path file = folder_.path() / "bert.gguf";
    write_random_bert(file, {.kind = kind});
    return file;
  }
  static SequenceEncoder open(const std::filesystem::path& file,
                              const EncoderOptions& options = {}) {
    return SequenceEncoder({.file = file}, options);
  }
  static std::vector<float> rows_of(SequenceEncoder& encoder,
                                    const std::vector<std::string_view>& texts,
                                    std::size_t threads = 1) {
    std::vector<std::vector<Token>> tokens;
    for (const std::string_view text : texts) {
      tokens.push_back(encoder.tokenize(text));
    }
    std::vector<float> rows(texts.size() * encoder.dimension());
    encoder.encode(tokens, threads, rows);
    return rows;
  }
  static std::vector<float> token_rows(SequenceEncoder& encoder, std::string_view text) {
    const std::vector<Token> tokens = encoder.tokenize(text);
    std::vector<float> rows(tokens.size() * encoder.dimension());
    encoder.encode_tokens(tokens, 1, rows);
    return rows;
  }

  TemporaryFolder folder_;
};

TEST_F(SequenceEncoderTest, PoolsAsTheFileSays) {
  for (const Kind kind : {Kind::kMeanEmbedder, Kind::kFirstTokenEmbedder}) {
    const std::filesystem::path file = bert(kind);
    SequenceEncoder pooled = open(file);
    SequenceEncoder by_token = open(file, {.pooling = "tokens"});
    const std::vector<float> row = rows_of(pooled, {"台风登陆"});
    const std::vector<float> tokens = token_rows(by_token, "台风登陆");
    const std::size_t dimension = pooled.dimension();
    ASSERT_EQ(dimension, 32U);
    ASSERT_EQ(tokens.size(), 6 * dimension);  // [CLS], four characters, [SEP].
    for (std::size_t i = 0; i < dimension; ++i) {
      double expected = 0.0;
      for (std::size_t token = 0; token < 6; ++token) {
        expected += tokens[token * dimension + i] / 6.0;
      }
      expected = kind == Kind::kMeanEmbedder ? expected : tokens[i];
      EXPECT_NEAR(row[i], expected, 1e-4) << i;
    }
  }
}

TEST_F(SequenceEncoderTest, PoolsAsAskedAgainstTheFile) {
  const std::filesystem::path file = bert(Kind::kMeanEmbedder);
  SequenceEncoder last = open(file, {.pooling = "last"});
  SequenceEncoder by_token = open(file, {.pooling = "tokens"});
  const std::vector<float> row = rows_of(last, {"台风"});
  const std::vector<float> tokens = token_rows(by_token, "台风");
  for (std::size_t i = 0; i < row.size(); ++i) {
    EXPECT_NEAR(row[i], tokens[3 * row.size() + i], 1e-4);
  }
}

TEST_F(SequenceEncoderTest, GivesTheSameBitsAloneOrAmongOthersAndOnAnyThreads) {
  SequenceEncoder encoder = open(bert(Kind::kMeanEmbedder));
  const std::vector<std::string_view> texts{"台风登陆", "央行下调存款准备金率", "地铁"};
  const std::vector<float> together = rows_of(encoder, texts);
  std::vector<float> alone;
  for (const std::string_view text : texts) {
    const std::vector<float> row = rows_of(encoder, {text}, 2);
    alone.insert(alone.end(), row.begin(), row.end());
  }
  EXPECT_EQ(together, alone);
}

TEST_F(SequenceEncoderTest, ComputesSeveralTextsTogetherIfAsked) {
  const std::filesystem::path file = bert(Kind::kMeanEmbedder);
  SequenceEncoder single = open(file);
  SequenceEncoder packed = open(file, {.batch_tokens = 20});
  const std::vector<std::string_view> texts{"台风登陆", "央行下调存款准备金率", "地铁", "渔船"};
  const std::vector<float> expected = rows_of(single, texts);
  const std::vector<float> rows = rows_of(packed, texts);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NEAR(rows[i], expected[i], 1e-4);
  }
}

TEST_F(SequenceEncoderTest, CutsLongTextsAndKeepsTheEndToken) {
  SequenceEncoder encoder = open(bert(Kind::kMeanEmbedder), {.max_tokens = 5});
  bool was_cut = false;
  const std::vector<Token> tokens = encoder.tokenize("台风登陆沿海", &was_cut);
  EXPECT_TRUE(was_cut);
  ASSERT_EQ(tokens.size(), 5U);
  EXPECT_EQ(tokens.back(), encoder.tokenize("台").back());
  encoder.tokenize("台风", &was_cut);
  EXPECT_FALSE(was_cut);
}

TEST_F(SequenceEncoderTest, TakesNamesOfControlTokensForText) {
  const SequenceEncoder encoder = open(bert(Kind::kMeanEmbedder));
  const std::vector<Token> tokens = encoder.tokenize("[SEP]");
  ASSERT_GE(tokens.size(), 3U);
  for (std::size_t i = 1; i + 1 < tokens.size(); ++i) {
    EXPECT_NE(tokens[i], tokens.back());
  }
}

TEST_F(SequenceEncoderTest, ScoresPairsWithARankingHead) {
  SequenceEncoder reranker = open(bert(Kind::kReranker), {.pooling = "rank"});
  ASSERT_EQ(reranker.dimension(), 1U);
  const std::vector<Token> pair = reranker.tokenize_pair("台风", "登陆沿海");
  EXPECT_EQ(pair.size(), 9U);  // [CLS] 台 风 [SEP] 登 陆 沿 海 [SEP]
  EXPECT_EQ(pair[3], pair[8]);
  const std::vector<std::vector<Token>> pairs{pair, reranker.tokenize_pair("台风", "央行")};
  std::vector<float> scores(2);
  reranker.encode(pairs, 1, scores);
  EXPECT_NE(scores[0], scores[1]);
}

TEST_F(SequenceEncoderTest, RefusesModelsThatAreSomethingElse) {
  EXPECT_ERROR(open(bert(Kind::kReranker)), ErrorCode::kInvalidData,
               "is a reranker and no embedder");
  EXPECT_ERROR(open(bert(Kind::kMeanEmbedder), {.pooling = "rank"}), ErrorCode::kInvalidData,
               "no ranking head");
  EXPECT_ERROR(open(testing_support::tiny_moe()), ErrorCode::kInvalidData, "is no embedder");
  EXPECT_ERROR(open(folder_.write("text.gguf", "no model")), ErrorCode::kInvalidData, "text.gguf");
}

}  // namespace
}  // namespace crudbench
