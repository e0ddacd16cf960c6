#include "retrievers/knowledge_base.h"

#include <filesystem>
#include <fstream>

#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/corpora.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing_support::make_corpus;
using testing_support::retrieval_catalog;
using testing_support::sample_articles;
using testing_support::TemporaryFolder;

class KnowledgeBaseTest : public testing::Test {
 protected:
  KnowledgeBaseTest() {
    config_.chunker = resolve(catalog_.chunkers, {{"type", "fixed"}, {"size", 20}});
    config_.embedder = resolve(catalog_.embedders, {{"type", "lsa"}, {"dim", 8}});
    config_.index = resolve(catalog_.indexes, {{"type", "flat"}});
  }

  template <class Axis>
  static Json resolve(const Axis& axis, const Json& options) {
    return axis.resolve(options, "test", "");
  }
  RetrievalConfig with(const Json& retriever) const {
    RetrievalConfig config = config_;
    config.retriever = resolve(catalog_.retrievers, retriever);
    return config;
  }
  KnowledgeBase make(Executor& executor) {
    return {folder_.path() / "kb", corpus_, "corpus-1", catalog_, executor};
  }
  std::filesystem::path artifact(const KnowledgeBase& base, const RetrievalConfig& config,
                                 const std::string& kind) const {
    for (const KnowledgeBaseStage& stage : base.stages(config)) {
      if (stage.kind == kind) {
        return folder_.path() / "kb" / stage.fingerprint;
      }
    }
    ADD_FAILURE() << "no stage " << kind;
    return {};
  }
  std::vector<Hit> retrieve(KnowledgeBase& base, const RetrievalConfig& config,
                            std::string_view text = "台风登陆") {
    const Query query{.text = text};
    return base.open(config)->retrieve(std::span(&query, 1), 8, serial_).front().hits;
  }

  static std::vector<std::string> kinds(const std::vector<KnowledgeBaseStage>& stages) {
    std::vector<std::string> kinds;
    for (const KnowledgeBaseStage& stage : stages) {
      kinds.push_back(stage.kind);
    }
    return kinds;
  }

  SerialExecutor serial_;
  Catalog catalog_ = retrieval_catalog();
  Corpus corpus_ = make_corpus(sample_articles());
  TemporaryFolder folder_;
  RetrievalConfig config_;
};

TEST_F(KnowledgeBaseTest, NamesTheStagesOfARetriever) {
  const KnowledgeBase base = make(serial_);
  EXPECT_THAT(kinds(base.stages(with({{"type", "bm25"}}))), ElementsAre("chunks", "bm25"));
  EXPECT_THAT(kinds(base.stages(with({{"type", "dense"}}))),
              ElementsAre("chunks", "embedder", "vectors", "index"));
  EXPECT_THAT(kinds(base.stages(with({{"type", "hybrid"}}))),
              ElementsAre("chunks", "bm25", "embedder", "vectors", "index"));
  EXPECT_THAT(kinds(base.stages(with({{"type", "gold"}}))), ElementsAre("chunks"));
}

TEST_F(KnowledgeBaseTest, BuildsEachStageOnceAndReusesIt) {
  const RetrievalConfig hybrid = with({{"type", "hybrid"}});
  KnowledgeBase base = make(serial_);
  for (const KnowledgeBaseStage& stage : base.stages(hybrid)) {
    EXPECT_FALSE(stage.cached) << stage.kind;
  }
  const std::vector<Hit> hits = retrieve(base, hybrid);
  EXPECT_FALSE(hits.empty());
  for (const KnowledgeBaseStage& stage : base.stages(hybrid)) {
    EXPECT_TRUE(stage.cached) << stage.kind;
  }
  const auto written =
      std::filesystem::last_write_time(artifact(base, hybrid, "vectors") / "manifest.json");
  KnowledgeBase again = make(serial_);
  EXPECT_EQ(retrieve(again, hybrid), hits);
  EXPECT_EQ(std::filesystem::last_write_time(artifact(base, hybrid, "vectors") / "manifest.json"),
            written);
}

