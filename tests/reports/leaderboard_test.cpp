#include "reports/leaderboard.h"

#include <gtest/gtest.h>
#include <tuple>

#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;

Leaderboard build(ReportStore& store, std::optional<std::string> experiment = std::nullopt) {
  return build_leaderboard(store.store(),
                           {.experiment = std::move(experiment), .summary = {.intervals = false}},
                           store.executor());
}

std::vector<TestSample> one_sample(double rouge) {
  return {{"s1", {{"rouge_l", rouge}}}};
}

TEST(Leaderboard, IsEmptyForAnEmptyStore) {
  ReportStore store;
  EXPECT_TRUE(build(store).tables.empty());
}

TEST(Leaderboard, PutsTheTasksOfACellIntoOneRow) {
  ReportStore store;
  store.add({.task = "questanswer_1doc", .samples = one_sample(0.5)});
  store.add({.task = "event_summary", .samples = one_sample(0.25)});
  const Leaderboard leaderboard = build(store);
  ASSERT_EQ(leaderboard.tables.size(), 1U);
  const LeaderboardTable& table = leaderboard.tables[0];
  EXPECT_EQ(table.tasks, (std::vector<std::string>{"event_summary", "questanswer_1doc"}));
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_DOUBLE_EQ(*table.rows[0].averages.at("rouge_l").mean, 0.375);
}

TEST(Leaderboard, AveragesOnlyRowsWithAllTasks) {
  ReportStore store;
  store.add({.task = "event_summary", .samples = one_sample(0.5)});
  store.add({.task = "hallu_modified", .samples = one_sample(0.5)});
  store.add({.task = "event_summary",
             .cell = cell_with("/retriever/type", "dense"),
             .samples = one_sample(0.9)});
  const Leaderboard leaderboard = build(store);
  ASSERT_EQ(leaderboard.tables[0].rows.size(), 2U);
  EXPECT_TRUE(leaderboard.tables[0].rows[0].averages.contains("rouge_l"));
  EXPECT_TRUE(leaderboard.tables[0].rows[1].averages.empty());
}

TEST(Leaderboard, NeverMixesKnowledgeBaseModesCorporaOrSamples) {
  ReportStore store;
  store.add({.samples = one_sample(0.5)});
  store.add({.samples = one_sample(0.5), .mode = "paper"});
  store.add({.samples = one_sample(0.5), .corpus = "corpus-b"});
  store.add({.samples = one_sample(0.5), .data = "samples-b"});
  const Leaderboard leaderboard = build(store);
  ASSERT_EQ(leaderboard.tables.size(), 4U);
  for (const LeaderboardTable& table : leaderboard.tables) {
    EXPECT_EQ(table.rows.size(), 1U);
  }
  EXPECT_EQ(leaderboard.tables[1].knowledge_base_mode, "paper");
}

TEST(Leaderboard, NeverMixesSelectionsOfTheSamples) {
  ReportStore store;
  store.add({.samples = one_sample(0.5)});
  Json cell = TestRun().cell;
  cell["dataset"]["limit"] = 100;
  for (const int seed : {22, 23}) {
    cell["dataset"]["seed"] = seed;
    store.add({.cell = cell, .samples = one_sample(0.5)});
  }
  const Leaderboard leaderboard = build(store);
  ASSERT_EQ(leaderboard.tables.size(), 3U);
  EXPECT_EQ(leaderboard.tables[0].selection, "");
  EXPECT_EQ(leaderboard.tables[2].selection, "100 a task, seed 23");
}

TEST(Leaderboard, FindsTheAxesThatVary) {
  ReportStore store;
  Json cell = TestRun().cell;
  for (const int size : {64, 128}) {
    cell["chunker"] = {{"type", "sentence"}, {"size", size}, {"overlap", 0}};
    store.add({.cell = cell, .samples = one_sample(0.5)});
  }
  // Closed book: no chunker at all, which is not an axis of its own.
  Json closed_book = {{"retriever", {{"type", "none"}}}, {"generator", {{"type", "extractive"}}}};
  store.add({.cell = closed_book, .samples = one_sample(0.5)});
  const LeaderboardTable table = build(store).tables.at(0);
  EXPECT_EQ(table.axes,
            (std::vector<std::string>{"retriever/type", "chunker/size", "generator/type"}));
  EXPECT_EQ(table.rows[0].axis_values[1], Json(64));
  EXPECT_EQ(table.rows[2].axis_values[1], std::nullopt);
  EXPECT_EQ(table.common_options.at("chunker/overlap"), Json(0));
  EXPECT_EQ(row_label(table, table.rows[1]), "bm25 · size 128 · extractive");
}

