#include "reports/renderers.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <map>

#include "tests/reports/export_parsing.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::HasSubstr;
using testing::Not;

Leaderboard build(ReportStore& store) {
  return build_leaderboard(store.store(), {.summary = {.resampling = {.resamples = 200}}},
                           store.executor());
}

/// Two rows, two tasks, failures, undefined values, an interrupted run.
void fill(ReportStore& store) {
  store.add({.samples = {{"s1", {{"rouge_l", 1.0 / 3.0}, {"recall@8", 1.0}}},
                         {"s2", {{"rouge_l", 0.1}, {"recall@8", nullptr}}},
                         {"s3", {{"recall@8", 0.5}}, timeout()}}});
  store.add({.task = "hallu_modified", .samples = {{"h1", {{"rouge_l", 0.7}}}}});
  store.add({.cell = cell_with("/retriever/type", "dense"),
             .samples = {{"s1", {{"rouge_l", 0.25}, {"recall@8", 1.0}}}},
             .sample_count = 3});
}

std::optional<double> parse_number(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(std::strtod(text.c_str(), nullptr));
}

TEST(LeaderboardCsv, HoldsEveryNumberExactly) {
  ReportStore store;
  fill(store);
  const Leaderboard leaderboard = build(store);
  const auto records = parse_csv(leaderboard_csv(leaderboard));
  std::size_t line = 1;
  for (const LeaderboardTable& table : leaderboard.tables) {
    for (const LeaderboardRow& row : table.rows) {
      for (const std::string& task : table.tasks) {
        if (!row.runs.contains(task)) {
          continue;
        }
        const RunSummary& run = row.runs.at(task);
        for (const MetricSummary& metric : run.metrics) {
          ASSERT_LT(line, records.size());
          ASSERT_EQ(records[line].size(), records[0].size());
          std::map<std::string, std::string> fields;
          for (std::size_t i = 0; i < records[0].size(); ++i) {
            fields[records[0][i]] = records[line][i];
          }
          EXPECT_EQ(fields["task"], task);
          EXPECT_EQ(fields["metric"], metric.name);
          EXPECT_EQ(parse_number(fields["mean"]), metric.mean);
          EXPECT_EQ(parse_number(fields["mean_failures_as_zero"]), metric.mean_failures_as_zero);
          EXPECT_EQ(parse_number(fields["low"]).has_value(), metric.interval.has_value());
          EXPECT_EQ(fields["n_valid"], std::to_string(metric.valid_count));
          EXPECT_EQ(fields["n_undefined"], std::to_string(metric.undefined_count));
          EXPECT_EQ(fields["n_failed"], std::to_string(metric.failed_count));
          EXPECT_EQ(fields["ok"], std::to_string(run.ok_count));
          EXPECT_EQ(fields["pending"], std::to_string(run.pending_count()));
          EXPECT_EQ(parse_number(fields["coverage"]), run.coverage());
          EXPECT_EQ(parse_number(fields["retrieval_seconds"]), run.retrieval_seconds);
          ++line;
        }
      }
    }
  }
  EXPECT_EQ(line, records.size());
}

TEST(LeaderboardCsv, KeepsARunWithoutScores) {
  ReportStore store;
  store.add({.samples = {{"s1", Json::object(), timeout()}}});
  const auto records = parse_csv(leaderboard_csv(build(store)));
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(leaderboard_csv(build(store)), HasSubstr("event_summary"));
}

TEST(LeaderboardCsv, DisarmsFormulas) {
  ReportStore store;
  store.add({.cell = cell_with("/generator/model", "=HYPERLINK(\"http://evil\")"),
             .samples = {{"s1", {{"rouge_l", 0.5}}}}});
  EXPECT_THAT(leaderboard_csv(build(store)), HasSubstr("\"'=HYPERLINK(\"\"http://evil\"\")\""));
}

