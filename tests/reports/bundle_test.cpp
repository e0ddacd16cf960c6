#include "reports/bundle.h"

#include <gmock/gmock.h>
#include <sstream>

#include "harness/core/fingerprint.h"
#include "reports/renderers.h"
#include "tests/reports/report_store.h"

namespace crudbench {
namespace {

using namespace testing_support;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr SummaryOptions kOptions;

/// One row with two tasks, a failure, an undefined value.
void fill(ReportStore& store) {
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}, {"recall@8", 1.0}}},
                         {"s2", {{"rouge_l", 0.25}, {"recall@8", nullptr}}},
                         {"s3", {{"recall@8", 0.5}}, timeout()}},
             .provenance = {{"prompt_sha256", "p1"}}});
  store.add({.task = "questanswer_1doc", .samples = {{"q1", {{"rouge_l", 0.75}}}}});
}

Bundle bundle_of(ReportStore& store, const std::string& system = "lab-a",
                 bool with_predictions = false) {
  return make_bundles(store.store(), std::nullopt,
                      {.system = system, .with_predictions = with_predictions}, store.executor())
      .at(0);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line + "\n");
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line;
  }
  return text;
}

/// Exchanges a part of the text that is there once.
std::string exchanged(std::string text, const std::string& part, const std::string& other) {
  const std::size_t at = text.find(part);
  EXPECT_NE(at, std::string::npos);
  EXPECT_EQ(text.find(part, at + 1), std::string::npos);
  return text.replace(at, part.size(), other);
}

/// What a forger would do: the same file with hashes that fit it again.
std::string sealed_again(const std::string& text) {
  std::vector<std::string> lines = lines_of(text);
  lines.pop_back();
  std::string parts[3];
  for (std::size_t i = 0; i < lines.size(); ++i) {
    parts[i == 0 ? 0 : lines[i].starts_with("{\"run\"") ? 1 : 2] += lines[i];
  }
  const Json hashes = {{"config", sha256_hex(parts[0])},
                       {"metrics", sha256_hex(parts[1])},
                       {"samples", sha256_hex(parts[2])},
                       {"bundle", sha256_hex(joined(lines))}};
  return joined(lines) + to_text({{"sha256", hashes}}) + "\n";
}

std::vector<std::string> problems_of(const std::string& text) {
  SerialExecutor executor;
  return check_bundle(parse_bundle(text, "b.jsonl"), executor);
}

TEST(Bundle, ComesBackAsItWasMade) {
  ReportStore store;
  fill(store);
  const Bundle made = bundle_of(store);
  const std::string text = bundle_text(made);
  const Bundle read = parse_bundle(text, "b.jsonl");
  EXPECT_EQ(bundle_text(read), text);
  EXPECT_EQ(read.system, "lab-a");
  ASSERT_EQ(read.runs.size(), 2U);
  EXPECT_EQ(read.runs[0].summary["metrics"]["rouge_l"]["mean"], 0.375);
  EXPECT_EQ(read.runs[0].summary["failures"]["generation/timeout"], 1);
  EXPECT_THAT(problems_of(text), IsEmpty());
}

TEST(Bundle, IsTheSameBytesEachTime) {
  ReportStore store;
  fill(store);
  const std::string text = bundle_text(bundle_of(store));
  EXPECT_EQ(bundle_text(bundle_of(store)), text);
  EXPECT_EQ(bundle_file_name(bundle_of(store), text),
            "lab-a-" + sha256_hex(text).substr(0, 10) + ".jsonl");
}

TEST(Bundle, IsNamedByLettersDigitsAndHyphensOnly) {
  EXPECT_EQ(bundle_file_name({.system = "../Our lab/系统 2"}, "x"),
            "Our-lab-2-" + sha256_hex("x").substr(0, 10) + ".jsonl");
  EXPECT_EQ(bundle_file_name({.system = "系统"}, "x"),
            "system-" + sha256_hex("x").substr(0, 10) + ".jsonl");
}

TEST(Bundle, HoldsNoTextOfTheDataSet) {
  ReportStore store;
  fill(store);
  const std::string text = bundle_text(bundle_of(store));
  for (const char* secret : {"查询", "参考", "news_1.txt", "预测", "no answer in 60 s"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
  EXPECT_THAT(text, HasSubstr(sha256_hex("参考 s1")));
  EXPECT_THAT(bundle_text(bundle_of(store, "lab-a", true)), HasSubstr("预测"));
}

TEST(Bundle, LeavesOutPathsAndPasswords) {
  ReportStore store;
  TestRun run{.samples = {{"s1", {{"rouge_l", 0.5}}}}};
  run.cell["generator"] = {{"type", "openai"},
                           {"model", "/home/me/models/q.gguf"},
                           {"base_url", "https://me:secret@host:8080/v1?key=k"},
                           {"command", {"./run.sh", "--fast"}}};
  store.add(run);
  const Json generator = bundle_of(store).runs[0].run.cell["generator"];
  EXPECT_EQ(generator["model"], "q.gguf");
  EXPECT_EQ(generator["base_url"], "https://host:8080/v1");
  EXPECT_EQ(generator["command"], Json::array({"run.sh", "--fast"}));
}

TEST(Bundle, IsMadeOfCompleteRunsOnly) {
  ReportStore store;
  store.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}, .sample_count = 3});
  EXPECT_ERROR(bundle_of(store), ErrorCode::kInvalidConfig,
               "run 1 (event_summary) lacks 2 of 3 samples");
}