TEST(Leaderboard, ShowsAnOptionThatOnlySomeRowsHaveWhereRowsWouldLookAlike) {
  ReportStore store;
  store.add({.samples = one_sample(0.5)});
  store.add({.cell = cell_with("/reranker", {{"type", "cross_encoder"}, {"pool", 50}}),
             .samples = one_sample(0.5)});
  const LeaderboardTable table = build(store).tables.at(0);
  EXPECT_EQ(table.axes,
            (std::vector<std::string>{"retriever/type", "reranker/type", "generator/type"}));
}

TEST(Leaderboard, TitlesAxesByTheShortestNameThatIsClear) {
  LeaderboardTable table;
  table.axes = {"retriever/type", "retriever/top_k", "retriever/k1", "context/k1", "prompts"};
  EXPECT_EQ(axis_title(table, "retriever/type"), "retriever");
  EXPECT_EQ(axis_title(table, "retriever/top_k"), "top_k");
  EXPECT_EQ(axis_title(table, "retriever/k1"), "retriever/k1");
  EXPECT_EQ(axis_title(table, "prompts"), "prompts");
}

TEST(Leaderboard, KeepsBothRunsOfOneCellAndTask) {
  ReportStore store;
  store.add({.samples = one_sample(0.5)});
  store.add({.samples = one_sample(0.75)});
  const LeaderboardTable table = build(store).tables.at(0);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[1].runs.at("event_summary").metric("rouge_l")->mean, 0.75);
}

TEST(Leaderboard, ShowsTheRunsOfOneExperimentInItsOrder) {
  ReportStore store;
  const auto first = store.add({.samples = one_sample(0.1)});
  store.add({.cell = cell_with("/retriever/top_k", 4), .samples = one_sample(0.2)});
  const auto third =
      store.add({.cell = cell_with("/retriever/top_k", 2), .samples = one_sample(0.3)});
  const std::vector<std::int64_t> chosen = {third, first};
  store.store().put_experiment("top-k", Json::object(), without_labels(chosen));
  const LeaderboardTable table = build(store, "top-k").tables.at(0);
  ASSERT_EQ(table.rows.size(), 2U);
  EXPECT_EQ(table.rows[0].runs.at("event_summary").run_id, third);
  EXPECT_EQ(table.rows[1].runs.at("event_summary").run_id, first);
}

TEST(Leaderboard, ShowsTheLabelsOfAnExperimentFirstAndARunUnderEach) {
  ReportStore store;
  const auto first = store.add({.samples = one_sample(0.1)});
  const auto second =
      store.add({.cell = cell_with("/retriever/top_k", 4), .samples = one_sample(0.2)});
  store.store().put_experiment(
      "named", Json::object(),
      std::vector{ExperimentRun{first, "paper"}, ExperimentRun{second, "ours"},
                  ExperimentRun{first, "again"}});
  const LeaderboardTable table = build(store, "named").tables.at(0);
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.axes.at(0), "label");
  EXPECT_EQ(table.rows[0].axis_values.at(0), Json("paper"));
  EXPECT_EQ(table.rows[2].axis_values.at(0), Json("again"));
  EXPECT_EQ(table.rows[2].runs.at("event_summary").run_id, first);
  EXPECT_THAT(row_label(table, table.rows[1]), ::testing::StartsWith("ours · "));
}

TEST(Leaderboard, RefusesAnUnknownExperiment) {
  ReportStore store;
  store.store().put_experiment("chunk-size", Json::object(), {});
  EXPECT_ERROR(build(store, "chunk-sise"), ErrorCode::kInvalidConfig, "did you mean 'chunk-size'");
}

TEST(Leaderboard, CountsARunWithoutAnyScoresAsFailedForTheMeasuresOfAnswers) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}, {"recall@8", 1.0}}}}});
  store.add({.cell = cell_with("/retriever/type", "dense"),
             .samples = {{"s1", Json::object(), timeout()}}});
  const LeaderboardTable table = build(store).tables.at(0);
  const RunSummary& failed = table.rows.at(1).runs.at("event_summary");
  ASSERT_NE(failed.metric("rouge_l"), nullptr);
  EXPECT_EQ(failed.metric("rouge_l")->mean, std::nullopt);
  EXPECT_EQ(failed.metric("rouge_l")->mean_failures_as_zero, 0.0);
  EXPECT_EQ(failed.metric("rouge_l")->failures.at("timeout"), 1);
  EXPECT_EQ(failed.metric("recall@8"), nullptr);
}