TEST(LeaderboardJson, HoldsEveryNumberExactly) {
  ReportStore store;
  fill(store);
  const Leaderboard leaderboard = build(store);
  const Json json = Json::parse(to_text(leaderboard_json(leaderboard)));
  const LeaderboardTable& table = leaderboard.tables.at(0);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    for (const auto& [task, run] : table.rows[i].runs) {
      const Json& run_json = json["tables"][0]["rows"][i]["runs"][task];
      EXPECT_EQ(run_json["ok"], run.ok_count);
      EXPECT_EQ(run_json["coverage"], *run.coverage());
      for (const MetricSummary& metric : run.metrics) {
        const Json& metric_json = run_json["metrics"][metric.name];
        EXPECT_EQ(metric_json["mean"], metric.mean ? Json(*metric.mean) : Json());
        EXPECT_EQ(metric_json["low"], metric.interval ? Json(metric.interval->low) : Json());
        EXPECT_EQ(metric_json["n_failed"], metric.failed_count);
      }
    }
  }
}

TEST(LeaderboardTerminal, ShowsBothMeansCoverageAndFailures) {
  // rouge_l of the first row: (1/3 + 0.1) / 2 = 21.67 %, with the failure / 3 = 14.44 %.
  ReportStore store;
  fill(store);
  const std::string text = leaderboard_terminal(build(store), false);
  EXPECT_THAT(text, HasSubstr("retriever  generator         rouge_l  recall@8  coverage  failed  "
                              "pending\n"
                              "bm25       extractive  21.67 (14.44)     75.00    66.7 %       1"
                              "        0\n"
                              "dense      extractive  25.00 (25.00)    100.00    33.3 %       0"
                              "        2\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1B")));
}

TEST(LeaderboardTerminal, AveragesOverTasks) {
  // (21.67 + 70) / 2 = 45.83; with failures as 0 (14.44 + 70) / 2 = 42.22.
  ReportStore store;
  fill(store);
  EXPECT_THAT(leaderboard_terminal(build(store), false), HasSubstr("45.83 (42.22)"));
}

TEST(LeaderboardTerminal, SaysSoWhenThereAreNoRuns) {
  ReportStore store;
  EXPECT_EQ(leaderboard_terminal(build(store), false), "no runs yet\n");
}

TEST(LeaderboardMarkdown, ShowsTheNumbersOfTheStore) {
  ReportStore store;
  fill(store);
  const std::string text = leaderboard_markdown(build(store));
  EXPECT_THAT(text, HasSubstr("| bm25 | extractive | 21.67 (14.44) \\["));
  EXPECT_THAT(text, HasSubstr("| 66.7 % (2/3) | generation/timeout 1 |"));
  EXPECT_THAT(text, HasSubstr("| 33.3 % (1/3) | pending 2 |"));
}

TEST(LeaderboardMarkdown, EscapesWhatTheStoreSays) {
  ReportStore store;
  store.add({.cell = cell_with("/generator/model", "a|b<script>\n# x"),
             .samples = {{"s1", {{"rouge_l", 0.5}}}}});
  EXPECT_THAT(leaderboard_markdown(build(store)), HasSubstr("| a\\|b\\<script\\> \\# x |"));
}

/// Three rows: two alike, the third worse on every one of 30 samples; labels, repeats, a small
/// knowledge base, items with one and with two gold documents.
void fill_ranked(ReportStore& store) {
  for (const auto& [retriever, level] :
       {std::pair("bm25", 0.5), std::pair("dense", 0.5), std::pair("none", 0.25)}) {
    TestRun run{.cell = cell_with("/retriever/type", retriever), .provenance = {{"documents", 40}}};
    for (int i = 0; i < 30; ++i) {
      TestSample sample{
          .sample_id = "s" + std::to_string(i),
          .scores = {
              {"rouge_l", level + 0.01 * (i % 3)}, {"similarity[l|<a]", level}, {"hit@8", 1.0}}};
      sample.gold_doc_ids.resize(1 + static_cast<std::size_t>(i) % 2, "gold");
      run.samples.push_back(sample);
    }
    run.samples.push_back({.sample_id = "s0", .scores = {{"rouge_l", level + 0.02}}, .repeat = 1});
    store.add(run);
  }
}

