#include <map>
#include <mutex>

#include "harness/core/random.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/runner.h"
#include "harness/runner/thread_pool.h"
#include "harness/store/integrity.h"
#include "tests/fakes/answering_generator.h"
#include "tests/fakes/faulty_vfs.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::AnsweringGenerator;
using testing_support::DiskFault;
using testing_support::FaultyVfs;
using testing_support::source_root;
using testing_support::TemporaryFolder;

class Silent final : public RunListener {
 public:
  void run_started(const PlannedRun&, std::size_t, std::size_t) override {}
  void sample_finished(const PlannedRun&, const SampleRecord&) override {}
  void judging_started(const PlannedRun&, const std::string&, std::size_t) override {}
  void sample_judged(const PlannedRun&) override {}
  void run_finished(const PlannedRun&, const RunProgress&) override {}
};

/// Two small runs with a generator whose requests are counted, on a disk that fails.
class DurabilityTest : public ::testing::Test {
 protected:
  DurabilityTest() : catalog_(builtin_catalog()), pool_(2) {
    catalog_.generators.add(
        "counted", {.summary = "counts what it is asked",
                    .example = {{"type", "counted"}},
                    .check = [](Options&) {},
                    .make =
                        [this](Options&, const GeneratorParts&) {
                          return std::make_unique<AnsweringGenerator>([this](const Prompt& prompt) {
                            ++asked_[prompt.text];
                            return Reply{.text = "<response>" + prompt.sample_id + "</response>"};
                          });
                        },
                    .costly = true});
    const std::string sample = (source_root() / "datasets" / "sample").string();
    experiment_ = parse_experiment({{"experiment", "test"},
                                    {"dataset",
                                     {{"type", "crud_rag"},
                                      {"samples", sample + "/samples.json"},
                                      {"corpus", sample + "/corpus"},
                                      {"tasks", {"questanswer_1doc", "event_summary"}},
                                      {"kb", "gold_augmented"}}},
                                    {"retriever", {{"type", "bm25"}, {"top_k", 2}}},
                                    {"generator", {{"type", "counted"}}},
                                    {"metrics", {"rouge", "retrieval"}}},
                                   "test.json", "/", {}, catalog_);
    dataset_ = catalog_.datasets.build(experiment_.dataset)->read(pool_);
  }

  /// Runs what is left to do; false if the disk failed.
  bool run(const Workspace& workspace) {
    try {
      Store store(workspace, Database::Mode::kReadWrite);
      Silent listener;
      run_experiment(experiment_, dataset_, catalog_, store, workspace, pool_, {}, listener, {});
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
      return false;
    }
  }

  /// Every sample's fate, prediction and scores, as one text.
  static std::string digest(const Workspace& workspace) {
    const Store store(workspace, Database::Mode::kReadOnly);
    std::string text;
    for (const RunRecord& run : store.runs()) {
      text += run.fingerprint + "\n";
      store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
        text += sample.sample_id + " " + sample.prediction + " " + to_text(sample.scores) + "\n";
      });
    }
    return text;
  }

  /// How many of the prompts that `completed` had asked were asked again.
  int repeated(const std::map<std::string, int>& before, std::int64_t completed) const {
    int count = 0;
    for (const auto& [prompt, times] : asked_) {
      const auto found = before.find(prompt);
      count += found != before.end() && times > found->second ? 1 : 0;
    }
    return count - static_cast<int>(static_cast<std::int64_t>(before.size()) - completed);
  }

  static std::int64_t completions(const Workspace& workspace) {
    if (!std::filesystem::exists(workspace.database_file())) {
      return 0;
    }
    try {
      return Store(workspace, Database::Mode::kReadOnly).completion_totals().count;
    } catch (const Error&) {  // The disk failed before the tables were there.
      return 0;
    }
  }

  TemporaryFolder folder_;
  std::map<std::string, int> asked_;  ///< By prompt; only one generator runs at a time.
  Catalog catalog_;
  ThreadPool pool_;
  Experiment experiment_;
  Dataset dataset_;
};

TEST_F(DurabilityTest, AsksNothingWhereItemsCannotBeStored) {
  const Workspace workspace{folder_.path() / "workspace"};
  static_cast<void>(Store(workspace, Database::Mode::kReadWrite));
  Database(workspace.database_file(), Database::Mode::kReadWrite)
      .execute(
          "CREATE TRIGGER no_room BEFORE INSERT ON items BEGIN SELECT RAISE(ABORT, 'no room'); "
          "END");
  EXPECT_FALSE(run(workspace));
  EXPECT_TRUE(asked_.empty()) << "answers would have been paid for and lost";
}

TEST_F(DurabilityTest, LosesNothingWhenTheDiskFails) {
  FaultyVfs vfs;
  const Workspace undisturbed{folder_.path() / "undisturbed"};
  ASSERT_TRUE(run(undisturbed));
  const std::size_t operations = vfs.operations();
  const std::string expected = digest(undisturbed);
  Random random(6);
  for (const DiskFault fault : {DiskFault::kFull, DiskFault::kIoError}) {
    for (int i = 0; i < 12; ++i) {
      const Workspace workspace{folder_.path() /
                                (std::to_string(static_cast<int>(fault)) + std::to_string(i))};
      asked_.clear();
      vfs.fail_after(1 + random.below(operations), fault);
      const bool finished = run(workspace);
      vfs.repair();
      EXPECT_TRUE(!finished || !vfs.has_failed() || digest(workspace) == expected);
      const std::map<std::string, int> before = asked_;
      const std::int64_t completed = completions(workspace);
      ASSERT_TRUE(run(workspace));
      EXPECT_EQ(digest(workspace), expected);
      EXPECT_LE(repeated(before, completed), 0) << "a completed request was sent again";
      EXPECT_TRUE(check_database(workspace).empty());
    }
  }
}

TEST_F(DurabilityTest, SurvivesAPowerCutWithAWholeDatabase) {
  FaultyVfs vfs;
  const Workspace undisturbed{folder_.path() / "undisturbed"};
  ASSERT_TRUE(run(undisturbed));
  const std::string expected = digest(undisturbed);
  const std::size_t operations = vfs.operations();
  Random random(7);
  for (int i = 0; i < 8; ++i) {
    const Workspace running{folder_.path() / ("running" + std::to_string(i))};
    const Workspace after{folder_.path() / ("after" + std::to_string(i))};
    vfs.fail_after(1 + random.below(operations), DiskFault::kIoError);
    run(running);
    vfs.cut_power(running.database_file(), after.folder);
    vfs.repair();
    if (std::filesystem::exists(after.database_file())) {
      EXPECT_TRUE(check_database(after).empty());
    }
    ASSERT_TRUE(run(after));
    EXPECT_EQ(digest(after), expected);
  }
}

TEST_F(DurabilityTest, TellsTheSecondProcessWhoIsThere) {
  const Workspace workspace{folder_.path()};
  const WorkspaceLock first(workspace);
  EXPECT_ERROR(WorkspaceLock second(workspace), ErrorCode::kIo, "is in use by process");
}

}  // namespace
}  // namespace crudbench