TEST(Bundle, IsOneForEachCellAndData) {
  ReportStore store;
  fill(store);
  store.add(
      {.cell = cell_with("/retriever/type", "dense"), .samples = {{"s1", {{"rouge_l", 1.0}}}}});
  store.add({.samples = {{"s1", {{"rouge_l", 1.0}}}}, .mode = "paper"});
  std::vector<std::size_t> runs;
  for (const Bundle& bundle :
       make_bundles(store.store(), std::nullopt, {.system = "s"}, store.executor())) {
    runs.push_back(bundle.runs.size());
  }
  EXPECT_THAT(runs, ElementsAre(2, 1, 1));
}

TEST(BundleTampering, IsFoundWhereAScoreWasChanged) {
  ReportStore store;
  fill(store);
  const std::string changed =
      exchanged(bundle_text(bundle_of(store)), "\"rouge_l\":0.25}", "\"rouge_l\":0.95}");
  EXPECT_ERROR(parse_bundle(changed, "b.jsonl"), ErrorCode::kInvalidData,
               "b.jsonl:8/sha256: SHA-256 of the samples differs");
  EXPECT_THAT(problems_of(sealed_again(changed)),
              ::testing::Contains(HasSubstr("event_summary: /metrics/rouge_l/mean is stated as "
                                            "0.375, its samples give 0.725")));
}

TEST(BundleTampering, IsFoundWhereASampleWasDropped) {
  ReportStore store;
  fill(store);
  std::vector<std::string> lines = lines_of(bundle_text(bundle_of(store)));
  lines.erase(lines.begin() + 3);  // s2
  EXPECT_ERROR(parse_bundle(joined(lines), "b.jsonl"), ErrorCode::kInvalidData,
               "SHA-256 of the samples differs");
  EXPECT_THAT(problems_of(sealed_again(joined(lines))),
              ::testing::Contains("event_summary: 3 samples are stated, there are 2"));
}

TEST(BundleTampering, IsFoundWhereAMeanWasChanged) {
  ReportStore store;
  fill(store);
  const std::string changed =
      exchanged(bundle_text(bundle_of(store)), "\"mean\":0.375,", "\"mean\":0.376,");
  EXPECT_ERROR(parse_bundle(changed, "b.jsonl"), ErrorCode::kInvalidData,
               "SHA-256 of the statements on runs differs");
  EXPECT_THAT(problems_of(sealed_again(changed)),
              ElementsAre(HasSubstr("/metrics/rouge_l/mean is stated as 0.376")));
}

TEST(BundleTampering, IsFoundWhereTheConfigurationWasChanged) {
  ReportStore store;
  fill(store);
  EXPECT_ERROR(
      parse_bundle(exchanged(bundle_text(bundle_of(store)), "\"bm25\"", "\"dense\""), "b.jsonl"),
      ErrorCode::kInvalidData, "SHA-256 of the configuration differs");
}

TEST(BundleTampering, IsFoundWhereAHashWasEdited) {
  ReportStore store;
  fill(store);
  std::vector<std::string> lines = lines_of(bundle_text(bundle_of(store)));
  char& digit = lines.back()[lines.back().find("\"bundle\":\"") + 10];
  digit = digit == '0' ? '1' : '0';
  EXPECT_ERROR(parse_bundle(joined(lines), "b.jsonl"), ErrorCode::kInvalidData,
               "the file was changed after it was made");
}

TEST(BundleTampering, IsFoundWhereLinesChangedPlaces) {
  ReportStore store;
  fill(store);
  std::vector<std::string> lines = lines_of(bundle_text(bundle_of(store)));
  std::swap(lines[1], lines[5]);  // The two runs: the second then has the samples of the first.
  EXPECT_ERROR(parse_bundle(joined(lines), "b.jsonl"), ErrorCode::kInvalidData, "SHA-256 of");
}

TEST(BundleTampering, IsFoundWhereTheFileWasCutOrContinued) {
  ReportStore store;
  fill(store);
  std::vector<std::string> lines = lines_of(bundle_text(bundle_of(store)));
  std::vector<std::string> longer = lines;
  longer.push_back("{\"run\":{}}\n");
  EXPECT_ERROR(parse_bundle(joined(longer), "b.jsonl"), ErrorCode::kInvalidData,
               "nothing may stand after the hashes");
  lines.pop_back();
  EXPECT_ERROR(parse_bundle(joined(lines), "b.jsonl"), ErrorCode::kInvalidData,
               "it does not end with a line of hashes");
}