TEST_F(KnowledgeBaseTest, GivesTheSameOnAnyNumberOfThreads) {
  const RetrievalConfig hybrid = with({{"type", "hybrid"}});
  KnowledgeBase base = make(serial_);
  const std::vector<Hit> hits = retrieve(base, hybrid);
  const std::string vectors = read_file(artifact(base, hybrid, "vectors") / "vectors.f32");
  std::filesystem::remove_all(folder_.path() / "kb");
  testing_support::ThreadPoolExecutor threads(4);
  KnowledgeBase threaded = make(threads);
  EXPECT_EQ(retrieve(threaded, hybrid), hits);
  EXPECT_EQ(read_file(artifact(threaded, hybrid, "vectors") / "vectors.f32"), vectors);
}

TEST_F(KnowledgeBaseTest, MeasuresSentencesOnceForAllSemanticChunkers) {
  KnowledgeBase base = make(serial_);
  const auto chunking = [&](int percentile) {
    RetrievalConfig config = with({{"type", "bm25"}});
    config.chunker = resolve(catalog_.chunkers, {{"type", "semantic"},
                                                 {"percentile", percentile},
                                                 {"embedder", {{"type", "lsa"}, {"dim", 8}}}});
    return config;
  };
  EXPECT_THAT(kinds(base.stages(chunking(50))), ElementsAre("distances", "chunks", "bm25"));
  EXPECT_EQ(base.stages(chunking(50))[1].parent, base.stages(chunking(50))[0].fingerprint);
  EXPECT_EQ(artifact(base, chunking(50), "distances"), artifact(base, chunking(90), "distances"));
  EXPECT_NE(artifact(base, chunking(50), "chunks"), artifact(base, chunking(90), "chunks"));
  EXPECT_FALSE(retrieve(base, chunking(50)).empty());
  EXPECT_FALSE(retrieve(base, chunking(90)).empty());
  // Two sentences a document, so that there is one distance each and none above the percentile.
  EXPECT_EQ(base.chunks(chunking(50).chunker).size(), corpus_.size());
}

TEST_F(KnowledgeBaseTest, BreaksSemanticallyTheSameOnAnyNumberOfThreads) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i + 3 <= sample_articles().size(); i += 3) {
    texts.push_back(sample_articles()[i] + sample_articles()[i + 1] + sample_articles()[i + 2]);
  }
  corpus_ = make_corpus(texts);
  RetrievalConfig config = with({{"type", "bm25"}});
  config.chunker = resolve(
      catalog_.chunkers,
      {{"type", "semantic"}, {"percentile", 60}, {"embedder", {{"type", "lsa"}, {"dim", 8}}}});
  KnowledgeBase base = make(serial_);
  EXPECT_GT(base.chunks(config.chunker).size(), corpus_.size());
  const std::string chunks = read_file(artifact(base, config, "chunks") / "chunks.bin");
  const std::string distances = read_file(artifact(base, config, "distances") / "distances.bin");
  std::filesystem::remove_all(folder_.path() / "kb");
  testing_support::ThreadPoolExecutor threads(4);
  KnowledgeBase threaded = make(threads);
  threaded.chunks(config.chunker);
  EXPECT_EQ(read_file(artifact(threaded, config, "chunks") / "chunks.bin"), chunks);
  EXPECT_EQ(read_file(artifact(threaded, config, "distances") / "distances.bin"), distances);
}

TEST_F(KnowledgeBaseTest, LeavesTopKOutOfTheFingerprintAndNothingElse) {
  const KnowledgeBase base = make(serial_);
  const std::string bm25 = base.fingerprint(with({{"type", "bm25"}, {"top_k", 2}}));
  EXPECT_EQ(base.fingerprint(with({{"type", "bm25"}, {"top_k", 16}})), bm25);
  EXPECT_NE(base.fingerprint(with({{"type", "bm25"}, {"k1", 1.0}})), bm25);
  EXPECT_NE(base.fingerprint(with({{"type", "dense"}})), bm25);
  RetrievalConfig other = with({{"type", "bm25"}});
  other.embedder = resolve(catalog_.embedders, {{"type", "lsa"}, {"dim", 9}});
  EXPECT_EQ(base.fingerprint(other), bm25);
  other.chunker = resolve(catalog_.chunkers, {{"type", "fixed"}, {"size", 21}});
  EXPECT_NE(base.fingerprint(other), bm25);
  const KnowledgeBase elsewhere(folder_.path(), corpus_, "corpus-2", catalog_, serial_);
  EXPECT_NE(elsewhere.fingerprint(with({{"type", "bm25"}})), bm25);
  EXPECT_NE(base.fingerprint(with({{"type", "hybrid"}, {"fusion", "rrf"}, {"c", 30}})),
            base.fingerprint(with({{"type", "hybrid"}})));
}

