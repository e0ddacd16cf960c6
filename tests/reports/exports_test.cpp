#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "reports/renderers.h"
#include "reports/upstream_output.h"
#include "tests/reports/export_parsing.h"
#include "tests/reports/report_store.h"

/// Every export is parsed back and compared with numbers that are worked out here from the samples
/// alone. All scores are multiples of 1/8, so sums are exact.
namespace crudbench {
namespace {

using namespace testing_support;

/// What the samples of one run say about one metric.
struct Expected {
  double sum = 0.0;
  int valid = 0;
  int failed = 0;
  int undefined = 0;

  double mean() const { return sum / valid; }
  double with_failures() const { return sum / (valid + failed); }
};

using RunKey = std::pair<std::string, std::string>;  ///< Retriever, task.

class Exports : public ::testing::Test {
 protected:
  void SetUp() override {
    int seed = 0;
    for (const char* retriever : {"bm25", "dense", "hybrid"}) {
      for (const char* task : {"event_summary", "questanswer_1doc"}) {
        add_run(retriever, task, ++seed);
      }
    }
    leaderboard_ = build_leaderboard(store_.store(), {.summary = {.resampling = {.resamples = 50}}},
                                     store_.executor());
    ASSERT_EQ(leaderboard_.tables.size(), 1U);
  }

  /// Eight samples; the last one fails in every second run, the first one has no recall.
  void add_run(const std::string& retriever, const std::string& task, int seed) {
    TestRun run{.task = task, .cell = cell_with("/retriever/type", retriever)};
    for (int i = 0; i < 8; ++i) {
      TestSample sample{.sample_id = task + std::to_string(i)};
      const bool fails = i == 7 && seed % 2 == 0;
      if (fails) {
        sample.failure = timeout();
      } else {
        const double value = (i * seed) % 9 / 8.0;
        sample.scores["rouge_l"] = value;
        sample.scores["bleu_upstream"] = (i + seed) % 9 / 8.0;
      }
      sample.scores["recall@8"] = i == 0 ? Json() : Json(i % 3 / 2.0);
      for (const char* metric : {"rouge_l", "bleu_upstream", "recall@8"}) {
        Expected& expected = expected_[{retriever, task}][metric];
        const Json score = sample.scores.value(metric, Json());
        expected.sum += score.is_number() ? score.get<double>() : 0.0;
        expected.valid += score.is_number() ? 1 : 0;
        expected.failed += fails && !sample.scores.contains(metric) ? 1 : 0;
        expected.undefined += sample.scores.contains(metric) && score.is_null() ? 1 : 0;
      }
      run.samples.push_back(std::move(sample));
    }
    store_.add(run);
  }

  /// "43.75 (38.28)" as tables for people show it.
  std::string shown(const RunKey& run, const std::string& metric) const {
    const Expected& expected = expected_.at(run).at(metric);
    char text[64];
    if (expected.failed > 0) {
      std::snprintf(text, sizeof text, "%.2f (%.2f)", expected.mean() * 100.0,
                    expected.with_failures() * 100.0);
    } else {
      std::snprintf(text, sizeof text, "%.2f", expected.mean() * 100.0);
    }
    return text;
  }

