#include "harness/core/routing_record.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

RoutingRecord some_record() {
  RoutingRecord record(2, 3, 1);
  record.expert_bytes = 600;
  record.prompt.tokens = 4;
  record.prompt.counts = {1, 0, 3, 0, 0, 1};
  record.prompt.recency_ranks = {2, 0, 0, 3};
  record.answer.tokens = 1;
  record.answer.counts = {0, 1, 0, 1, 0, 0};
  record.answer.frequency_ranks = {0, 0, 0, 2};
  return record;
}

TEST(RoutingRecord, ComesBackFromJson) {
  EXPECT_EQ(routing_record_from_json(to_json(some_record())), some_record());
}

TEST(RoutingRecord, AddsUp) {
  RoutingRecord sum = some_record();
  sum.add(some_record());
  EXPECT_EQ(sum.prompt.tokens, 8U);
  EXPECT_EQ(sum.prompt.counts, (std::vector<std::uint64_t>{2, 0, 6, 0, 0, 2}));
  EXPECT_EQ(sum.answer.frequency_ranks, (std::vector<std::uint64_t>{0, 0, 0, 4}));
  EXPECT_EQ(sum.expert_bytes, 600U);
  EXPECT_ERROR(sum.add(RoutingRecord(2, 4, 1)), ErrorCode::kInvalidData, "different experts");
}

TEST(RoutingRecord, RefusesWhatIsNone) {
  EXPECT_ERROR(routing_record_from_json(Json::object()), ErrorCode::kInvalidData, "damaged");
  Json json = to_json(some_record());
  json["version"] = 2;
  EXPECT_ERROR(routing_record_from_json(json), ErrorCode::kInvalidData, "unknown form");
  json = to_json(some_record());
  json["experts"] = 1'000'000'000;
  EXPECT_ERROR(routing_record_from_json(json), ErrorCode::kInvalidData, "unknown form");
  json = to_json(some_record());
  json["prompt"]["counts"] = 7;
  EXPECT_ERROR(routing_record_from_json(json), ErrorCode::kInvalidData, "damaged");
}

}  // namespace
}  // namespace crudbench