TEST_F(KnowledgeBaseTest, KeepsPostingsWhenOnlyWeightsDiffer) {
  const KnowledgeBase base = make(serial_);
  EXPECT_EQ(base.stages(with({{"type", "bm25"}, {"k1", 0.5}}))[1].fingerprint,
            base.stages(with({{"type", "bm25"}}))[1].fingerprint);
  EXPECT_NE(base.stages(with({{"type", "bm25"}, {"analyzer", "bigram"}}))[1].fingerprint,
            base.stages(with({{"type", "bm25"}}))[1].fingerprint);
}

TEST_F(KnowledgeBaseTest, BuildsAnIndexOnceForAllItsSearchOptions) {
  KnowledgeBase base = make(serial_);
  const auto searching = [&](int ef_search) {
    RetrievalConfig config = with({{"type", "dense"}});
    config.index = resolve(catalog_.indexes, {{"type", "hnsw"}, {"ef_search", ef_search}});
    return config;
  };
  EXPECT_EQ(artifact(base, searching(8), "index"), artifact(base, searching(9), "index"));
  EXPECT_NE(base.fingerprint(searching(8)), base.fingerprint(searching(9)));
  RetrievalConfig hybrid = with({{"type", "hybrid"}});
  hybrid.index = searching(100).index;
  const std::string fingerprint = base.fingerprint(hybrid);
  hybrid.index = searching(101).index;
  EXPECT_NE(base.fingerprint(hybrid), fingerprint);
  EXPECT_EQ(&base.index(config_.chunker, config_.embedder, searching(8).index),
            &base.index(config_.chunker, config_.embedder, searching(8).index));
  EXPECT_NE(&base.index(config_.chunker, config_.embedder, searching(8).index),
            &base.index(config_.chunker, config_.embedder, searching(9).index));
}

TEST_F(KnowledgeBaseTest, NamesUserDictionariesByTheirContent) {
  const std::string one = folder_.write("one.txt", "风登 5\n").string();
  const std::string same = folder_.write("same.txt", "风登 5\n").string();
  const std::string other = folder_.write("other.txt", "风登\n").string();
  const KnowledgeBase base = make(serial_);
  const auto bm25 = [&](const std::string& file) {
    return base.fingerprint(with({{"type", "bm25"}, {"user_dictionary", file}}));
  };
  EXPECT_EQ(bm25(one), bm25(same));
  EXPECT_NE(bm25(one), bm25(other));
  EXPECT_NE(bm25(one), base.fingerprint(with({{"type", "bm25"}})));
  const auto hybrid = [&](const std::string& file) {
    return base.fingerprint(
        with({{"type", "hybrid"},
              {"parts", {{{"type", "bm25"}, {"user_dictionary", file}}, {{"type", "dense"}}}}}));
  };
  EXPECT_EQ(hybrid(one), hybrid(same));
  EXPECT_NE(hybrid(one), hybrid(other));
  const auto dense = [&](const std::string& file) {
    RetrievalConfig config = with({{"type", "dense"}});
    config.embedder =
        resolve(catalog_.embedders,
                {{"type", "lsa"}, {"analyzer", "jieba_search"}, {"user_dictionary", file}});
    return base.fingerprint(config);
  };
  EXPECT_EQ(dense(one), dense(same));
  EXPECT_NE(dense(one), dense(other));
}