  ReportStore store_;
  Leaderboard leaderboard_;
  std::map<RunKey, std::map<std::string, Expected>> expected_;
};

TEST_F(Exports, CsvEqualsTheStore) {
  const auto records = parse_csv(leaderboard_csv(leaderboard_));
  std::size_t seen = 0;
  for (std::size_t line = 1; line < records.size(); ++line) {
    std::map<std::string, std::string> fields;
    for (std::size_t i = 0; i < records[0].size(); ++i) {
      fields[records[0][i]] = records[line][i];
    }
    const Expected& expected =
        expected_.at({fields["retriever/type"], fields["task"]}).at(fields["metric"]);
    EXPECT_EQ(std::strtod(fields["mean"].c_str(), nullptr), expected.mean());
    EXPECT_EQ(std::strtod(fields["mean_failures_as_zero"].c_str(), nullptr),
              expected.with_failures());
    EXPECT_EQ(fields["n_valid"], std::to_string(expected.valid));
    EXPECT_EQ(fields["n_failed"], std::to_string(expected.failed));
    EXPECT_EQ(fields["n_undefined"], std::to_string(expected.undefined));
    ++seen;
  }
  EXPECT_EQ(seen, 18U);  // 3 rows x 2 tasks x 3 metrics
}

TEST_F(Exports, JsonEqualsTheStore) {
  const Json parsed = Json::parse(to_text(leaderboard_json(leaderboard_)));
  std::size_t seen = 0;
  for (const Json& row : parsed["tables"][0]["rows"]) {
    for (const auto& [task, run] : row["runs"].items()) {
      for (const auto& [metric, summary] : run["metrics"].items()) {
        const Expected& expected =
            expected_.at({row["axes"]["retriever/type"].get<std::string>(), task}).at(metric);
        EXPECT_EQ(summary["mean"], expected.mean());
        EXPECT_EQ(summary["mean_failures_as_zero"], expected.with_failures());
        EXPECT_EQ(summary["n_valid"], expected.valid);
        EXPECT_EQ(summary["n_failed"], expected.failed);
        EXPECT_LE(summary["low"], summary["mean"]);
        EXPECT_GE(summary["high"], summary["mean"]);
        ++seen;
      }
    }
  }
  EXPECT_EQ(seen, 18U);
}

/// The cells of a line of a table, without white space at their ends and without markup.
std::vector<std::string> cells_of(const std::string& line, const std::string& separator) {
  std::vector<std::string> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(separator, begin), line.size());
    std::string cell = line.substr(begin, end - begin);
    for (const char* markup : {"**", "\\textbf{", "\\textsuperscript{", " \\["}) {
      const std::size_t at = cell.find(markup);
      if (std::string_view(markup) == "**" || std::string_view(markup) == "\\textbf{") {
        if (at != std::string::npos) {
          const std::size_t inside = at + std::string_view(markup).size();
          const std::size_t close = cell.find(markup[0] == '*' ? "**" : "}", inside);
          cell = cell.substr(0, at) + cell.substr(inside, close - inside) +
                 cell.substr(close + (markup[0] == '*' ? 2 : 1));
        }
      } else if (at != std::string::npos) {
        cell.resize(at);  // Superscripts and intervals.
      }
    }
    const std::size_t first = cell.find_first_not_of(' ');
    cells.push_back(first == std::string::npos
                        ? ""
                        : cell.substr(first, cell.find_last_not_of(' ') + 1 - first));
    begin = end + separator.size();
  }
  return cells;
}

TEST(ExportedMoney, EqualsTheSamples) {
  const RunRecord run{.run_id = 1,
                      .task = "event_summary",
                      .cell = cell_with("/retriever/type", "bm25"),
                      .provenance = {{"price", {{"currency", "CNY"}, {"input", 2.0}}}},
                      .sample_count = 3};
  SerialExecutor executor;
  const SampleSource samples = [](const SampleVisitor& visit) {
    const Json scores = {{"rouge_l", 0.5}};
    visit({.item_id = 1}, {.item_id = 1, .cost = 0.25, .scores = scores});               // Paid.
    visit({.item_id = 2}, {.item_id = 2, .cost = 0.0, .saved = 0.5, .scores = scores});  // Cached.
    visit({.item_id = 3}, {.item_id = 3, .scores = scores});  // Its usage is unknown.
  };
  std::vector<ScoredRun> scored;
  scored.push_back(score_run(run, samples, {.intervals = false}, executor));
  const Leaderboard leaderboard =
      build_leaderboard(std::nullopt, std::span(&run, 1), std::move(scored), executor);

  const Json json = leaderboard_json(leaderboard)["tables"][0]["rows"][0]["runs"]["event_summary"];
  EXPECT_EQ(json["cost"], 0.25);
  EXPECT_EQ(json["saved"], 0.5);
  EXPECT_EQ(json["n_cost_unknown"], 1);
  EXPECT_EQ(json["currency"], "CNY");

  const auto records = parse_csv(leaderboard_csv(leaderboard));
  std::map<std::string, std::string> fields;
  for (std::size_t i = 0; i < records[0].size(); ++i) {
    fields[records[0][i]] = records[1][i];
  }
  EXPECT_EQ(fields["cost"], "0.25");
  EXPECT_EQ(fields["saved"], "0.5");
  EXPECT_EQ(fields["n_cost_unknown"], "1");
  EXPECT_EQ(fields["currency"], "CNY");
}

