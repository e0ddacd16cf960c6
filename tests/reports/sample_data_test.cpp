#include "reports/sample_data.h"

#include <gtest/gtest.h>

#include "tests/reports/page_parts.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::SizeIs;

TestRun run_with(std::size_t count) {
  TestRun run;
  for (std::size_t i = 0; i < count; ++i) {
    run.samples.push_back({"s" + std::to_string(1000 + i), {{"rouge_l", 0.25}}});
  }
  return run;
}

TEST(ChooseItems, TakesAllWithinTheLimit) {
  ReportStore store;
  const std::int64_t run_id = store.add(run_with(5));
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 5, 10);
  EXPECT_THAT(choice.item_ids, SizeIs(5));
  EXPECT_EQ(choice.total_count, 5U);
}

TEST(ChooseItems, SpreadsItsChoiceEvenly) {
  ReportStore store;
  const std::int64_t run_id = store.add(run_with(10));
  const ItemChoice all = choose_items(store.store(), {&run_id, 1}, 10, 10);
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 4, 10);
  EXPECT_THAT(choice.item_ids,
              ElementsAre(all.item_ids[0], all.item_ids[2], all.item_ids[5], all.item_ids[7]));
  EXPECT_EQ(choice.total_count, 10U);
}

TEST(ItemFile, HoldsItemsInTheOrderOfTheChoice) {
  ReportStore store;
  const std::int64_t run_id = store.add(run_with(3));
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 10, 10);
  const SampleFile file = item_file("items-0-0", store.store(), {&run_id, 1}, choice);
  EXPECT_EQ(payload_part(file.payload, 0), (Json{{"count", 3}, {"total", 3}}));
  EXPECT_EQ(payload_part(file.payload, 1).at(1),
            (Json{"s1001", "查询 s1001", "参考 s1001", {"news_1.txt:1"}}));
}

TEST(RunFile, SplitsSamplesIntoPages) {
  ReportStore store;
  const std::int64_t run_id = store.add(run_with(kSamplesPerPage + 1));
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 10'000, 10);
  const SampleFile file = run_file(store.store(), run_id, choice, {});
  EXPECT_EQ(file.key, "run-" + std::to_string(run_id));
  EXPECT_THAT(Json::parse(file.payload), SizeIs(3));
  EXPECT_THAT(payload_part(file.payload, 1), SizeIs(kSamplesPerPage));
  EXPECT_THAT(payload_part(file.payload, 2), SizeIs(1));
}

TEST(RunFile, HoldsWhatAReaderLooksAt) {
  ReportStore store;
  TestRun run{.samples = {{"s1", {{"rouge_l", 1.0 / 3}, {"missing_response_tag", 1.0}}},
                          {"s2", Json::object(), timeout(), ""}}};
  const std::int64_t run_id = store.add(run);
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 10, 10);
  const std::vector<std::string> metrics = {"rouge_l"};
  const SampleFile file = run_file(store.store(), run_id, choice, metrics);
  const Json index = payload_part(file.payload, 0);
  EXPECT_EQ(index.at("items"), Json({0, 1}));
  EXPECT_EQ(index.at("failed"), Json({0, 1}));
  EXPECT_EQ(index.at("format"), Json({1, 0}));
  EXPECT_EQ(index.at("metrics").at("rouge_l"), Json({0.333333, nullptr}));
  const Json first = payload_part(file.payload, 1).at(0);
  EXPECT_EQ(first.at("prediction"), "预测");
  EXPECT_EQ(first.at("hits").at(0), (Json{"news_1.txt:1", 0, 30, 1.5, 1}));
  EXPECT_FALSE(first.contains("failure"));
  const Json second = payload_part(file.payload, 1).at(1);
  EXPECT_EQ(second.at("failure"), (Json{"generation", "timeout", "no answer in 60 s"}));
}

TEST(ChooseItems, ChoosesPromptsAmongTheItems) {
  ReportStore store;
  const std::int64_t run_id = store.add(run_with(10));
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 4, 2);
  EXPECT_THAT(choice.prompted_item_ids, ElementsAre(choice.item_ids[0], choice.item_ids[2]));
}

TEST(PromptFile, HoldsPromptsAsTheyWereSent) {
  ReportStore store;
  const std::string text = "</script><script>\u2028 {\"a\": 1}\n提示";
  const std::int64_t run_id =
      store.add({.samples = {{.sample_id = "s1", .prompt = text},
                             {.sample_id = "s2"},
                             {.sample_id = "s3", .prompt = "in the store alone"}}});
  ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 10, 10);
  choice.prompted_item_ids.pop_back();
  const SampleFile file = prompt_file(store.store(), run_id, choice).value();
  EXPECT_EQ(file.key, "prompts-" + std::to_string(run_id));
  EXPECT_EQ(file.payload.find('<'), std::string::npos);
  EXPECT_EQ(payload_part(file.payload, 0), (Json{{"count", 1}}));
  EXPECT_THAT(Json::parse(file.payload), SizeIs(4));
  EXPECT_EQ(gunzip(decode_base64(Json::parse(file.payload).at(1).get<std::string>())), text);
  EXPECT_EQ(Json::parse(file.payload).at(2), "");
  EXPECT_EQ(Json::parse(file.payload).at(3), "");
  const Json page = payload_part(run_file(store.store(), run_id, choice, {}).payload, 1);
  EXPECT_EQ(page.at(0).at("request").at("prompt"), "here");
  EXPECT_EQ(page.at(1).at("request").at("prompt"), "not_kept");
  EXPECT_EQ(page.at(2).at("request").at("prompt"), "in_store");
}

TEST(PromptFile, IsNotThereWithoutPrompts) {
  ReportStore store;
  const std::int64_t run_id = store.add(run_with(3));
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 10, 10);
  EXPECT_FALSE(prompt_file(store.store(), run_id, choice));
}

TEST(RunFile, LeavesOutItemsThatWereNotChosen) {
  ReportStore store;
  const std::int64_t run_id = store.add(run_with(10));
  const ItemChoice choice = choose_items(store.store(), {&run_id, 1}, 2, 10);
  EXPECT_THAT(payload_part(run_file(store.store(), run_id, choice, {}).payload, 1), SizeIs(2));
}

}  // namespace
}  // namespace crudbench
