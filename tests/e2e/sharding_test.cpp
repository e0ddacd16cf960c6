#include <algorithm>
#include <memory>
#include <signal.h>
#include <unistd.h>

#include "harness/core/files.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// The sample experiment in three shards over one knowledge base, and in one piece.
class Sharding : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    ASSERT_EQ(crudbench({"run", sample_config(), "--workspace", path("whole")}).exit_status, 0);
    for (const char* number : {"1", "2", "3"}) {
      const ProcessResult part = run_shard(std::string(number) + "/3", path("part-", number));
      ASSERT_EQ(part.exit_status, 0) << part.errors;
    }
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string path(const std::string& name, const std::string& suffix = "") {
    return (folder_->path() / (name + suffix)).string();
  }
  static ProcessResult run_shard(const std::string& shard, const std::string& workspace) {
    return crudbench({"run", sample_config(), "--shard", shard, "--workspace", workspace, "--kb",
                      path("kb"), "--json"});
  }

  static std::unique_ptr<TemporaryFolder> folder_;
};

std::unique_ptr<TemporaryFolder> Sharding::folder_;

Json metrics_of(const std::string& workspace) {
  const Json report = Json::parse(crudbench({"report", workspace, "--format", "json"}).output);
  Json metrics = Json::array();
  for (const Json& row : report.at("tables").at(0).at("rows")) {
    for (const Json& run : row.at("runs")) {
      metrics.push_back({run.at("task"), run.at("metrics")});
    }
  }
  return metrics;
}

TEST_F(Sharding, IsMergedIntoWhatOneRunGives) {
  const ProcessResult merge = crudbench(
      {"merge", path("part-3"), path("part-1"), path("part-2"), "-o", path("merged"), "--json"});
  ASSERT_EQ(merge.exit_status, 0) << merge.errors;
  EXPECT_EQ(Json::parse(merge.output).at("samples"), 672);
  EXPECT_EQ(workspace_digest(path("merged")), workspace_digest(path("whole")));
  EXPECT_EQ(metrics_of(path("merged")), metrics_of(path("whole")));
  const ProcessResult again =
      crudbench({"run", sample_config(), "--workspace", path("merged"), "--kb", path("kb")});
  EXPECT_EQ(again.exit_status, 0);
  EXPECT_THAT(again.errors, HasSubstr("48 runs were complete already"));
}

TEST_F(Sharding, BuildsAKnowledgeBaseOnce) {
  const ProcessResult part =
      run_shard("1/3", path("late"));  // All stages stand in the shared folder by now.
  EXPECT_EQ(part.exit_status, 0) << part.errors;
  EXPECT_THAT(part.errors, ::testing::Not(HasSubstr("[kb] built")));
  EXPECT_FALSE(std::filesystem::exists(path("late") + "/kb"));
}

TEST_F(Sharding, ContinuesAShardThatWasKilled) {
  const std::string workspace = path("killed");
  Process process(program(), {"run", sample_config(), "--shard", "2/3", "--workspace", workspace,
                              "--kb", path("kb")});
  while (!std::filesystem::exists(workspace + "/crudbench.db") && !process.has_ended()) {
    ::usleep(1000);
  }
  process.signal(SIGKILL);
  process.wait();
  ASSERT_EQ(run_shard("2/3", workspace).exit_status, 0);
  EXPECT_EQ(workspace_digest(workspace), workspace_digest(path("part-2")));
}

TEST_F(Sharding, NamesAMissingPart) {
  const ProcessResult merge =
      crudbench({"merge", path("part-1"), path("part-3"), "-o", path("gap")});
  EXPECT_EQ(merge.exit_status, 3);
  EXPECT_THAT(merge.errors, HasSubstr("missing of 3 shards: 2"));
  EXPECT_FALSE(std::filesystem::exists(path("gap") + "/crudbench.db"));
  const ProcessResult partial =
      crudbench({"merge", path("part-1"), path("part-3"), "--partial", "-o", path("gap")});
  EXPECT_EQ(partial.exit_status, 0) << partial.errors;
  EXPECT_THAT(partial.output, HasSubstr("of 672 samples"));
}

TEST_F(Sharding, GivesEachShardAWorkspaceOfItsOwn) {
  const ProcessResult other = run_shard("3/3", path("part-1"));
  EXPECT_EQ(other.exit_status, 2);
  EXPECT_THAT(other.errors, HasSubstr("holds shard 1/3 of experiment 'sample', not shard 3/3"));
  EXPECT_EQ(crudbench({"run", sample_config(), "--workspace", path("part-1")}).exit_status, 2);
}

TEST_F(Sharding, IsBalancedByThePlan) {
  const Json plan = Json::parse(
      crudbench({"plan", sample_config(), "--workspace", path("whole"), "--shards", "3", "--json"})
          .output);
  ASSERT_EQ(plan.at("shards").size(), 3U);
  std::int64_t samples = 0;
  std::vector<double> costs;
  for (const Json& shard : plan.at("shards")) {
    samples += shard.at("samples").get<std::int64_t>();
    costs.push_back(shard.at("cost").get<double>());
  }
  EXPECT_EQ(samples, 672);
  EXPECT_LT(*std::max_element(costs.begin(), costs.end()),
            1.05 * *std::min_element(costs.begin(), costs.end()));
}

}  // namespace
}  // namespace crudbench
