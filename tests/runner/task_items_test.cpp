#include "harness/runner/task_items.h"

#include <algorithm>
#include <future>

#include "harness/runner/builtin_catalog.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

TEST(ItemIds, WaitsForAnIdThatIsNotKnownYet) {
  ItemIds ids;
  ids.expect(3, {0, 3});
  ids.append(std::vector<std::int64_t>{7});
  EXPECT_EQ(ids.at(0), 7);
  auto last = std::async(std::launch::async, [&ids] { return ids.at(2); });
  ids.append(std::vector<std::int64_t>{8});
  EXPECT_EQ(last.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  ids.append(std::vector<std::int64_t>{9});
  EXPECT_EQ(last.get(), 9);
  EXPECT_EQ(ids.at(1), 8);
}

TEST(ItemIds, KnowsWhatAnotherShardHolds) {
  ItemIds ids;
  ids.expect(4, {1, 3});
  ids.append(std::vector<std::int64_t>{5, 6});
  EXPECT_EQ(ids.at(0), ItemIds::kNotHere);
  EXPECT_EQ(ids.at(3), ItemIds::kNotHere);
  EXPECT_EQ(ids.at(1), 5);
}

TEST(ItemIds, TellsWhoWaitsWhyThereIsNone) {
  ItemIds ids;
  ids.expect(2, {0, 2});
  ids.append(std::vector<std::int64_t>{7});
  auto last = std::async(std::launch::async, [&ids] { return ids.at(1); });
  ids.fail(std::make_exception_ptr(Error(ErrorCode::kIo, "disk full")));
  EXPECT_ERROR(last.get(), ErrorCode::kIo, "disk full");
  EXPECT_ERROR(ids.at(1), ErrorCode::kIo, "disk full");
  EXPECT_EQ(ids.at(0), 7) << "it is stored";
}

class ItemKeeperTest : public ::testing::Test {
 protected:
  ItemKeeperTest() {
    dataset_.samples_fingerprint = "s";
    dataset_.corpus_fingerprint = "c";
  }

  /// Makes it a task with samples "task/0", "task/1" and so on.
  void fill(TaskItems& items, const std::string& task, std::size_t count) {
    items.task = builtin_catalog().tasks.build({{"type", task}});
    for (std::size_t i = 0; i < count; ++i) {
      items.samples.push_back(dataset_.samples.size());
      dataset_.samples.push_back({.sample_id = task + "/" + std::to_string(i),
                                  .task = task,
                                  .fields = {{"questions", "问"}, {"answers", "答"}}});
    }
  }

  TemporaryFolder folder_;
  Workspace workspace_{folder_.path()};
  Dataset dataset_;
};

TEST_F(ItemKeeperTest, StoresTaskByTaskInTheOrderOfTheData) {
  constexpr std::size_t kCount = 600;  // Several transactions.
  TaskItems first;
  fill(first, "questanswer_1doc", kCount);
  TaskItems second;
  fill(second, "questanswer_2docs", 3);
  Store store(workspace_, Database::Mode::kReadWrite);
  const ItemKeeper keeper(
      store, dataset_,
      {{.items = &first, .range = {0, kCount}}, {.items = &second, .range = {1, 3}}});
  EXPECT_EQ(second.ids.at(0), ItemIds::kNotHere);
  const std::int64_t last = second.ids.at(2);
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < kCount; ++i) {
    ids.push_back(first.ids.at(i));
  }
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(ids.back() - ids.front(), static_cast<std::int64_t>(kCount - 1));
  EXPECT_EQ(last, ids.back() + 2);
}

TEST_F(ItemKeeperTest, FindsItemsThatAreThere) {
  TaskItems items;
  fill(items, "questanswer_1doc", 3);
  Store store(workspace_, Database::Mode::kReadWrite);
  std::vector<std::vector<std::int64_t>> ids;
  for (int round = 0; round < 2; ++round) {
    const ItemKeeper keeper(store, dataset_, {{.items = &items, .range = {0, 3}}});
    ids.push_back({items.ids.at(0), items.ids.at(1), items.ids.at(2)});
  }
  EXPECT_EQ(ids[0], ids[1]);
}

TEST_F(ItemKeeperTest, SaysThatItemsCannotBeStored) {
  TaskItems first;
  fill(first, "questanswer_1doc", 3);
  TaskItems second;
  fill(second, "questanswer_2docs", 3);
  static_cast<void>(Store(workspace_, Database::Mode::kReadWrite));
  Store store(workspace_, Database::Mode::kReadOnly);
  const ItemKeeper keeper(
      store, dataset_, {{.items = &first, .range = {0, 3}}, {.items = &second, .range = {0, 3}}});
  EXPECT_ERROR(first.ids.at(0), ErrorCode::kIo, "database");
  EXPECT_ERROR(second.ids.at(2), ErrorCode::kIo, "database");
}

}  // namespace
}  // namespace crudbench
