#include "harness/runner/stored_completions.h"

#include <chrono>
#include <optional>
#include <thread>

#include "tests/fakes/faulty_vfs.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::DiskFault;
using testing_support::FaultyVfs;
using testing_support::TemporaryFolder;

class StoredCompletionsTest : public ::testing::Test {
 protected:
  StoredCompletionsTest() { store_.emplace(workspace_, Database::Mode::kReadWrite); }

  static std::vector<KeyedCompletion> one(const std::string& key, const std::string& text) {
    std::vector<KeyedCompletion> completions;
    completions.push_back({.key = key, .completion = {.text = text}});
    return completions;
  }

  static SpendingRecord spent(double cost) {
    return {.experiment = "e",
            .purpose = "generation",
            .model = "m",
            .requests = 1,
            .usage = {.prompt_tokens = 5, .cached_prompt_tokens = 0, .completion_tokens = 3},
            .cost = cost,
            .currency = "USD"};
  }

  /// What another reader of the database sees.
  std::optional<std::string> committed(const std::string& key) const {
    const Store reader(workspace_, Database::Mode::kReadOnly);
    const auto found = reader.find_completion(key);
    return found ? std::optional(found->text) : std::nullopt;
  }

  TemporaryFolder folder_;
  Workspace workspace_{folder_.path()};
  std::optional<Store> store_;
};

TEST_F(StoredCompletionsTest, FindsAtOnceWhatWasInserted) {
  StoredCompletions completions(*store_);
  EXPECT_FALSE(completions.find("a"));
  completions.insert(one("a", "答"));
  ASSERT_TRUE(completions.find("a"));
  EXPECT_EQ(completions.find("a")->text, "答");
  EXPECT_FALSE(completions.find("b"));
}

TEST_F(StoredCompletionsTest, FindsWhatAnEarlierExecutionStored) {
  store_->put_completions(std::vector<CompletionRecord>{{.key = "a", .text = "答"}});
  StoredCompletions completions(*store_);
  ASSERT_TRUE(completions.find("a"));
  completions.insert(one("a", "another"));
  EXPECT_EQ(completions.find("a")->text, "答");
}

TEST_F(StoredCompletionsTest, StoresSoonWithoutBeingAsked) {
  StoredCompletions completions(*store_);
  completions.insert(one("a", "答"));
  while (!committed("a")) {  // The test's time-out waits.
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_F(StoredCompletionsTest, StoresWhatSamplesNameWithThem) {
  const auto items = store_->put_items(
      "samples", "corpus", std::vector<ItemRecord>{{.task = "event_summary", .sample_id = "a"}});
  const std::int64_t run = store_->put_run(
      {.fingerprint = "f", .cell_fingerprint = "c", .task = "event_summary", .sample_count = 1});
  StoredCompletions completions(*store_);
  completions.insert(one("k", "答"));
  completions.put_samples(run,
                          std::vector<SampleRecord>{{.item_id = items[0], .completion_key = "k"}});
  const Store reader(workspace_, Database::Mode::kReadOnly);
  int seen = 0;
  reader.visit_samples(run, [&](const ItemRecord&, SampleRecord&& sample) {
    EXPECT_EQ(sample.reply, "答");
    ++seen;
  });
  EXPECT_EQ(seen, 1);
}

TEST_F(StoredCompletionsTest, AddsUpWhatIsCharged) {
  StoredCompletions completions(*store_);
  completions.charge(spent(0.5));
  completions.charge(spent(0.25));
  completions.insert(one("a", "答"));
  completions.charge(spent(1.0));
  completions.flush();
  const auto spending = store_->spending("e");
  ASSERT_EQ(spending.size(), 1U);
  EXPECT_EQ(spending[0].requests, 3);
  EXPECT_EQ(spending[0].usage, (Usage{15, 0, 9}));
  EXPECT_DOUBLE_EQ(spending[0].cost, 1.75);
}

TEST_F(StoredCompletionsTest, TakesNothingOldWhereItRefreshes) {
  store_->put_completions(std::vector<CompletionRecord>{{.key = "a", .text = "old"}});
  StoredCompletions completions(*store_, true);
  EXPECT_FALSE(completions.find("a"));
  completions.insert(one("a", "new"));
  EXPECT_EQ(completions.find("a")->text, "new");
  EXPECT_EQ(committed("a"), "new");
}

TEST_F(StoredCompletionsTest, StoresTheRestAtItsEnd) {
  {
    StoredCompletions completions(*store_);
    completions.charge(spent(0.5));
    completions.insert(one("a", "答"));
  }
  EXPECT_EQ(committed("a"), "答");
  EXPECT_EQ(store_->spending("e").size(), 1U);
}

TEST_F(StoredCompletionsTest, KeepsEveryAnswerOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 300;
  StoredCompletions completions(*store_);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          const std::string key = std::to_string(thread) + "/" + std::to_string(i);
          completions.charge(spent(0.0));
          completions.insert(one(key, key));
          if (i % 50 == 0) {
            EXPECT_EQ(completions.find(key)->text, key);
          }
        }
      });
    }
  }
  completions.flush();
  EXPECT_EQ(store_->completion_totals().count, kThreads * kEach);
  EXPECT_EQ(store_->spending("e").at(0).requests, kThreads * kEach);
}

TEST_F(StoredCompletionsTest, ThrowsWhatTheDiskRefused) {
  store_.reset();
  FaultyVfs vfs;
  Store store(workspace_, Database::Mode::kReadWrite);
  StoredCompletions completions(store);
  vfs.fail_after(1, DiskFault::kFull);
  completions.insert(one("a", "答"));
  EXPECT_ERROR(completions.flush(), ErrorCode::kIo, "full");
  EXPECT_ERROR(completions.insert(one("b", "答")), ErrorCode::kIo, "full");
  EXPECT_ERROR(completions.find("a"), ErrorCode::kIo, "full");
  EXPECT_ERROR(completions.put_samples(1, {}), ErrorCode::kIo, "full");
  vfs.repair();
}

}  // namespace
}  // namespace crudbench