TEST(BundleReader, SaysWhatIsWrongAndWhere) {
  EXPECT_ERROR(parse_bundle("", "b"), ErrorCode::kInvalidData, "it was cut short");
  EXPECT_ERROR(parse_bundle("[]", "b"), ErrorCode::kInvalidData, "b:1: expected an object");
  EXPECT_ERROR(parse_bundle("{", "b"), ErrorCode::kInvalidData, "b:1: not valid JSON");
  EXPECT_ERROR(parse_bundle("{}", "b"), ErrorCode::kInvalidData, "not a bundle of crudbench");
  EXPECT_ERROR(parse_bundle(R"({"format":"crudbench-bundle","version":2})", "b"),
               ErrorCode::kInvalidData, "version 2; this crudbench reads version 1");
  EXPECT_ERROR(parse_bundle("\xFF", "b"), ErrorCode::kInvalidData, "not valid UTF-8");
  ReportStore store;
  fill(store);
  const std::string text = bundle_text(bundle_of(store));
  EXPECT_ERROR(
      parse_bundle(exchanged(text, "\"samples\":3,\"summary\"", "\"samples\":-3,\"summary\""), "b"),
      ErrorCode::kInvalidData, "b:2/run: expected \"samples\" to be an integer from 0 to ");
  EXPECT_ERROR(parse_bundle(exchanged(text, "\"id\":\"s2\"", "\"id\":\"s1\""), "b"),
               ErrorCode::kInvalidData, "b:4/sample: sample 's1' stands twice");
}

TEST(MergedBundles, AreOneTableWithTheNumbersOfTheStore) {
  ReportStore here;
  fill(here);
  ReportStore there;
  there.add({.cell = cell_with("/retriever/type", "dense"),
             .samples = {{"s2", {{"rouge_l", 1.0}}}, {"s1", {{"rouge_l", 0.5}}}}});
  const std::vector<Bundle> bundles = {bundle_of(here), bundle_of(there, "lab-b")};
  const Leaderboard merged = merge_bundles(bundles, kOptions, here.executor());
  ASSERT_EQ(merged.tables.size(), 1U);
  const LeaderboardTable& table = merged.tables[0];
  EXPECT_THAT(table.axes, ::testing::Contains("system"));
  ASSERT_EQ(table.rows.size(), 2U);
  const MetricSummary* first = table.rows[0].runs.at("event_summary").metric("rouge_l");
  const Leaderboard stored = build_leaderboard(here.store(), {}, here.executor());
  const MetricSummary* same = stored.tables[0].rows[0].runs.at("event_summary").metric("rouge_l");
  EXPECT_EQ(first->mean, same->mean);
  EXPECT_EQ(first->interval, same->interval);
  EXPECT_THAT(leaderboard_markdown(merged), HasSubstr("| lab-b |"));
}

TEST(MergedBundles, AreComparedSampleBySampleWhateverTheirOrder) {
  // Twelve samples, the second system 0.5 better on each; its file has them backwards.
  ReportStore here;
  ReportStore there;
  TestRun worse;
  TestRun better;
  for (int i = 0; i < 12; ++i) {
    worse.samples.push_back({"s" + std::to_string(i), {{"rouge_l", i / 64.0}}});
    better.samples.insert(better.samples.begin(),
                          {"s" + std::to_string(i), {{"rouge_l", i / 64.0 + 0.5}}});
  }
  here.add(worse);
  there.add(better);
  const std::vector<Bundle> bundles = {bundle_of(here), bundle_of(there, "lab-b")};
  const Leaderboard merged = merge_bundles(bundles, kOptions, here.executor());
  ASSERT_EQ(merged.tables[0].rows.size(), 2U) << "one cell of two systems is two rows";
  const auto& rows = merged.tables[0].rows;
  EXPECT_EQ(rows[0].runs.at("event_summary").metric("rouge_l")->rank, 2U);
  EXPECT_THAT(rows[1].runs.at("event_summary").metric("rouge_l")->better_than, ElementsAre(0));
}

TEST(MergedBundles, OfOtherDataAreTablesOfTheirOwn) {
  ReportStore here;
  fill(here);
  ReportStore there;
  there.add({.samples = {{"s1", {{"rouge_l", 0.5}}}}, .mode = "paper"});
  const std::vector<Bundle> bundles = {bundle_of(here), bundle_of(there, "lab-b")};
  const Leaderboard merged = merge_bundles(bundles, kOptions, here.executor());
  EXPECT_EQ(merged.tables.size(), 2U);
  EXPECT_EQ(leaderboard_json(merged)["not_comparable"][0],
            "knowledge base (gold_augmented, paper)");
}

TEST(MergedBundles, AreRefusedWhereReferencesDisagreeOrOneStandsTwice) {
  ReportStore here;
  fill(here);
  std::vector<Bundle> bundles = {bundle_of(here), bundle_of(here)};
  EXPECT_ERROR(merge_bundles(bundles, kOptions, here.executor()), ErrorCode::kInvalidData,
               "two bundles of 'lab-a' hold the same run f1");
  bundles[1].system = "lab-b";
  bundles[1].runs[0].samples[0].reference_sha256 = sha256_hex("another");
  EXPECT_ERROR(merge_bundles(bundles, kOptions, here.executor()), ErrorCode::kInvalidData,
               "the bundles disagree on the reference of event_summary/s1");
}

}  // namespace
}  // namespace crudbench