TEST_F(KnowledgeBaseTest, FindsByTheWordsOfAUserDictionary) {
  // 风登 crosses the words 台风 and 登陆, so that only with it in the dictionary it is a word.
  const std::string file = folder_.write("user.txt", "风登 100000000\n").string();
  KnowledgeBase base = make(serial_);
  EXPECT_TRUE(retrieve(base, with({{"type", "bm25"}}), "风登").empty());
  const Json bm25 = {{"type", "bm25"}, {"user_dictionary", file}};
  EXPECT_FALSE(retrieve(base, with(bm25), "风登").empty());
  RetrievalConfig dense = with({{"type", "dense"}});
  dense.embedder =
      resolve(catalog_.embedders, {{"type", "lsa"}, {"dim", 8}, {"user_dictionary", file}});
  EXPECT_FALSE(retrieve(base, dense, "风登").empty());
}

TEST_F(KnowledgeBaseTest, RefusesAUserDictionaryThatChangedAfterItWasNamed) {
  const std::string file = folder_.write("user.txt", "风登\n").string();
  const RetrievalConfig bm25 = with({{"type", "bm25"}, {"user_dictionary", file}});
  folder_.write("user.txt", "登陆沿海\n");
  KnowledgeBase base = make(serial_);
  EXPECT_ERROR(base.open(bm25), ErrorCode::kInvalidData, "should have SHA-256");
}

TEST_F(KnowledgeBaseTest, RebuildsDamagedArtifacts) {
  const RetrievalConfig hybrid = with({{"type", "hybrid"}});
  std::vector<Hit> hits;
  std::vector<std::filesystem::path> files;
  {
    KnowledgeBase base = make(serial_);
    hits = retrieve(base, hybrid);
    for (const auto& [kind, name] :
         {std::pair{"chunks", "chunks.bin"}, std::pair{"bm25", "postings.bin"},
          std::pair{"embedder", "model.bin"}, std::pair{"vectors", "vectors.f32"}}) {
      files.push_back(artifact(base, hybrid, kind) / name);
    }
  }
  for (const std::filesystem::path& file : files) {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
    KnowledgeBase truncated = make(serial_);
    EXPECT_EQ(retrieve(truncated, hybrid), hits) << file;
    {
      std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
      stream.seekp(40);
      stream.write("\xff\xff\xff\xff", 4);
    }
    KnowledgeBase flipped = make(serial_);
    EXPECT_EQ(retrieve(flipped, hybrid), hits) << file;
  }
}

TEST_F(KnowledgeBaseTest, RebuildsAnArtifactThatDoesNotLoadThoughItsManifestFits) {
  const RetrievalConfig bm25 = with({{"type", "bm25"}});
  KnowledgeBase base = make(serial_);
  const std::vector<Hit> hits = retrieve(base, bm25);
  // As if the file were too large to be hashed: the manifest agrees with what stands there.
  const std::filesystem::path folder = artifact(base, bm25, "bm25");
  std::string postings = read_file(folder / "postings.bin");
  Json manifest = read_json_file(folder / "manifest.json", ErrorCode::kInvalidData);
  postings[40] = '\x7f';  // Number of arrays.
  write_file_atomically(folder / "postings.bin", postings);
  manifest["files"][0]["sha256"] = sha256_hex(postings);
  write_file_atomically(folder / "manifest.json", manifest.dump());
  KnowledgeBase again = make(serial_);
  EXPECT_EQ(retrieve(again, bm25), hits);
}

TEST_F(KnowledgeBaseTest, RefusesAnEmptyCorpusAndACorpusWithoutChunks) {
  corpus_ = Corpus();
  KnowledgeBase empty = make(serial_);
  EXPECT_ERROR(empty.open(with({{"type", "bm25"}})), ErrorCode::kInvalidData,
               "the corpus is empty");
  corpus_ = make_corpus({" ", "　"});
  config_.chunker = resolve(catalog_.chunkers, {{"type", "sentence"}});
  KnowledgeBase blank = make(serial_);
  EXPECT_ERROR(blank.open(with({{"type", "bm25"}})), ErrorCode::kInvalidData, "makes no chunk");
}

}  // namespace
}  // namespace crudbench
