#include "harness/runner/run_jobs.h"

#include <algorithm>
#include <numeric>

#include "harness/runner/builtin_catalog.h"
#include "harness/runner/retrieval_desk.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::Contains;
using ::testing::Not;
using testing_support::source_root;
using testing_support::TemporaryFolder;

class RunJobsTest : public ::testing::Test {
 protected:
  /// The jobs of an experiment with these generators on two tasks, cell by cell.
  RunJobs jobs(const Json& generators, const Json& metrics = {"rouge"}) {
    const std::string sample = (source_root() / "datasets" / "sample").string();
    experiment_ = parse_experiment({{"experiment", "test"},
                                    {"dataset",
                                     {{"type", "crud_rag"},
                                      {"samples", sample + "/samples.json"},
                                      {"corpus", sample + "/corpus"}}},
                                    {"retriever", {{"type", "bm25"}}},
                                    {"generator", generators},
                                    {"metrics", metrics}},
                                   "test.json", "/", {}, builtin_catalog());
    plan_ = {};
    for (std::size_t cell = 0; cell < experiment_.cells.size(); ++cell) {
      for (const char* task : {"event_summary", "hallu_modified"}) {
        plan_.runs.push_back({.cell = cell,
                              .task = task,
                              .fingerprint = std::to_string(cell) + task,
                              .retrieval_fingerprint = "r"});
      }
    }
    std::vector<std::size_t> order(plan_.runs.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    return jobs_of(experiment_, plan_, order, builtin_catalog());
  }

  static bool exclude_each_other(const Job& left, const Job& right) {
    return std::any_of(left.exclusive.begin(), left.exclusive.end(),
                       [&right](const auto& name) { return right.exclusive.contains(name); });
  }

  static Json openai(const std::string& model) {
    return {{"type", "openai"}, {"base_url", "http://127.0.0.1:1/v1"}, {"model", model}};
  }

  Experiment experiment_;
  Plan plan_;
};

TEST_F(RunJobsTest, GivesTheCoresToOneRunAtATime) {
  const RunJobs work = jobs({{"type", "extractive"}});
  ASSERT_EQ(work.jobs.size(), 2U);
  EXPECT_TRUE(exclude_each_other(work.jobs[0], work.jobs[1]));
  EXPECT_EQ(default_lanes(work.jobs), 1U);
}

TEST_F(RunJobsTest, LetsRequestsGoOnBesideWhatComputes) {
  const RunJobs work = jobs(Json::array({{{"type", "extractive"}}, openai("m")}));
  ASSERT_EQ(work.jobs.size(), 4U);
  EXPECT_FALSE(exclude_each_other(work.jobs[0], work.jobs[2]));
  EXPECT_FALSE(exclude_each_other(work.jobs[2], work.jobs[3])) << "other tasks, other prompts";
  EXPECT_EQ(default_lanes(work.jobs), 3U);
}

TEST_F(RunJobsTest, NeverPaysForOnePromptTwice) {
  const RunJobs two_models = jobs(Json::array({openai("m"), openai("n")}));
  EXPECT_FALSE(exclude_each_other(two_models.jobs[0], two_models.jobs[2]));
  jobs(openai("m"));
  plan_.runs[1].task = plan_.runs[0].task;  // As with another top_k.
  const RunJobs work = jobs_of(experiment_, plan_, {0, 1}, builtin_catalog());
  EXPECT_TRUE(exclude_each_other(work.jobs[0], work.jobs[1]));
}

TEST_F(RunJobsTest, JudgesAfterAnsweringWithoutHoldingTheGenerator) {
  const RunJobs work = jobs({{"type", "extractive"}},
                            Json::array({{{"type", "quest_eval"}, {"judge", openai("judge")}}}));
  ASSERT_EQ(work.jobs.size(), 4U);
  EXPECT_TRUE(work.parts[1].is_judging);
  EXPECT_EQ(work.jobs[1].after, 0U);
  EXPECT_FALSE(work.parts[0].is_last);
  EXPECT_TRUE(work.parts[1].is_last);
  EXPECT_FALSE(exclude_each_other(work.jobs[1], work.jobs[2])) << "the next run can be answered";
  EXPECT_TRUE(exclude_each_other(work.jobs[0], work.jobs[1])) << "they are one run";
}

TEST_F(RunJobsTest, CountsTheGeneratorOfARetrieverToo) {
  jobs({{"type", "extractive"}});
  Cell& cell = experiment_.cells.front();
  cell.retrieval.retriever = {{"type", "hyde"}, {"generator", openai("m")}};
  const RunJobs work = jobs_of(experiment_, plan_, {0, 1}, builtin_catalog());
  EXPECT_EQ(work.jobs[0].exclusive.size(), 3U) << "itself, the cores, the requests";
}

TEST_F(RunJobsTest, FindsALocalModelAtAnyDepth) {
  EXPECT_TRUE(has_local_model({{"type", "llama"}}));
  EXPECT_TRUE(has_local_model({{"type", "rerank"}, {"reranker", {{"type", "llama"}}}}));
  EXPECT_FALSE(has_local_model({{"type", "openai"}, {"model", "llama"}}));
  EXPECT_FALSE(has_local_model(nullptr));
}

TEST_F(RunJobsTest, GuessesTheSizeOfVectorsFromTheirNumberAndDimension) {
  jobs({{"type", "extractive"}});
  const Json parameters = {
      {"chunker", {{"size", 64}}}, {"embedder", {{"dim", 256}}}, {"index", {{"type", "flat"}}}};
  plan_.stages = {
      {.kind = "vectors", .fingerprint = std::string(64, 'v'), .parameters = parameters},
      {.kind = "index", .fingerprint = std::string(64, 'i'), .parameters = parameters}};
  plan_.retrievals = {{.fingerprint = "r", .stages = {0, 1}, .cells = {0}}};
  Corpus corpus;
  corpus.add_named("d", std::string(1'000'000, 'a'));
  const TemporaryFolder root;
  const std::string key = knowledge_base_key(experiment_.cells.front());
  const auto size = knowledge_base_sizes(experiment_, plan_, corpus, root.path()).at(key);
  EXPECT_GT(size, 1'000'000U / 128 * 1024) << "129 bytes of news made a chunk of 64 tokens";
  EXPECT_LT(size, 2 * 1'000'000U / 128 * 1024);
}

TEST_F(RunJobsTest, KnowsTheSizeOfWhatStandsAndGuessesThatOfWhatDoesNot) {
  jobs({{"type", "extractive"}});
  plan_.stages = {{.kind = "chunks", .fingerprint = std::string(64, 'c')},
                  {.kind = "bm25", .fingerprint = std::string(64, 'b')}};
  plan_.retrievals = {{.fingerprint = "r", .stages = {0, 1}, .cells = {0}}};
  Corpus corpus;
  corpus.add_named("d", std::string(1000, 'a'));
  const TemporaryFolder root;
  const std::string key = knowledge_base_key(experiment_.cells.front());
  EXPECT_GE(knowledge_base_sizes(experiment_, plan_, corpus, root.path()).at(key), 1000U);
  for (const KnowledgeBaseStage& stage : plan_.stages) {
    std::filesystem::create_directories(root.path() / stage.fingerprint);
    root.write(stage.fingerprint + "/data", std::string(7, 'x'));
  }
  EXPECT_EQ(knowledge_base_sizes(experiment_, plan_, corpus, root.path()).at(key), 14U);
}

}  // namespace
}  // namespace crudbench