TEST(LeaderboardTerminal, MarksTheBestGroupAndSaysHow) {
  ReportStore store;
  fill_ranked(store);
  const std::string text = leaderboard_terminal(build(store), true);
  // Of rouge_l and similarity the first two rows each; hit@8 tells no rows apart.
  std::size_t bold = 0;
  for (std::size_t at = text.find("\x1B[1m5"); at != std::string::npos;
       at = text.find("\x1B[1m5", at + 1)) {
    ++bold;
  }
  EXPECT_EQ(bold, 4U);
  EXPECT_THAT(text, HasSubstr("Bold: rows than which none is significantly better"));
  EXPECT_THAT(leaderboard_terminal(build(store), false), Not(HasSubstr("Bold")));
}

TEST(LeaderboardTerminal, PutsLabelsUnderTheirMetricAndShowsRepeatsAndWarnings) {
  ReportStore store;
  fill_ranked(store);
  const std::string text = leaderboard_terminal(build(store), false);
  EXPECT_THAT(text, HasSubstr("retriever  generator   rouge_l  similarity   hit@8  coverage  "
                              "repeats\n"
                              "                                    [l|<a]\n"));
  EXPECT_THAT(text, HasSubstr("     100 %        2\n"));
  EXPECT_THAT(text, HasSubstr("warning: small knowledge base: a random ranking of its 40 documents "
                              "is expected to reach hit@8 "));
}

TEST(LeaderboardMarkdown, MarksTheBestGroupAndEscapesLabels) {
  ReportStore store;
  fill_ranked(store);
  const std::string text = leaderboard_markdown(build(store));
  EXPECT_THAT(text, HasSubstr("| rouge\\_l | similarity\\[l\\|\\<a\\] | hit\\@8 |"));
  EXPECT_THAT(text, HasSubstr("| dense | extractive | **51.0"));
  EXPECT_THAT(text, Not(HasSubstr("| none | extractive | **")));
  EXPECT_THAT(text, HasSubstr("| **50.00** \\[50.00, 50.00\\] | 100.00 "));
  EXPECT_THAT(text, HasSubstr("> **Warning:** small knowledge base"));
}

TEST(LeaderboardLatex, MarksTheBestMeanAndWhatItIsSignificantlyBetterThan) {
  // Of three rows the third is worse on every sample; the first two are alike.
  ReportStore store;
  fill_ranked(store);
  const std::string text = leaderboard_latex(build(store));
  EXPECT_THAT(text, HasSubstr("\\begin{tabular}{lllrrrr}\n  \\toprule\n"
                              "   & retriever & generator & rouge\\_l & "
                              "similarity{[}l\\textbar{}\\textless{}a{]} & hit@8 & coverage \\\\\n"
                              "  \\midrule\n"));
  EXPECT_THAT(text, HasSubstr("  b & dense & extractive & \\textbf{51.03}\\textsuperscript{c} & "
                              "\\textbf{50.00}\\textsuperscript{c} & \\textbf{100.00} & "));
  EXPECT_THAT(text, HasSubstr("  c & none & extractive & 26.03 & 25.00 & \\textbf{100.00} & "));
  EXPECT_THAT(text, HasSubstr("  \\bottomrule\n  \\end{tabular}\n\\end{table}\n"));
}

TEST(LeaderboardLatex, KeepsTheLettersOfRowsInEveryTable) {
  // The second row has no run of the second task.
  ReportStore store;
  fill(store);
  store.add({.task = "hallu_modified",
             .cell = cell_with("/retriever/type", "none"),
             .samples = {{"h1", {{"rouge_l", 0.5}}}}});
  const std::string text = leaderboard_latex(build(store));
  const std::size_t task =
      text.find("\\caption{hallu\\_modified, knowledge base gold\\_augmented}");
  ASSERT_NE(task, std::string::npos);
  EXPECT_THAT(text.substr(task), HasSubstr("  a & bm25 & extractive & \\textbf{70.00} & "));
  EXPECT_THAT(text.substr(task), HasSubstr("  c & none & extractive & 50.00 & "));
  EXPECT_THAT(text.substr(task), Not(HasSubstr("dense")));
}

