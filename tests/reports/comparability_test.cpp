#include "reports/comparability.h"

#include <gmock/gmock.h>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Leaderboard leaderboard_of(ReportStore& store) {
  return build_leaderboard(store.store(), {.summary = {.intervals = false}}, store.executor());
}

std::vector<std::string> notes_of(ReportStore& store) {
  return comparability_notes(leaderboard_of(store));
}

Json dense() {
  return cell_with("/retriever/type", "dense");
}

TEST(Comparability, HoldsWhereRowsDifferInTheirMethodOnly) {
  ReportStore store;
  for (const Json& cell : {TestRun().cell, dense()}) {
    store.add({.cell = cell,
               .samples = {{"s1", {{"similarity[lsa]", 0.5}}}},
               .provenance = {{"prompt_sha256", "p"}}});
  }
  EXPECT_THAT(notes_of(store), IsEmpty());
}

TEST(Comparability, EndsAtATable) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}},
             .mode = "paper",
             .corpus = "corpus-b",
             .data = "samples-b"});
  EXPECT_THAT(notes_of(store), ElementsAre("knowledge base (gold_augmented, paper)",
                                           "corpus (2 by content)", "samples (2 by content)"));
}

TEST(Comparability, NeedsTheSamePromptForATask) {
  ReportStore store;
  for (const auto& [task, prompt] :
       {std::pair("event_summary", "a"), std::pair("hallu_modified", "b")}) {
    store.add({.task = task,
               .samples = {{"s1", {{"rouge_l", 0.5}}}},
               .provenance = {{"prompt_sha256", prompt}}});
  }
  EXPECT_THAT(notes_of(store), IsEmpty()) << "different tasks have different prompts";
  store.add({.task = "hallu_modified",
             .cell = dense(),
             .samples = {{"s1", {{"rouge_l", 0.5}}}},
             .provenance = {{"prompt_sha256", "c"}}});
  EXPECT_THAT(notes_of(store), ElementsAre("prompts of hallu_modified (2 versions)"));
  const auto issues = comparability_issues(leaderboard_of(store).tables.at(0));
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_EQ(issues[0].groups[1].value, "c");
  EXPECT_THAT(issues[0].groups[1].rows, ElementsAre(1));
}

TEST(Comparability, NeedsTheSameEmbedderAndJudge) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"similarity[lsa]", 0.5}, {"quest_clean_f1[a]", 1.0}}}}});
  store.add({.cell = dense(),
             .samples = {{"s1", {{"similarity[bge]", 0.5}, {"quest_clean_f1[b]", 1.0}}}}});
  EXPECT_THAT(notes_of(store), ElementsAre("judge of quest_clean_f1 ([a], [b])",
                                           "embedder of similarity ([bge], [lsa])"));
}

TEST(Comparability, HoldsWhereAllRowsHaveBothModels) {
  ReportStore store;
  for (const Json& cell : {TestRun().cell, dense()}) {
    store.add(
        {.cell = cell, .samples = {{"s1", {{"similarity[lsa]", 0.5}, {"similarity[bge]", 0.5}}}}});
  }
  EXPECT_THAT(notes_of(store), IsEmpty());
}

TEST(Comparability, NeedsTheSameNumberOfSamplesAndMetricsOfOneKind) {
  ReportStore store;
  const std::int64_t first = store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}});
  const std::int64_t second = store.add(
      {.cell = dense(), .samples = {{"s1", {{"rouge_l", 0.5}}}, {"s2", {{"rouge_l", 0.5}}}}});
  store.store().put_scored_metrics(first, {{R"({"type":"rouge"})", "f1"}});
  store.store().put_scored_metrics(second, {{R"({"type":"rouge"})", "f2"}});
  EXPECT_THAT(notes_of(store), ElementsAre("samples of event_summary (1, 2)",
                                           "metric of rouge on event_summary (2 versions)"));
}

}  // namespace
}  // namespace crudbench
