#include "reports/routing.h"

#include <cmath>

#include "tests/reports/report_store.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using Counts = std::vector<std::uint64_t>;

TEST(LayerBalance, IsOneForEqualShares) {
  const auto balance = layer_balance(Counts{5, 5, 5, 5});
  ASSERT_TRUE(balance);
  EXPECT_DOUBLE_EQ(balance->entropy, 1.0);
  EXPECT_DOUBLE_EQ(balance->max_share, 0.25);
  EXPECT_EQ(balance->active_count, 4U);
}

TEST(LayerBalance, FallsWithUnevenShares) {
  // Shares 1/2, 1/4, 1/4, 0: 0.5 + 0.5 + 0.5 = 1.5 of 2 bits.
  const auto balance = layer_balance(Counts{4, 2, 2, 0});
  ASSERT_TRUE(balance);
  EXPECT_DOUBLE_EQ(balance->entropy, 0.75);
  EXPECT_DOUBLE_EQ(balance->max_share, 0.5);
  EXPECT_EQ(balance->active_count, 3U);
  EXPECT_DOUBLE_EQ(layer_balance(Counts{0, 9, 0, 0})->entropy, 0.0);
}

TEST(LayerBalance, IsAbsentWithoutChoices) {
  EXPECT_FALSE(layer_balance(Counts{0, 0}));
}

TEST(JensenShannon, IsZeroForEqualSharesAndOneForNoneInCommon) {
  EXPECT_DOUBLE_EQ(*jensen_shannon(Counts{1, 3}, Counts{10, 30}), 0.0);
  EXPECT_DOUBLE_EQ(*jensen_shannon(Counts{1, 0}, Counts{0, 7}), 1.0);
  EXPECT_FALSE(jensen_shannon(Counts{0, 0}, Counts{0, 7}));
}

TEST(JensenShannon, IsWorkedOutByHand) {
  // (1, 0) against (1/2, 1/2): middle (3/4, 1/4) has 0.811278 bits, the two 0 and 1: 0.811278 -
  // 0.5.
  EXPECT_NEAR(*jensen_shannon(Counts{4, 0}, Counts{3, 3}), 0.311278, 1e-6);
}

TEST(CacheHitRate, SumsThePlacesWithinTheCache) {
  // Ten choices: three at the first place, two at the second, one at the third, four first ones.
  const Counts ranks{3, 2, 1, 4};
  EXPECT_DOUBLE_EQ(*cache_hit_rate(ranks, 1), 0.3);
  EXPECT_DOUBLE_EQ(*cache_hit_rate(ranks, 2), 0.5);
  EXPECT_DOUBLE_EQ(*cache_hit_rate(ranks, 3), 0.6);
  EXPECT_DOUBLE_EQ(*cache_hit_rate(ranks, 9), 0.6);
  EXPECT_FALSE(cache_hit_rate(Counts{0, 0}, 1));
}

RoutingRecord record_of(const Counts& prompt, const Counts& answer) {
  RoutingRecord record(2, 2, 1);
  record.prompt.counts = prompt;
  record.answer.counts = answer;
  record.answer.tokens = 2;
  record.answer.recency_ranks = {1, 1, 2};
  return record;
}

TEST(RoutingDivergence, IsTheMeanOverLayersThatBothUsed) {
  // Layer 0: none in common, 1 bit. Layer 1: the prompt has no choices.
  const RoutingRecord record = record_of({4, 0, 0, 0}, {0, 2, 1, 1});
  EXPECT_DOUBLE_EQ(*routing_divergence(record, record.prompt, record.answer), 1.0);
}

TEST(RoutingJson, ComparesTasks) {
  const std::map<std::string, RunRouting> by_task{
      {"event_summary", {.sum = record_of({1, 1, 1, 1}, {1, 0, 1, 0}), .sample_count = 3}},
      {"hallu_modified", {.sum = record_of({1, 1, 1, 1}, {0, 1, 1, 0}), .sample_count = 4}}};
  const Json json = routing_json(by_task);
  EXPECT_EQ(json.at("experts"), 2);
  const Json& task = json.at("tasks").at("event_summary");
  EXPECT_EQ(task.at("samples"), 3);
  EXPECT_EQ(task.at("answer").at("counts"), Json({{1, 0}, {1, 0}}));
  EXPECT_EQ(task.at("answer").at("active_fraction"), 0.5);
  EXPECT_EQ(task.at("answer").at("cache_hit_rates").at("lru"), Json({0.25, 0.5}));
  const Json& between = json.at("task_divergence").at("event_summary").at("hallu_modified");
  EXPECT_EQ(between.at("prompt"), 0.0);
  EXPECT_EQ(between.at("answer"), 0.5);  // Layer 0: 1 bit, layer 1: 0.
  EXPECT_TRUE(routing_json({}).is_null());
}

TEST(RoutingMarkdown, HasALineForPromptsAndAnswersOfEveryTask) {
  const std::map<std::string, RunRouting> by_task{
      {"event_summary", {.sum = record_of({1, 1, 1, 1}, {1, 0, 1, 0}), .sample_count = 3}}};
  const std::string text = routing_markdown(by_task);
  // Half of the choices found their expert in a cache of both experts, none more of them.
  EXPECT_THAT(text, testing::HasSubstr("| event\\_summary | answers | 2 | 0.000 | 50.0 | 0.311 | "
                                       "100 / – / – |"));
  EXPECT_THAT(text, testing::HasSubstr("| event\\_summary | prompts | 0 | 1.000 | 100.0 |"));
  EXPECT_EQ(routing_markdown({}), "");
}

}  // namespace
}  // namespace crudbench
