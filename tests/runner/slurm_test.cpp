#include "harness/runner/slurm.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing_support::TemporaryFolder;

SlurmSweep sweep() {
  return {.program = "/opt/crudbench",
          .config = "/home/me/it's mine.json",
          .overrides = {"/retriever/top_k=[2,4]"},
          .folder = "/data/sweep",
          .experiment = "e",
          .shard_count = 8,
          .nodes = 3,
          .sbatch_options = {{"partition", "long"}, {"exclusive", ""}}};
}

TEST(ArrayRanges, JoinNeighbours) {
  EXPECT_EQ(array_ranges({1, 2, 3, 7}), "1-3,7");
  EXPECT_EQ(array_ranges({2}), "2");
  EXPECT_EQ(array_ranges({1, 3, 5, 6}), "1,3,5-6");
}

TEST(ShardScript, RunsTheShardOfTheArray) {
  const std::string script = shard_script(sweep(), {1, 2, 5});
  EXPECT_THAT(script, HasSubstr("#SBATCH --array=\"1-2,5%3\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --partition=\"long\"\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --exclusive\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --requeue\n"));
  EXPECT_THAT(script,
              HasSubstr("'/opt/crudbench' run '/home/me/it'\\''s mine.json' --set "
                        "'/retriever/top_k=[2,4]' --shard \"$SLURM_ARRAY_TASK_ID\"/8 --workspace "
                        "'/data/sweep/shards'/\"$SLURM_ARRAY_TASK_ID\" --kb '/data/sweep/kb'"));
  EXPECT_THAT(script, HasSubstr("scontrol requeue"));
}

TEST(KnowledgeBaseScript, BuildsIntoTheSharedFolder) {
  const std::string script = knowledge_base_script(sweep());
  EXPECT_THAT(script, HasSubstr("'/opt/crudbench' kb build '/home/me/it'\\''s mine.json'"));
  EXPECT_THAT(script, HasSubstr("--kb '/data/sweep/kb'"));
  EXPECT_THAT(script, Not(HasSubstr("--array")));
}

TEST(MergeScript, JoinsAllShardsAndMakesTheReport) {
  const std::string script = merge_script(sweep());
  EXPECT_THAT(script, HasSubstr(" '/data/sweep/shards/8' -o '/data/sweep/workspace'\n"));
  EXPECT_THAT(script, HasSubstr("report '/data/sweep/workspace' -o '/data/sweep/report'\n"));
}

TEST(BatchScripts, RefuseWhatADirectiveCannotHold) {
  SlurmSweep broken = sweep();
  broken.sbatch_options["comment"] = "a\nrm -rf /";
  EXPECT_ERROR(merge_script(broken), ErrorCode::kInvalidConfig, "cannot stand in a batch script");
}

TEST(SlurmRecord, IsReadBack) {
  const TemporaryFolder folder;
  const Json record = slurm_record(sweep(), {{.kind = "kb", .job_id = "7"}});
  std::vector<SlurmJob> jobs;
  const SlurmSweep read = read_slurm_record(record, (folder.path() / "slurm.json").string(), jobs);
  EXPECT_EQ(read.config, sweep().config);
  EXPECT_EQ(read.overrides, sweep().overrides);
  EXPECT_EQ(read.shard_count, 8U);
  EXPECT_EQ(read.folder, folder.path());
  ASSERT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs[0].job_id, "7");
}

TEST(SlurmRecord, RefusesAnotherFile) {
  std::vector<SlurmJob> jobs;
  EXPECT_ERROR(read_slurm_record(Json::object(), "x.json", jobs), ErrorCode::kInvalidData,
               "x.json: not the record of a sweep");
  Json record = slurm_record(sweep(), {});
  record["shards"] = -1;
  EXPECT_ERROR(read_slurm_record(record, "x.json", jobs), ErrorCode::kInvalidData,
               "x.json: /shards: expected a number");
}

TEST(QueuedShards, AreThoseOfTheSweepsArrayJobs) {
  const std::vector<SlurmJob> jobs = {{.kind = "kb", .job_id = "7"},
                                      {.kind = "shards", .job_id = "8"}};
  const auto queued =
      queued_shards("7|N/A|RUNNING\n8|1|RUNNING\n8|12|PENDING\n9|3|RUNNING\n8|N/A|x\nnoise", jobs);
  ASSERT_EQ(queued.size(), 2U);
  EXPECT_EQ(queued.at(1).state, "RUNNING");
  EXPECT_EQ(queued.at(12).state, "PENDING");
  EXPECT_EQ(queued.at(12).job_id, "8");
}

TEST(ShardProgress, IsUnknownBeforeTheShardBegins) {
  const TemporaryFolder folder;
  SlurmSweep empty = sweep();
  empty.folder = folder.path();
  const ShardProgress progress = shard_progress(empty, 1);
  EXPECT_EQ(progress.done, 0);
  EXPECT_FALSE(progress.wanted.has_value());
  EXPECT_FALSE(progress.is_complete());
}

}  // namespace
}  // namespace crudbench