TEST(Leaderboard, RecordsEveryValueOfTheProvenance) {
  ReportStore store;
  store.add({.samples = one_sample(0.1), .provenance = {{"git", "aaa"}, {"host", {{"cpus", 2}}}}});
  store.add({.cell = cell_with("/retriever/top_k", 4),
             .samples = one_sample(0.1),
             .provenance = {{"git", "bbb"}, {"host", {{"cpus", 2}}}}});
  const LeaderboardTable table = build(store).tables.at(0);
  ASSERT_EQ(table.provenance.at("git").size(), 2U);
  EXPECT_EQ(table.provenance.at("git")[1].value, "bbb");
  ASSERT_EQ(table.provenance.at("host/cpus").size(), 1U);
  EXPECT_EQ(table.provenance.at("host/cpus")[0].run_count, 2);
}

/// Thirty samples around a level, the same ups and downs in every run.
std::vector<TestSample> samples_around(double level, const std::string& metric = "rouge_l") {
  std::vector<TestSample> samples;
  for (int i = 0; i < 30; ++i) {
    samples.push_back({"s" + std::to_string(i), {{metric, level + 0.01 * (i % 5)}}});
  }
  return samples;
}

/// Another run of the same level: half its samples a little better, half a little worse.
std::vector<TestSample> jittered(std::vector<TestSample> samples, double shift) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    for (auto& score : samples[i].scores) {
      score = score.get<double>() + (i % 2 == 0 ? 0.005 : -0.005) + shift;
    }
  }
  return samples;
}

std::optional<std::size_t> rank_of(const LeaderboardTable& table, std::size_t row,
                                   const std::string& task, const std::string& metric) {
  return table.rows.at(row).runs.at(task).metric(metric)->rank;
}

TEST(Leaderboard, RanksBySignificanceAndNotByMeans) {
  // The second row has the higher mean by a hair; the third is worse on every sample.
  ReportStore store;
  const std::vector<TestSample> base = samples_around(0.5);
  store.add({.samples = base});
  store.add({.cell = cell_with("/retriever/type", "dense"), .samples = jittered(base, 1e-4)});
  store.add({.cell = cell_with("/retriever/type", "hybrid"), .samples = jittered(base, -0.1)});
  const LeaderboardTable table = build(store).tables.at(0);
  EXPECT_EQ(rank_of(table, 0, "event_summary", "rouge_l"), 1U);
  EXPECT_EQ(rank_of(table, 1, "event_summary", "rouge_l"), 1U);
  EXPECT_EQ(rank_of(table, 2, "event_summary", "rouge_l"), 3U);
}

TEST(Leaderboard, RanksTasksByThemselvesAndAveragesOverAll) {
  // Each row wins one task by the same margin; together there is nothing between them.
  ReportStore store;
  const std::vector<TestSample> low = samples_around(0.25);
  const std::vector<TestSample> high = samples_around(0.5);
  for (const auto& [retriever, first, second] :
       {std::tuple("bm25", &low, &high), std::tuple("dense", &high, &low)}) {
    const Json cell = cell_with("/retriever/type", retriever);
    store.add({.task = "event_summary", .cell = cell, .samples = *first});
    store.add({.task = "hallu_modified", .cell = cell, .samples = *second});
  }
  const LeaderboardTable table = build(store).tables.at(0);
  EXPECT_EQ(rank_of(table, 0, "event_summary", "rouge_l"), 2U);
  EXPECT_EQ(rank_of(table, 1, "event_summary", "rouge_l"), 1U);
  EXPECT_EQ(rank_of(table, 0, "hallu_modified", "rouge_l"), 1U);
  EXPECT_EQ(rank_of(table, 1, "hallu_modified", "rouge_l"), 2U);
  EXPECT_EQ(table.rows[0].averages.at("rouge_l").rank, 1U);
  EXPECT_EQ(table.rows[1].averages.at("rouge_l").rank, 1U);
}

