#include "harness/runner/prices.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

PriceTable read(const Json& value) {
  Options options(value, "e.json", "/prices");
  return read_price_table(options);
}

TEST(PriceTable, FindsThePriceOfAGeneratorsModel) {
  const PriceTable table =
      read({{"currency", "CNY"},
            {"models", {{"m", {{"input", 2.0}, {"cached_input", 0.5}, {"output", 8.0}}}}}});
  EXPECT_EQ(table.currency, "CNY");
  EXPECT_EQ(table.of({{"type", "openai"}, {"model", "m"}})->output, 8.0);
  EXPECT_FALSE(table.of({{"type", "openai"}, {"model", "n"}}).has_value());
  EXPECT_FALSE(table.of({{"type", "extractive"}}).has_value());
}

TEST(PriceTable, TakesCachedInputForInputUnlessItIsPriced) {
  EXPECT_EQ(read({{"models", {{"m", {{"input", 2.0}, {"output", 8.0}}}}}})
                .of({{"model", "m"}})
                ->cached_input,
            2.0);
}

TEST(PriceTable, RefusesWhatIsNoPrice) {
  EXPECT_ERROR(read({{"models", {{"m", {{"input", -1}, {"output", 1}}}}}}),
               ErrorCode::kInvalidConfig, "e.json: /prices/models/m/input");
  EXPECT_ERROR(read({{"models", {{"m", {{"input", 1}}}}}}), ErrorCode::kInvalidConfig,
               "/prices/models/m/output");
  EXPECT_ERROR(read({{"models", {{"m", {{"input", 1}, {"output", 1}, {"ouput", 1}}}}}}),
               ErrorCode::kInvalidConfig, "did you mean 'output'?");
  EXPECT_ERROR(read({{"models", {1}}}), ErrorCode::kInvalidConfig, "/prices/models");
}

TEST(CostOf, CountsCachedTokensAtTheirPrice) {
  const ModelPrice price{.input = 2.0, .cached_input = 0.5, .output = 8.0};
  // (1000 - 400) · 2 + 400 · 0.5 + 100 · 8 = 1200 + 200 + 800 = 2200 millionths.
  EXPECT_DOUBLE_EQ(*cost_of({1000, 400, 100}, price), 0.0022);
  EXPECT_DOUBLE_EQ(*cost_of({1000, -1, 100}, price), 0.0028) << "all of them full";
  EXPECT_DOUBLE_EQ(*cost_of({10, 400, 0}, price), 5e-6) << "no more cached than there are";
}

TEST(CostOf, IsUnknownWithoutCounts) {
  EXPECT_FALSE(cost_of({-1, -1, 5}, {}).has_value());
  EXPECT_FALSE(cost_of({5, -1, -1}, {}).has_value());
}

TEST(HighestCost, IsThatOfATokenAByteAndTheLongestAnswer) {
  // (744 + 256) · 2 + 1000 · 8 = 10000 millionths.
  EXPECT_DOUBLE_EQ(highest_cost(744, 1000, {.input = 2.0, .cached_input = 1.0, .output = 8.0}),
                   0.01);
}

TEST(FormatMoney, HasFourDecimals) {
  EXPECT_EQ(format_money(1.23456, "USD"), "1.2346 USD");
}

}  // namespace
}  // namespace crudbench
