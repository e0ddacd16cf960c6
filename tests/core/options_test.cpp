#include "harness/core/options.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

TEST(Options, FillsInDefaultsAndRemembersThem) {
  const Json value = {{"size", 128}};
  Options options(value, "f.json", "/chunker");
  EXPECT_EQ(options.integer("size", 512, 1), 128);
  EXPECT_EQ(options.integer("overlap", 0, 0), 0);
  EXPECT_EQ(options.text("unit", "characters"), "characters");
  options.finish();
  EXPECT_EQ(options.resolved(), Json({{"size", 128}, {"overlap", 0}, {"unit", "characters"}}));
}

TEST(Options, RefusesAnUnknownKeyWithTheNearestOne) {
  const Json value = {{"sise", 128}};
  Options options(value, "f.json", "/chunker");
  options.integer("size", 512, 1);
  EXPECT_ERROR(options.finish(), ErrorCode::kInvalidConfig,
               "f.json: /chunker/sise: unknown key; did you mean 'size'?");
}

TEST(Options, NamesPointerExpectationAndFindingOfAWrongType) {
  const Json value = {{"size", "big"}};
  Options options(value, "f.json", "/chunker");
  EXPECT_ERROR(options.integer("size", 512, 1), ErrorCode::kInvalidConfig,
               "f.json: /chunker/size: expected an integer >= 1, found \"big\"");
}

TEST(Options, RefusesNumbersOutOfRange) {
  const Json value = {{"limit", 0}, {"b", 1.5}, {"huge", 18446744073709551615U}};
  Options options(value, "f.json");
  EXPECT_ERROR(options.integer("limit", 1, 1), ErrorCode::kInvalidConfig,
               "/limit: expected an integer >= 1, found 0");
  EXPECT_ERROR(options.number("b", 0.75, 0, 1), ErrorCode::kInvalidConfig,
               "/b: expected a number from 0 to 1, found 1.5");
  EXPECT_ERROR(options.integer("huge", 1, 1), ErrorCode::kInvalidConfig, "/huge");
}

TEST(Options, SuggestsTheNearestOfSeveralWords) {
  const Json value = {{"order", "rnak"}};
  Options options(value, "f.json", "/context");
  constexpr std::string_view kOrders[]{"rank", "reverse"};
  EXPECT_ERROR(options.one_of("order", kOrders, "rank"), ErrorCode::kInvalidConfig,
               "did you mean 'rank'?");
}

TEST(Options, RequiresAnObject) {
  const Json value = Json::array({1});
  EXPECT_ERROR(Options(value, "f.json", "/chunker"), ErrorCode::kInvalidConfig,
               "f.json: /chunker: expected an object, found a list");
}

TEST(Options, EscapesKeysInPointers) {
  const Json value = {{"a/b~c", 1}};
  Options options(value, "f.json");
  EXPECT_ERROR(options.finish(), ErrorCode::kInvalidConfig, "/a~1b~0c");
}

}  // namespace
}  // namespace crudbench