/// Two tasks of a row with a price, and a row without one.
class MoneyTables : public ::testing::Test {
 protected:
  void SetUp() override {
    int task_number = 1;
    for (const char* task : {"event_summary", "questanswer_1doc"}) {
      TestRun priced{.task = task,
                     .cell = cell_with("/retriever/type", "dense"),
                     .provenance = {{"price", {{"currency", "C_NY"}, {"input", 2.0}}}}};
      for (int i = 0; i < 8; ++i) {
        const bool is_cached = i % 4 == 3;
        const double price = (i + 1) * task_number / 1024.0;
        priced.samples.push_back({.sample_id = task + std::to_string(i),
                                  .scores = {{"rouge_l", i / 8.0}},
                                  .cost = is_cached ? 0.0 : price,
                                  .saved = is_cached ? std::optional(price) : std::nullopt});
      }
      if (task_number == 2) {
        priced.samples[0].cost.reset();
      }
      TestRun free{.task = task, .samples = priced.samples};
      for (TestSample& sample : free.samples) {
        sample.cost.reset();
        sample.saved.reset();
      }
      store_.add(priced);
      store_.add(free);
      ++task_number;
    }
    // What the store holds, added up here.
    for (const RunRecord& run : store_.store().runs()) {
      store_.store().visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
        spent_[run.task] += sample.cost.value_or(0.0);
        saved_[run.task] += sample.saved.value_or(0.0);
      });
    }
    leaderboard_ =
        build_leaderboard(store_.store(), {.summary = {.intervals = false}}, store_.executor());
  }

  /// The amount in a cell, which may be followed by a currency.
  static double amount(std::string text) {
    for (const std::string_view mark : {"≥", "$\\geq$"}) {
      text = text.starts_with(mark) ? text.substr(mark.size()) : text;
    }
    return std::strtod(text.c_str(), nullptr);
  }

  /// Three significant digits are shown of these.
  static void expect_shown(const std::string& cell, double stored) {
    EXPECT_NEAR(amount(cell), stored, stored * 0.005) << cell;
    EXPECT_GT(stored, 0.0);
  }

  ReportStore store_;
  Leaderboard leaderboard_;
  std::map<std::string, double> spent_;  ///< By task.
  std::map<std::string, double> saved_;
};

TEST_F(MoneyTables, AreRightInMarkdown) {
  std::istringstream text(leaderboard_markdown(leaderboard_));
  std::size_t seen = 0;
  bool is_money = false;
  for (std::string line; std::getline(text, line);) {
    is_money = line.starts_with("### ") ? line == "### Money" : is_money;
    const std::vector<std::string> cells = cells_of(line, "|");
    if (is_money && cells.size() == 8 &&
        (cells[2].ends_with("summary") || cells[2].ends_with("1doc"))) {
      const std::string task = cells[2].ends_with("1doc") ? "questanswer_1doc" : "event_summary";
      EXPECT_EQ(cells[3], "C\\_NY");
      expect_shown(cells[4], spent_.at(task));
      expect_shown(cells[5], saved_.at(task));
      EXPECT_EQ(cells[6], task == "event_summary" ? "0" : "1");
      EXPECT_EQ(cells[4].starts_with("≥"), task == "questanswer_1doc");
      ++seen;
    }
  }
  EXPECT_EQ(seen, 2U) << "the row without a price has no line";
}

TEST_F(MoneyTables, AreRightInLatex) {
  std::istringstream text(leaderboard_latex(leaderboard_));
  std::string part;
  std::size_t seen = 0;
  for (std::string line; std::getline(text, line);) {
    if (const std::size_t at = line.find("\\caption{"); at != std::string::npos) {
      part = line.substr(at + 9, 7);
    }
    const std::vector<std::string> cells = cells_of(line, " & ");
    if (cells.size() < 5 || cells[1] != "dense") {
      continue;
    }
    const std::string& spent = cells[cells.size() - 2];
    const std::string& saved = cells[cells.size() - 1];
    EXPECT_NE(spent.find("C\\_NY"), std::string::npos) << line;
    const bool is_first = part == "event\\_";
    const bool is_average = part == "average";
    const double first = is_average || is_first ? 1.0 : 0.0;
    const double second = is_average || !is_first ? 1.0 : 0.0;
    expect_shown(spent, first * spent_["event_summary"] + second * spent_["questanswer_1doc"]);
    expect_shown(saved, first * saved_["event_summary"] + second * saved_["questanswer_1doc"]);
    ++seen;
  }
  EXPECT_EQ(seen, 3U);
}

TEST_F(MoneyTables, AreRightOnTheTerminal) {
  std::istringstream text(leaderboard_terminal(leaderboard_, false));
  std::string block;
  std::size_t seen = 0;
  for (std::string line; std::getline(text, line);) {
    if (line == "event_summary" || line == "questanswer_1doc" || line.starts_with("average")) {
      block = line;
    }
    if (!line.starts_with("dense")) {
      continue;
    }
    std::istringstream words(line);
    std::vector<std::string> cells(std::istream_iterator<std::string>(words), {});
    const double first = block == "questanswer_1doc" ? 0.0 : 1.0;
    const double second = block == "event_summary" ? 0.0 : 1.0;
    expect_shown(cells.at(cells.size() - 2),
                 first * spent_["event_summary"] + second * spent_["questanswer_1doc"]);
    expect_shown(cells.at(cells.size() - 1),
                 first * saved_["event_summary"] + second * saved_["questanswer_1doc"]);
    EXPECT_EQ(cells.at(cells.size() - 2).starts_with("≥"), second == 1.0);
    ++seen;
  }
  EXPECT_EQ(seen, 3U);
  EXPECT_NE(leaderboard_terminal(leaderboard_, false).find("C_NY"), std::string::npos);
}

