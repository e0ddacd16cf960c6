#include "reports/headroom.h"

#include <gtest/gtest.h>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

/// A row of a retriever and a generator whose samples all score `score`.
TestRun row_of(const std::string& retriever, const std::string& model, double score,
               const std::string& task = "event_summary") {
  TestRun run{.task = task,
              .cell = cell_with("/retriever/type", retriever),
              .samples = {{"s1", {{"rouge_l", score}, {"hit@8", 1.0}}}}};
  run.cell["generator"] = {{"type", "openai"}, {"model", model}};
  return run;
}

class HeadroomTest : public testing::Test {
 protected:
  LeaderboardTable table() {
    return build_leaderboard(store_.store(), {}, store_.executor()).tables.front();
  }

  ReportStore store_;
};

TEST_F(HeadroomTest, NamesTheBounds) {
  store_.add(row_of("none", "m", 0.2));
  store_.add(row_of("gold", "m", 0.6));
  store_.add(row_of("bm25", "m", 0.5));
  TestRun extractive = row_of("bm25", "m", 0.1);
  extractive.cell["generator"] = {{"type", "extractive"}};
  store_.add(extractive);
  const LeaderboardTable rows = table();
  EXPECT_EQ(bound_of(rows, rows.rows[0]), Bound::kClosedBook);
  EXPECT_EQ(bound_of(rows, rows.rows[1]), Bound::kOracle);
  EXPECT_EQ(bound_of(rows, rows.rows[2]), Bound::kNo);
  EXPECT_EQ(bound_of(rows, rows.rows[3]), Bound::kFloor);
}

TEST_F(HeadroomTest, FindsNoFloorWhereAllRowsAreExtractive) {
  store_.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  const LeaderboardTable rows = table();
  EXPECT_EQ(bound_of(rows, rows.rows[0]), Bound::kNo);
}

// (0.5 - 0.2) / (0.6 - 0.2)
TEST_F(HeadroomTest, IsTheShareBetweenTheBoundsOfTheSameGenerator) {
  store_.add(row_of("none", "m", 0.2));
  store_.add(row_of("gold", "m", 0.6));
  store_.add(row_of("bm25", "m", 0.5));
  store_.add(row_of("none", "other", 0.0));
  store_.add(row_of("gold", "other", 0.5));
  const LeaderboardTable rows = table();
  const auto share = captured_headroom(rows, 2, "rouge_l", "event_summary");
  ASSERT_TRUE(share);
  EXPECT_DOUBLE_EQ(*share, 0.75);
}

// Of two tasks: averages 0.3, 0.7 and 0.4; (0.4 - 0.3) / (0.7 - 0.3)
TEST_F(HeadroomTest, IsOfTheAverageWithoutATask) {
  for (const auto& [retriever, first, second] :
       {std::tuple("none", 0.2, 0.4), std::tuple("gold", 0.8, 0.6), std::tuple("bm25", 0.4, 0.4)}) {
    store_.add(row_of(retriever, "m", first));
    store_.add(row_of(retriever, "m", second, "hallu_modified"));
  }
  const auto share = captured_headroom(table(), 2, "rouge_l", std::nullopt);
  ASSERT_TRUE(share);
  EXPECT_NEAR(*share, 0.25, 1e-12);
}

TEST_F(HeadroomTest, IsAbsentWithoutBothBoundsAndWhereTheOracleIsNoBetter) {
  store_.add(row_of("none", "m", 0.6));
  store_.add(row_of("bm25", "m", 0.5));
  EXPECT_FALSE(captured_headroom(table(), 1, "rouge_l", "event_summary"));
  store_.add(row_of("gold", "m", 0.6));
  EXPECT_FALSE(captured_headroom(table(), 1, "rouge_l", "event_summary"));
}

TEST_F(HeadroomTest, IsAbsentForBoundsAndForMeasuresOfRetrieval) {
  store_.add(row_of("none", "m", 0.2));
  store_.add(row_of("gold", "m", 0.6));
  store_.add(row_of("bm25", "m", 0.5));
  EXPECT_FALSE(captured_headroom(table(), 1, "rouge_l", "event_summary"));
  EXPECT_FALSE(captured_headroom(table(), 2, "hit@8", "event_summary"));
}

}  // namespace
}  // namespace crudbench