TEST(LeaderboardLatex, LetsNoTextOfTheStoreActUponTex) {
  ReportStore store;
  store.add({.cell = cell_with("/generator/model", "\\input{/etc/passwd}%&$#_^~\n\\\\\x01"),
             .samples = {{"s1", {{"rouge_l", 0.5}}}}});
  EXPECT_THAT(leaderboard_latex(build(store)),
              HasSubstr(" & \\textbackslash{}input\\{/etc/passwd\\}\\%\\&\\$\\#\\_"
                        "\\textasciicircum{}\\textasciitilde{} "
                        "\\textbackslash{}\\textbackslash{}? & "));
}

TEST(LeaderboardCsv, HasRanksVariancesAndALineForEachNumberOfGoldDocuments) {
  ReportStore store;
  fill_ranked(store);
  const auto records = parse_csv(leaderboard_csv(build(store)));
  std::map<std::string, std::size_t> column;
  for (std::size_t i = 0; i < records[0].size(); ++i) {
    column[records[0][i]] = i;
  }
  std::vector<std::string> gold_counts;
  std::vector<std::string> ranks;
  for (const auto& record : records) {
    ASSERT_EQ(record.size(), records[0].size());
    if (record[column["metric"]] == "hit@8" && gold_counts.size() < 3) {
      gold_counts.push_back(record[column["gold_count"]] + ":" + record[column["n_valid"]]);
    }
    if (record[column["metric"]] == "rouge_l") {
      ranks.push_back(record[column["rank"]]);
      EXPECT_NE(record[column["variance_between_samples"]], "");
      EXPECT_EQ(record[column["repeats"]], "2");
    }
  }
  EXPECT_EQ(gold_counts, (std::vector<std::string>{":30", "1:15", "2:15"}));
  EXPECT_EQ(ranks, (std::vector<std::string>{"1", "1", "3"}));
}

TEST(LeaderboardCsv, HasALineForEachQuestionType) {
  ReportStore store;
  store.add(
      {.samples = {{.sample_id = "s1", .scores = {{"rouge_l", 0.5}}, .question_type = "=原因"},
                   {.sample_id = "s2", .scores = {{"rouge_l", 0.25}}}}});
  const auto records = parse_csv(leaderboard_csv(build(store)));
  const auto at = [&](std::size_t line, const std::string& name) {
    const auto found = std::find(records[0].begin(), records[0].end(), name);
    return records.at(line).at(static_cast<std::size_t>(found - records[0].begin()));
  };
  ASSERT_EQ(records.size(), 3U) << "items without a type have no line";
  EXPECT_EQ(at(1, "question_type"), "");
  EXPECT_EQ(at(1, "n_valid"), "2");
  EXPECT_EQ(at(2, "question_type"), "'=原因") << "no formula";
  EXPECT_EQ(at(2, "n_valid"), "1");
  EXPECT_EQ(at(2, "mean"), "0.5");
  EXPECT_EQ(at(2, "n_failed"), "");
}

TEST(LeaderboardJson, HasRanksAndWarnings) {
  ReportStore store;
  fill_ranked(store);
  const Json table = leaderboard_json(build(store))["tables"][0];
  EXPECT_EQ(table["rows"][2]["runs"]["event_summary"]["metrics"]["rouge_l"]["rank"], 3);
  EXPECT_EQ(table["chance_warnings"][0]["task"], "event_summary");
  EXPECT_EQ(table["chance_warnings"][0]["documents"], 40);
  EXPECT_GT(table["chance_warnings"][0]["chance_levels"]["hit@8"], 0.2);
}

TEST(MeanText, ShowsSharesInPerCent) {
  EXPECT_EQ(mean_text(0.12345, {.is_share = true}), "12.35");
  EXPECT_EQ(mean_text(12.5, {.is_share = false}), "12.500");
  EXPECT_EQ(mean_text(1234.56, {.is_share = false}), "1234.6");
  EXPECT_EQ(mean_text(std::nullopt, {}), "–");
}

TEST(ShareText, NeverRoundsUpToAll) {
  EXPECT_EQ(share_text(1.0), "100 %");
  EXPECT_EQ(share_text(0.99999), "99.9 %");
  EXPECT_EQ(share_text(0.0), "0.0 %");
}

}  // namespace
}  // namespace crudbench
