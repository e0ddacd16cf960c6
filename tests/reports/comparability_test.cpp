#include "reports/comparability.h"

#include <gtest/gtest.h>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::ElementsAre;
using testing::SizeIs;
using Kind = ComparabilityIssue::Kind;

TestRun row_of(const std::string& retriever, const Json& scores, const std::string& prompt = "p1") {
  return {.cell = cell_with("/retriever/type", retriever),
          .samples = {{"s1", scores}},
          .provenance = {{"prompt_sha256", prompt}}};
}

std::vector<ComparabilityIssue> issues_of(ReportStore& store) {
  const Leaderboard leaderboard = build_leaderboard(store.store(), {}, store.executor());
  return comparability_issues(store.store(), leaderboard.tables.front());
}

TEST(ComparabilityIssues, AreNoneForRowsMadeAlike) {
  ReportStore store;
  store.add(row_of("bm25", {{"rouge_l", 0.5}, {"similarity[lsa]", 0.5}}));
  store.add(row_of("dense", {{"rouge_l", 0.5}}));
  EXPECT_THAT(issues_of(store), SizeIs(0));
}

TEST(ComparabilityIssues, NameRowsWithDifferentPrompts) {
  ReportStore store;
  store.add(row_of("bm25", {{"rouge_l", 0.5}}, "p1"));
  store.add(row_of("dense", {{"rouge_l", 0.5}}, "p2"));
  store.add(row_of("hybrid", {{"rouge_l", 0.5}}, "p1"));
  const auto issues = issues_of(store);
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].kind, Kind::kPrompts);
  EXPECT_EQ(issues[0].subject, "event_summary");
  ASSERT_THAT(issues[0].groups, SizeIs(2));
  EXPECT_EQ(issues[0].groups[0].value, "p1");
  EXPECT_THAT(issues[0].groups[0].rows, ElementsAre(0, 2));
  EXPECT_THAT(issues[0].groups[1].rows, ElementsAre(1));
}

TEST(ComparabilityIssues, TellJudgesFromEmbedders) {
  ReportStore store;
  store.add(row_of("bm25", {{"judge_parsed[a]", 1.0}, {"bertscore[x]", 0.5}}));
  store.add(row_of("dense", {{"judge_parsed[b]", 1.0}, {"bertscore[y]", 0.5}}));
  const auto issues = issues_of(store);
  ASSERT_THAT(issues, SizeIs(2));
  EXPECT_EQ(issues[0].kind, Kind::kJudge);
  EXPECT_EQ(issues[0].subject, "judge_parsed");
  EXPECT_EQ(issues[1].kind, Kind::kEmbedder);
  EXPECT_EQ(issues[1].groups[0].value, "[x]");
}

TEST(ComparabilityIssues, NameMetricsThatWereNotComputedAlike) {
  ReportStore store;
  const std::string bleu = R"({"type":"bleu"})";
  store.store().put_scored_metrics(store.add(row_of("bm25", {{"bleu", 0.5}})), {{bleu, "f1"}});
  store.store().put_scored_metrics(store.add(row_of("dense", {{"bleu", 0.5}})), {{bleu, "f2"}});
  const auto issues = issues_of(store);
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].kind, Kind::kMetric);
  EXPECT_EQ(issues[0].subject, "bleu (event_summary)");
}

}  // namespace
}  // namespace crudbench
