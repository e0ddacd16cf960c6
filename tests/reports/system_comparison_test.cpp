#include "reports/system_comparison.h"

#include <gmock/gmock.h>

#include "harness/core/files.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Two rows over two tasks. Of the summary A leads on s1 by 0.5 and on s2 by 0.25, B on s3 by
/// 0.125; they are equal on s4. Of the other task B leads on the one sample.
void fill(ReportStore& store) {
  store.add({.samples = {{"s1", {{"rouge_l", 0.75}}},
                         {"s2", {{"rouge_l", 0.5}}},
                         {"s3", {{"rouge_l", 0.25}}},
                         {"s4", {{"rouge_l", 0.5}}}}});
  store.add({.task = "hallu_modified", .samples = {{"h1", {{"rouge_l", 0.25}}}}});
  const Json dense = cell_with("/retriever", {{"type", "dense"}, {"top_k", 4}});
  store.add({.cell = dense,
             .samples = {{"s1", {{"rouge_l", 0.25}}},
                         {"s2", {{"rouge_l", 0.25}}},
                         {"s3", {{"rouge_l", 0.375}}},
                         {"s4", {{"rouge_l", 0.5}}}}});
  store.add({.task = "hallu_modified", .cell = dense, .samples = {{"h1", {{"rouge_l", 0.75}}}}});
}

SystemComparison compare(ReportStore& store, const std::string& a, const std::string& b) {
  return compare_systems(store.store(), a, b, {.resampling = {.resamples = 100}}, store.executor());
}

TEST(SystemComparison, PairsTheSamplesOfEveryTask) {
  ReportStore store;
  fill(store);
  const SystemComparison comparison = compare(store, "1", "4");  // Any run names its row.
  ASSERT_EQ(comparison.tasks.size(), 2U);
  const TaskContrast& summary = comparison.tasks[0];
  EXPECT_EQ(summary.task, "event_summary");
  EXPECT_EQ(summary.sample_metric.name, "rouge_l");
  EXPECT_EQ(summary.a_better_count, 2);
  EXPECT_EQ(summary.b_better_count, 1);
  EXPECT_EQ(summary.equal_count, 1);
  EXPECT_EQ(summary.a_better.at(0).sample_id, "s1");
  EXPECT_EQ(summary.a_better.at(1).sample_id, "s2");
  EXPECT_EQ(summary.b_better.at(0).b, 0.375);
  // B - A over four samples: (-0.5 - 0.25 + 0.125 + 0) / 4.
  EXPECT_EQ(summary.comparison.comparisons.at(0).paired.difference, -0.15625);
  EXPECT_EQ(comparison.tasks[1].b_better.at(0).sample_id, "h1");
}

TEST(SystemComparison, TellsWhatTheSystemsDifferIn) {
  ReportStore store;
  fill(store);
  std::vector<std::string> texts;
  for (const OptionDifference& difference : compare(store, "1", "3").options) {
    texts.push_back(difference.path + " " + to_text(*difference.a) + " " + to_text(*difference.b));
  }
  EXPECT_THAT(texts, ElementsAre("retriever/top_k 8 4", "retriever/type \"bm25\" \"dense\""));
}

TEST(SystemComparison, CorrectsPValuesOverAllTasks) {
  ReportStore store;
  fill(store);
  const SystemComparison comparison = compare(store, "1", "3");
  const MetricComparison& summary = comparison.tasks[0].comparison.comparisons.at(0);
  const MetricComparison& hallu = comparison.tasks[1].comparison.comparisons.at(0);
  // Two lines: Holm doubles the smaller p-value, and none becomes smaller than it.
  const double smaller = std::min(summary.p_value(), hallu.p_value());
  EXPECT_EQ(std::min(summary.adjusted_p_value, hallu.adjusted_p_value), std::min(1.0, 2 * smaller));
}

TEST(SystemComparison, FindsRowsByLabelAndRefusesOthers) {
  ReportStore store;
  fill(store);
  const std::string label = compare(store, "1", "3").label_b;
  EXPECT_EQ(compare(store, "1", label).label_b, label);
  EXPECT_ERROR(compare(store, "1", "2"), ErrorCode::kInvalidConfig, "the same system");
  EXPECT_ERROR(compare(store, "1", "weather"), ErrorCode::kInvalidConfig,
               "no system is called 'weather'");
  EXPECT_ERROR(compare(store, "f", "1"), ErrorCode::kInvalidConfig, "several systems fit 'f'");
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}, .mode = "paper"});
  EXPECT_ERROR(compare(store, "1", "5"), ErrorCode::kInvalidConfig,
               "differ in their knowledge-base mode: 'gold_augmented' and 'paper'");
}

TEST(SystemComparison, ShowsTheSameNumbersInEveryForm) {
  ReportStore store;
  fill(store);
  const SystemComparison comparison = compare(store, "1", "3");
  EXPECT_THAT(system_comparison_terminal(comparison, false, 0),
              HasSubstr("by rouge_l: A ahead on 2 samples, B on 1, equal on 1"));
  EXPECT_THAT(system_comparison_terminal(comparison, false, 0), HasSubstr("50.00  34.38  -15.62"));
  EXPECT_THAT(system_comparison_markdown(comparison), HasSubstr("| 50.00 | 34.38 | -15.62 |"));
  EXPECT_THAT(system_comparison_markdown(comparison), HasSubstr("| s1 | 75.00 | 25.00 |"));
  const Json json = system_comparison_json(comparison);
  EXPECT_EQ(json["tasks"][0]["comparison"]["comparisons"][0]["difference"], -0.15625);
  EXPECT_EQ(json["tasks"][0]["a_better"][0], Json({{"sample_id", "s1"}, {"a", 0.75}, {"b", 0.25}}));
}

TEST(SystemComparison, LetsNoTextOfTheStoreIntoTheMarkup) {
  ReportStore store;
  const char* evil = "<script>alert(1)</script>|\"'&";
  store.add({.samples = {{evil, {{"rouge_l", 0.5}}}}});
  store.add(
      {.cell = cell_with("/generator/model", evil), .samples = {{evil, {{"rouge_l", 0.25}}}}});
  const SystemComparison comparison = compare(store, "1", "2");
  const TemporaryFolder folder;
  write_system_comparison(store.store(), comparison, {}, folder.path(), store.executor());
  EXPECT_THAT(read_file(folder.path() / "comparison.html"), Not(HasSubstr("alert(1)")));
  EXPECT_THAT(system_comparison_markdown(comparison),
              HasSubstr("| \\<script\\>alert\\(1\\)\\</script\\>\\|\"'\\& | 50.00 | 25.00 |"));
}

TEST(SystemComparison, IsWrittenInThreeForms) {
  ReportStore store;
  fill(store);
  const TemporaryFolder folder;
  std::vector<std::string> names;
  for (const auto& path : write_system_comparison(store.store(), compare(store, "1", "3"), {},
                                                  folder.path() / "new", store.executor())) {
    EXPECT_FALSE(read_file(path).empty());
    names.push_back(path.filename().string());
  }
  EXPECT_THAT(names, ElementsAre("comparison.html", "comparison.md", "comparison.json"));
}

}  // namespace
}  // namespace crudbench