TEST_F(Exports, ShowsNoMoneyWithoutAPrice) {
  EXPECT_EQ(leaderboard_markdown(leaderboard_).find("Money"), std::string::npos);
  EXPECT_EQ(leaderboard_terminal(leaderboard_, false).find("spent"), std::string::npos);
  EXPECT_EQ(leaderboard_latex(leaderboard_).find("& spent"), std::string::npos);
}

TEST(MoneyText, ShowsAsManyDecimalsAsItTakes) {
  EXPECT_EQ(money_text(std::nullopt), "–");
  EXPECT_EQ(money_text(0.0), "0");
  EXPECT_EQ(money_text(12.345), "12.35");
  EXPECT_EQ(money_text(0.5), "0.5");
  EXPECT_EQ(money_text(0.012345), "0.0123");
  EXPECT_EQ(money_text(0.00001234), "0.0000123");
  EXPECT_EQ(spent_text({.cost = 0.25, .unknown_count = 1}), "≥0.25");
  EXPECT_EQ(spent_text({.unknown_count = 1}), "–");
}

TEST_F(Exports, MarkdownEqualsTheStore) {
  std::istringstream text(leaderboard_markdown(leaderboard_));
  std::string task;
  std::size_t seen = 0;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("### ")) {
      task = line == "### event\\_summary"      ? "event_summary"
             : line == "### questanswer\\_1doc" ? "questanswer_1doc"
                                                : "";
    }
    const std::vector<std::string> cells = cells_of(line, "|");
    if (!task.empty() && cells.size() > 6 && expected_.contains({cells[1], task})) {
      EXPECT_EQ(cells[3], shown({cells[1], task}, "bleu_upstream")) << line;
      EXPECT_EQ(cells[4], shown({cells[1], task}, "rouge_l")) << line;
      EXPECT_EQ(cells[5], shown({cells[1], task}, "recall@8")) << line;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 6U);
}

TEST_F(Exports, LatexEqualsTheStore) {
  std::istringstream text(leaderboard_latex(leaderboard_));
  std::string task;
  std::size_t seen = 0;
  for (std::string line; std::getline(text, line);) {
    if (line.find("\\caption{") != std::string::npos) {
      task = line.find("event\\_summary") != std::string::npos      ? "event_summary"
             : line.find("questanswer\\_1doc") != std::string::npos ? "questanswer_1doc"
                                                                    : "";
    }
    const std::vector<std::string> cells = cells_of(line, " & ");
    if (!task.empty() && cells.size() == 7 && expected_.contains({cells[1], task})) {
      EXPECT_EQ(cells[3], shown({cells[1], task}, "bleu_upstream")) << line;
      EXPECT_EQ(cells[4], shown({cells[1], task}, "rouge_l")) << line;
      EXPECT_EQ(cells[5], shown({cells[1], task}, "recall@8")) << line;
      ++seen;
    }
  }
  EXPECT_EQ(seen, 6U);
}

TEST_F(Exports, TerminalEqualsTheStore) {
  std::istringstream text(leaderboard_terminal(leaderboard_, false));
  std::string task;
  std::size_t seen = 0;
  for (std::string line; std::getline(text, line);) {
    if (line == "event_summary" || line == "questanswer_1doc" || line.starts_with("average")) {
      task = line;
    }
    const std::string retriever = line.substr(0, line.find(' '));
    if (expected_.contains({retriever, task})) {
      for (const char* metric : {"bleu_upstream", "rouge_l", "recall@8"}) {
        EXPECT_NE(line.find("  " + shown({retriever, task}, metric)), std::string::npos)
            << metric << " in: " << line;
      }
      ++seen;
    }
  }
  EXPECT_EQ(seen, 6U);
}

TEST_F(Exports, UpstreamsFormEqualsTheStore) {
  std::size_t seen = 0;
  for (const RunRecord& run : store_.store().runs()) {
    const Json output = Json::parse(to_text(upstream_output(store_.store(), run)));
    const auto& expected =
        expected_.at({run.cell["retriever"]["type"].get<std::string>(), run.task});
    EXPECT_EQ(output["overall"]["avg. rouge-L"], expected.at("rouge_l").mean());
    EXPECT_EQ(output["overall"]["avg. bleu-avg"], expected.at("bleu_upstream").mean());
    EXPECT_EQ(output["overall"]["num"], expected.at("rouge_l").valid);
    double sum = 0.0;
    for (const Json& result : output["results"]) {
      sum += result["metrics"]["rouge-L"].get<double>();
    }
    EXPECT_EQ(sum, expected.at("rouge_l").sum);
    ++seen;
  }
  EXPECT_EQ(seen, 6U);
}

}  // namespace
}  // namespace crudbench