TEST(Leaderboard, WeighsTasksAlikeInTheRanksOfAverages) {
  // The second row wins a task of 30 samples by 0.1 and loses one of 10 by 0.3: behind on average.
  ReportStore store;
  const std::vector<TestSample> large = samples_around(0.5);
  std::vector<TestSample> small = samples_around(0.5);
  small.resize(10);
  store.add({.task = "event_summary", .samples = large});
  store.add({.task = "hallu_modified", .samples = small});
  const Json cell = cell_with("/retriever/type", "dense");
  const auto shifted = [](std::vector<TestSample> samples, double shift) {
    for (TestSample& sample : samples) {
      sample.scores["rouge_l"] = sample.scores["rouge_l"].get<double>() + shift;
    }
    return samples;
  };
  store.add({.task = "event_summary", .cell = cell, .samples = shifted(large, 0.1)});
  store.add({.task = "hallu_modified", .cell = cell, .samples = shifted(small, -0.3)});
  const LeaderboardTable table = build(store).tables.at(0);
  EXPECT_EQ(table.rows[0].averages.at("rouge_l").rank, 1U);
  EXPECT_EQ(table.rows[1].averages.at("rouge_l").rank, 2U);
}

TEST(Leaderboard, RanksOverTheSamplesThatTwoRowsShare) {
  // The second row is better where both have values, but failed on the samples that are easy.
  ReportStore store;
  std::vector<TestSample> all = samples_around(0.5);
  std::vector<TestSample> better;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < 20) {
      better.push_back(
          {all[i].sample_id, {{"rouge_l", all[i].scores["rouge_l"].get<double>() + 0.05}}});
    } else {
      all[i].scores["rouge_l"] = 1.0;
      better.push_back({all[i].sample_id, Json::object(), timeout()});
    }
  }
  store.add({.samples = all});
  store.add({.cell = cell_with("/retriever/type", "dense"), .samples = better});
  const LeaderboardTable table = build(store).tables.at(0);
  EXPECT_GT(*table.rows[0].runs.at("event_summary").metric("rouge_l")->mean,
            *table.rows[1].runs.at("event_summary").metric("rouge_l")->mean);
  EXPECT_EQ(rank_of(table, 0, "event_summary", "rouge_l"), 2U);
  EXPECT_EQ(rank_of(table, 1, "event_summary", "rouge_l"), 1U);
}

TEST(Leaderboard, RanksMainMetricsOnlyAndOnlyRowsWithValues) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}, {"length_chars", 5.0}}}}});
  store.add({.cell = cell_with("/retriever/type", "dense"),
             .samples = {{"s1", {{"rouge_l", {{"failed", "empty_prediction"}}}}}}});
  const LeaderboardTable table = build(store).tables.at(0);
  EXPECT_EQ(rank_of(table, 0, "event_summary", "rouge_l"), 1U);
  EXPECT_EQ(rank_of(table, 0, "event_summary", "length_chars"), std::nullopt);
  EXPECT_EQ(rank_of(table, 1, "event_summary", "rouge_l"), std::nullopt);
}

TEST(Leaderboard, WarnsOfASmallKnowledgeBase) {
  // One gold document among 40: hit@8 and recall@8 are 8/40 by chance; among 160 5 %, not above.
  ReportStore store;
  const std::vector<TestSample> samples = {
      {"s1", {{"hit@8", 1.0}, {"recall@8", 1.0}, {"mrr", 1.0}}}};
  store.add({.samples = samples, .provenance = {{"documents", 40}}});
  store.add({.samples = samples, .mode = "paper", .provenance = {{"documents", 160}}});
  const Leaderboard leaderboard = build(store);
  const std::vector<ChanceWarning> warnings = chance_warnings(leaderboard.tables.at(0));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(chance_text(warnings[0]),
            "small knowledge base: a random ranking of its 40 documents is expected to reach "
            "hit@8 20.00, recall@8 20.00");
  EXPECT_TRUE(chance_warnings(leaderboard.tables.at(1)).empty());
}

TEST(CellLabels, NameAModelOfThisMachineByItsFile) {
  const auto cell = [](const char* model, const char* sha256) {
    return Json{{"generator", {{"type", "llama"}, {"model", model}, {"model_sha256", sha256}}}};
  };
  EXPECT_THAT(cell_labels({cell("/models/a.gguf", "1"), cell("/models/b.gguf", "2")}),
              testing::ElementsAre(testing::HasSubstr("a.gguf"),
                                   testing::Not(testing::AnyOf(testing::HasSubstr("/models"),
                                                               testing::HasSubstr("sha256")))));
  // A hash is shown where nothing else tells two rows apart.
  EXPECT_THAT(cell_labels({cell("/models/a.gguf", "1"), cell("/models/a.gguf", "2")}).back(),
              testing::HasSubstr("model_sha256 2"));
}

}  // namespace
}  // namespace crudbench
