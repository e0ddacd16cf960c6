#include <cmath>

#include "retrievers/embedders/embedder.h"
#include "retrievers/knowledge_base.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/fakes/tiny_gguf.h"
#include "tests/retrievers/corpora.h"
#include "tests/retrievers/retrieving.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing_support::make_corpus;
using testing_support::Retrieving;
using testing_support::sample_articles;
using testing_support::TemporaryFolder;
using Kind = RandomBert::Kind;

class LlamaEmbedderTest : public testing::Test {
 protected:
  LlamaEmbedderTest() { write_random_bert(model_, {.kind = Kind::kMeanEmbedder}); }

  Json resolve(const Json& more = Json::object()) const {
    Json options{{"type", "llama"}, {"model", model_.string()}};
    options.update(more);
    return catalog_.embedders.resolve(options, "test", "/embedder");
  }
  const Embedder& open(const Json& more = Json::object()) {
    return base_.embedder(document_chunker_config(), resolve(more));
  }
  std::vector<float> embed(const Embedder& embedder, std::vector<std::string_view> texts,
                           TextRole role = TextRole::kPassage) {
    std::vector<float> rows(texts.size() * embedder.dimension());
    embedder.embed(texts, role, rows, serial_);
    return rows;
  }

  TemporaryFolder folder_;
  std::filesystem::path model_ = folder_.path() / "bert.gguf";
  SerialExecutor serial_;
  Catalog catalog_ = testing_support::retrieval_catalog();
  Corpus corpus_ = make_corpus(sample_articles());
  KnowledgeBase base_{folder_.path() / "kb", corpus_, "corpus", catalog_, serial_};
};

TEST_F(LlamaEmbedderTest, GivesRowsOfNormOne) {
  const Embedder& embedder = open();
  ASSERT_EQ(embedder.dimension(), 32U);
  const std::vector<float> rows = embed(embedder, {"台风登陆", "央行"});
  for (std::size_t text = 0; text < 2; ++text) {
    double square = 0.0;
    for (std::size_t i = 0; i < 32; ++i) {
      square += std::pow(static_cast<double>(rows[text * 32 + i]), 2);
    }
    EXPECT_NEAR(square, 1.0, 1e-5);
  }
}

TEST_F(LlamaEmbedderTest, PutsPrefixesBeforeQueriesAndPassages) {
  const Embedder& plain = open();
  const Embedder& prefixed = open({{"query_prefix", "查询："}, {"passage_prefix", "文："}});
  EXPECT_EQ(embed(prefixed, {"台风"}, TextRole::kQuery), embed(plain, {"查询：台风"}));
  EXPECT_EQ(embed(prefixed, {"台风"}), embed(plain, {"文：台风"}));
}

TEST_F(LlamaEmbedderTest, ReportsRowsWhileOthersAreStillUnderWay) {
  const Embedder& embedder = open();
  const std::vector<std::string_view> texts(130, "台风登陆");
  std::vector<float> rows(texts.size() * embedder.dimension());
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  embedder.embed_passages(texts, rows, serial_, [&](std::size_t begin, std::size_t end) {
    ranges.emplace_back(begin, end);
    EXPECT_NE(rows[(end - 1) * embedder.dimension()], 0.0F);
    EXPECT_TRUE(end == texts.size() || rows[end * embedder.dimension()] == 0.0F);
  });
  EXPECT_THAT(ranges, testing::ElementsAre(testing::Pair(0, 64), testing::Pair(64, 128),
                                           testing::Pair(128, 130)));
  EXPECT_EQ(rows, embed(embedder, texts));
}

TEST_F(LlamaEmbedderTest, TakesTextsLikePassagesAsPassages) {
  const auto dense = [&](const Json& prefixes) {
    return base_.open({.retriever = catalog_.retrievers.resolve({{"type", "dense"}}, "", ""),
                       .chunker = document_chunker_config(),
                       .embedder = resolve(prefixes),
                       .index = catalog_.indexes.resolve({{"type", "flat"}}, "", "")});
  };
  const Query query{.text = "台风登陆", .gold_documents = {}};
  const std::span<const Query> asked(&query, 1);
  const auto like_passages = dense({{"query_prefix", "查询："}, {"passage_prefix", "文："}})
                                 ->retrieve_like(asked, 8, serial_);
  const auto expected =
      dense({{"query_prefix", "文："}, {"passage_prefix", "文："}})->retrieve(asked, 8, serial_);
  EXPECT_EQ(like_passages.front().hits, expected.front().hits);
}

