#include "harness/runner/rehearsal.h"

#include <filesystem>
#include <optional>

#include "harness/runner/builtin_catalog.h"
#include "harness/runner/thread_pool.h"
#include "harness/store/store.h"
#include "retrievers/artifact_store.h"
#include "retrievers/knowledge_base.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing_support::source_root;
using testing_support::TemporaryFolder;

class RehearsalTest : public ::testing::Test {
 protected:
  RehearsalTest() : pool_(2) {}

  /// Reads the experiment's data and plans it over the knowledge bases of `folder_`.
  void plan(const Json& changes = Json::object()) {
    const std::string sample = (source_root() / "datasets" / "sample").string();
    Json config = {{"experiment", "test"},
                   {"dataset",
                    {{"type", "crud_rag"},
                     {"samples", sample + "/samples.json"},
                     {"corpus", sample + "/corpus"},
                     {"tasks", {"questanswer_1doc", "event_summary"}},
                     {"kb", "gold_augmented"}}},
                   {"chunker", {{"type", "sentence"}, {"size", {64, 128}}}},
                   {"retriever", {{"type", "bm25"}, {"top_k", {2, 4}}}},
                   {"generator", {{"type", "extractive"}}},
                   {"metrics", {"rouge"}}};
    config.update(changes);
    experiment_.emplace(parse_experiment(config, "test.json", "/", {}, catalog_));
    dataset_.emplace(catalog_.datasets.build(experiment_->dataset)->read(pool_));
    base_.emplace(root(), dataset_->corpus, dataset_->corpus_fingerprint, catalog_, pool_);
    plan_.emplace(make_plan(*experiment_, *dataset_, catalog_, *base_, nullptr));
  }

  Effort rehearsed() { return rehearse(*experiment_, *dataset_, catalog_, *plan_, *base_, pool_); }

  std::filesystem::path root() const { return folder_.path() / "kb"; }

  const Catalog& catalog_ = builtin_catalog();
  TemporaryFolder folder_;
  ThreadPool pool_;
  std::optional<Experiment> experiment_;
  std::optional<Dataset> dataset_;
  std::optional<KnowledgeBase> base_;
  std::optional<Plan> plan_;
};

TEST_F(RehearsalTest, FindsTheSizeOfEveryArtifactOfASmallCorpus) {
  plan();
  const Effort effort = rehearsed();
  EXPECT_THAT(effort.untimed, IsEmpty());
  EXPECT_GT(effort.build_seconds, 0.0);
  EXPECT_GT(effort.search_seconds, 0.0);
  EXPECT_GT(effort.answer_seconds, 0.0);
  EXPECT_GT(effort.store_bytes, 0.0);
  EXPECT_FALSE(std::filesystem::exists(root())) << "a plan builds nothing that stays";
  for (const PlannedRetrieval& retrieval : plan_->retrievals) {
    base_->open(experiment_->cells[retrieval.cells.front()].retrieval);
  }
  const std::vector<StoredArtifact> built = ArtifactStore(root()).list();
  ASSERT_EQ(built.size(), plan_->stages.size());
  double bytes = 0.0;
  for (const StoredArtifact& artifact : built) {
    const auto stage = effort.stages.find(artifact.fingerprint);
    ASSERT_NE(stage, effort.stages.end()) << artifact.kind;
    // The extract is the whole corpus here; manifests name other fingerprints of the same length.
    EXPECT_NEAR(stage->second.bytes, static_cast<double>(artifact.size_bytes), 64) << artifact.kind;
    bytes += stage->second.bytes;
  }
  EXPECT_DOUBLE_EQ(effort.artifact_bytes, bytes);
}

TEST_F(RehearsalTest, CountsOnlyWhatIsNotBuilt) {
  plan();
  base_->open(experiment_->cells.front().retrieval);
  plan();
  const Effort effort = rehearsed();
  EXPECT_EQ(effort.stages.size(), 2U) << "chunks and words of the other size";
  for (const KnowledgeBaseStage& stage : plan_->stages) {
    EXPECT_NE(stage.cached, effort.stages.contains(stage.fingerprint)) << stage.kind;
  }
}

TEST_F(RehearsalTest, CountsTheEmbedderOfAMetric) {
  plan({{"metrics", {"similarity"}}});
  const double with_metric = rehearsed().artifact_bytes;
  plan();
  EXPECT_GT(with_metric, rehearsed().artifact_bytes);
}

TEST_F(RehearsalTest, AsksNobodyAndSaysSo) {
  const Json nobody = {{"type", "openai"}, {"base_url", "http://127.0.0.1:1/v1"}, {"model", "m"}};
  plan({{"generator", nobody}});
  const Effort answers = rehearsed();
  EXPECT_THAT(answers.untimed, Contains(HasSubstr("answers")));
  EXPECT_EQ(answers.answer_seconds, 0.0);
  EXPECT_GT(answers.build_seconds, 0.0);

  plan({{"embedder", nobody}, {"retriever", {{"type", "dense"}}}});
  const Effort vectors = rehearsed();
  EXPECT_THAT(vectors.untimed, Contains(HasSubstr("knowledge bases")));
  EXPECT_EQ(vectors.seconds(), 0.0);
}

TEST_F(RehearsalTest, DoesNothingForAPlanThatIsDone) {
  plan();
  for (PlannedRun& run : plan_->runs) {
    run.progress.ok = static_cast<std::int64_t>(run.sample_count);
  }
  const Effort effort = rehearsed();
  EXPECT_EQ(effort.seconds(), 0.0);
  EXPECT_EQ(effort.bytes(), 0.0);
}

TEST_F(RehearsalTest, GrowsWithTheSamplesThatAreLeft) {
  plan();
  const double all = rehearsed().store_bytes;
  for (PlannedRun& run : plan_->runs) {
    run.sample_count *= 100;
  }
  EXPECT_GT(rehearsed().store_bytes, 20 * all);
}

}  // namespace
}  // namespace crudbench