TEST_F(LlamaEmbedderTest, HasTheVectorsOfTokensWithoutThoseOfTheModel) {
  const std::vector<std::string_view> texts{"台风"};
  const std::vector<TokenVectors> vectors = open().embed_tokens(texts, serial_);
  EXPECT_THAT(vectors.at(0).tokens, ElementsAre("台", "风"));
  EXPECT_EQ(vectors.at(0).rows.size(), 64U);
}

TEST_F(LlamaEmbedderTest, IsNamedByTheContentOfTheModel) {
  const Json resolved = resolve();
  EXPECT_EQ(resolved.at("model_sha256").get<std::string>().size(), 64U);
  EXPECT_EQ(catalog_.embedders.resolve(resolved, "test", ""), resolved);
  RetrievalConfig config{.retriever = {{"type", "dense"}, {"top_k", 8}},
                         .chunker = document_chunker_config(),
                         .embedder = resolved,
                         .index = {{"type", "flat"}}};
  const std::string fingerprint = base_.fingerprint(config);
  config.embedder["model"] = "elsewhere.gguf";
  EXPECT_EQ(base_.fingerprint(config), fingerprint);
  config.embedder["pooling"] = "first";
  EXPECT_NE(base_.fingerprint(config), fingerprint);
}

TEST_F(LlamaEmbedderTest, MakesTheSameVectorsOnAnyNumberOfThreads) {
  const Json embedder = resolve();
  const auto rows = base_.vectors(document_chunker_config(), embedder);
  testing_support::ThreadPoolExecutor threads(3);
  KnowledgeBase other(folder_.path() / "other", corpus_, "corpus", catalog_, threads);
  const auto same = other.vectors(document_chunker_config(), embedder);
  EXPECT_EQ(std::vector<float>(rows.begin(), rows.end()),
            std::vector<float>(same.begin(), same.end()));
}

TEST_F(LlamaEmbedderTest, NamesAModelThatIsMissingOrNone) {
  EXPECT_ERROR(resolve({{"model", "nowhere.gguf"}}), ErrorCode::kIo, "nowhere.gguf");
  EXPECT_ERROR(open({{"model", folder_.write("x.gguf", "no model").string()}}),
               ErrorCode::kInvalidData, "x.gguf");
}

TEST(SentenceChunker, CountsTheTokensOfAModel) {
  const TemporaryFolder folder;
  const std::filesystem::path model = folder.path() / "model.gguf";
  write_random_model(model, {});  // A token a byte, three a Chinese character.
  const Json options{
      {"type", "sentence"}, {"size", 18}, {"unit", "model"}, {"vocabulary_file", model.string()}};
  EXPECT_THAT(testing_support::chunk_texts(options, "台风。登陆。停课。回港。"),
              ElementsAre("台风。登陆。", "停课。回港。"));
  EXPECT_ERROR(testing_support::make_chunker({{"type", "sentence"}, {"unit", "model"}}),
               ErrorCode::kInvalidConfig, "/vocabulary_file");
}

TEST(LlamaReranker, OrdersHitsByTheModelsScores) {
  const TemporaryFolder folder;
  const std::filesystem::path model = folder.path() / "reranker.gguf";
  write_random_bert(model, {.kind = Kind::kReranker});
  Retrieving retrieving;
  const Json rerank{{"type", "rerank"}, {"api", "llama"}, {"model", model.string()}, {"pool", 8}};
  const auto bm25 = retrieving.retrieve({{"type", "bm25"}}, 8);
  const auto reranked = retrieving.retrieve(rerank, 8);
  const auto few = retrieving.retrieve(rerank, 2);
  for (std::size_t query = 0; query < bm25.size(); ++query) {
    EXPECT_FALSE(reranked[query].failure);
    ASSERT_EQ(reranked[query].hits.size(), bm25[query].hits.size());
    EXPECT_TRUE(
        std::is_sorted(reranked[query].hits.begin(), reranked[query].hits.end(),
                       [](const Hit& left, const Hit& right) { return left.score > right.score; }));
    for (std::size_t i = 0; i < few[query].hits.size(); ++i) {
      EXPECT_EQ(few[query].hits[i], reranked[query].hits[i]);
    }
  }
}

TEST(LlamaReranker, RefusesAnEmbedder) {
  const TemporaryFolder folder;
  const std::filesystem::path model = folder.path() / "bert.gguf";
  write_random_bert(model, {.kind = Kind::kMeanEmbedder});
  Retrieving retrieving;
  EXPECT_ERROR(retrieving.open({{"type", "rerank"}, {"api", "llama"}, {"model", model.string()}}),
               ErrorCode::kInvalidData, "no ranking head");
}

}  // namespace
}  // namespace crudbench
