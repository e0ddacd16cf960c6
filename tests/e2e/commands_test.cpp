#include <memory>

#include "harness/core/files.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

TEST(Program, ShowsItsCommandsAndTheirHelp) {
  const ProcessResult overview = crudbench({"--help"});
  EXPECT_EQ(overview.exit_status, 0);
  for (const char* command : {"doctor", "validate", "plan", "run", "score", "kb", "ls", "show",
                              "report", "compare", "serve", "leaderboard", "list"}) {
    EXPECT_THAT(overview.output, HasSubstr(std::string("  ") + command));
    const ProcessResult help = crudbench({command, "--help"});
    EXPECT_EQ(help.exit_status, 0) << command;
    EXPECT_THAT(help.output, HasSubstr("examples:\n  crudbench " + std::string(command)));
  }
  EXPECT_EQ(crudbench({}).exit_status, 2);
}

TEST(Program, SuggestsTheCommandThatWasMeant) {
  const ProcessResult result = crudbench({"reprot"});
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, HasSubstr("did you mean 'report'?"));
}

TEST(List, NamesEveryAxis) {
  const ProcessResult result = crudbench({"list", "--json"});
  EXPECT_EQ(result.exit_status, 0);
  const Json axes = Json::parse(result.output);
  std::vector<std::string> names;
  for (const Json& axis : axes) {
    names.push_back(axis.at("axis").get<std::string>());
    EXPECT_FALSE(axis.at("members").empty());
  }
  EXPECT_THAT(names, ::testing::ElementsAre("dataset", "chunker", "embedder", "index", "retriever",
                                            "task", "generator", "metric"));
}

TEST(List, IsWhatTheReadmeAndTheSchemaTell) {
  const std::string readme = read_file(source_root() / "README.md");
  const std::string schema = read_file(source_root() / "configs" / "experiment.schema.json");
  for (const Json& axis : Json::parse(crudbench({"list", "--json"}).output)) {
    for (const Json& member : axis.at("members")) {
      const std::string name = member.at("type").get<std::string>();
      EXPECT_THAT(readme, HasSubstr("`" + name + "`")) << "README.md lacks " << axis.at("axis");
      EXPECT_THAT(schema, HasSubstr("\"" + name + "\"")) << "the schema lacks " << axis.at("axis");
    }
  }
}

TEST(Doctor, FindsEverythingCompiledIn) {
  const TemporaryFolder folder;
  const ProcessResult result = crudbench({"doctor", "--json", "--workspace", folder.path()});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  for (const Json& check : Json::parse(result.output).at("checks")) {
    EXPECT_TRUE(check.at("ok").get<bool>()) << check;
  }
}

/// The sample experiment, run once for the tests below.
class SampleRun : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    result_ = crudbench({"run", sample_config(), "--workspace", workspace(), "--json"});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string workspace() { return (folder_->path() / "ws").string(); }

  static std::unique_ptr<TemporaryFolder> folder_;
  static ProcessResult result_;
};

std::unique_ptr<TemporaryFolder> SampleRun::folder_;
ProcessResult SampleRun::result_;

TEST_F(SampleRun, CoversEverySampleOfEveryCell) {
  EXPECT_EQ(result_.exit_status, 0) << result_.errors;
  const Json outcome = last_event(result_.output);
  EXPECT_EQ(outcome.at("runs"), 48);      // (2 chunk sizes x 3 retrievers + 2 bounds) x 6 tasks
  EXPECT_EQ(outcome.at("samples"), 672);  // 14 samples a task
  EXPECT_EQ(outcome.at("ok"), 672);
  EXPECT_EQ(outcome.at("failed"), 0);
}

TEST_F(SampleRun, DoesNothingTheSecondTime) {
  const std::string before = workspace_digest(workspace());
  const ProcessResult again = crudbench({"run", sample_config(), "--workspace", workspace()});
  EXPECT_EQ(again.exit_status, 0);
  EXPECT_THAT(again.errors, HasSubstr("48 runs were complete already"));
  EXPECT_EQ(workspace_digest(workspace()), before);
}

TEST_F(SampleRun, IsPlannedAsDone) {
  const Json plan = Json::parse(
      crudbench({"plan", sample_config(), "--workspace", workspace(), "--json"}).output);
  EXPECT_EQ(plan.at("samples_to_do"), 0);
  EXPECT_EQ(plan.at("requests_at_most"), 0);
  for (const Json& stage : plan.at("stages")) {
    EXPECT_TRUE(stage.at("cached").get<bool>()) << stage;
  }
}

TEST_F(SampleRun, BringsTheBoundsInOrder) {
  const Json report =
      Json::parse(crudbench({"report", workspace(), "--format", "json", "--no-intervals"}).output);
  const auto score = [&](const std::string& retriever) {
    for (const Json& row : report.at("tables").at(0).at("rows")) {
      if (row.at("cell").at("retriever").at("type") == retriever) {
        for (const Json& run : row.at("runs")) {
          if (run.at("task") == "questanswer_1doc") {
            return run.at("metrics").at("rouge_l").at("mean").get<double>();
          }
        }
      }
    }
    return -1.0;
  };
  EXPECT_GE(score("none"), 0.0);
  EXPECT_LT(score("none"), score("bm25"));
  EXPECT_LT(score("none"), score("gold"));
}

TEST_F(SampleRun, WritesTheReport) {
  const std::string folder = (folder_->path() / "report").string();
  const ProcessResult result = crudbench({"report", workspace(), "-o", folder});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(result.output, folder + "/report.html\n");
  EXPECT_THAT(read_file(folder + "/report.html"), HasSubstr("data-samples=\"items-0-0\""));
  EXPECT_THAT(read_file(folder + "/leaderboard.csv"), HasSubstr("rouge_l"));
  EXPECT_THAT(read_file(folder + "/leaderboard.md"), HasSubstr("| "));
  EXPECT_FALSE(Json::parse(read_file(folder + "/leaderboard.json")).empty());
}

TEST_F(SampleRun, ListsShowsAndComparesRuns) {
  const Json runs = Json::parse(crudbench({"ls", "--json", "--workspace", workspace()}).output);
  ASSERT_EQ(runs.size(), 48U);
  const std::string first = to_text(runs[0].at("run_id"));
  std::string other;
  for (const Json& run : runs) {
    if (run.at("task") == runs[0].at("task") && run != runs[0]) {
      other = to_text(run.at("run_id"));
    }
  }
  EXPECT_EQ(crudbench({"show", first, "--workspace", workspace()}).exit_status, 0);
  const ProcessResult sample = crudbench({"show", first, "a-es-001", "--workspace", workspace()});
  EXPECT_EQ(sample.exit_status, 0) << sample.errors;
  const ProcessResult comparison =
      crudbench({"compare", first, other, "--workspace", workspace(), "--json"});
  EXPECT_EQ(comparison.exit_status, 0) << comparison.errors;
  EXPECT_FALSE(Json::parse(comparison.output).at("comparisons").empty());
}

TEST_F(SampleRun, IsWrittenInUpstreamsFormWhichScoreReadsAgain) {
  const std::string folder = (folder_->path() / "upstream").string();
  const ProcessResult written =
      crudbench({"report", workspace(), "--format", "upstream", "-o", folder});
  EXPECT_EQ(written.exit_status, 0) << written.errors;
  const std::string file = written.output.substr(0, written.output.find('\n'));
  const Json output = Json::parse(read_file(file));
  EXPECT_EQ(output.at("info").at("task"), "Summary");
  const ProcessResult scored =
      crudbench({"score", file, "--workspace", folder_->path() / "again", "--json"});
  EXPECT_EQ(scored.exit_status, 0) << scored.errors;
  const Json metrics = Json::parse(scored.output)
                           .at("tables")[0]
                           .at("rows")[0]
                           .at("runs")
                           .at("event_summary")
                           .at("metrics");
  for (const auto& [theirs, ours] :
       {std::pair("avg. bleu-avg", "bleu_upstream"), std::pair("avg. bleu-1", "bleu_p1"),
        std::pair("avg. rouge-L", "rouge_l"), std::pair("avg. length", "length_chars")}) {
    EXPECT_DOUBLE_EQ(output.at("overall").at(theirs).get<double>(),
                     metrics.at(ours).at("mean").get<double>())
        << theirs;
  }
}

TEST_F(SampleRun, ComparesTwoSystemsOverAllTasks) {
  const ProcessResult result =
      crudbench({"report", workspace(), "--compare", "1", "7", "--format", "json"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(Json::parse(result.output).at("tasks").size(), 6U);
  const std::string folder = (folder_->path() / "comparison").string();
  const ProcessResult written =
      crudbench({"report", workspace(), "--compare", "1", "7", "-o", folder});
  EXPECT_EQ(written.exit_status, 0) << written.errors;
  EXPECT_THAT(read_file(folder + "/comparison.md"), HasSubstr("A against B"));
  EXPECT_THAT(read_file(folder + "/comparison.html"), HasSubstr("data-samples=\"prompts-"));
  EXPECT_EQ(crudbench({"report", "--compare", "1"}).exit_status, 2);
  EXPECT_EQ(
      crudbench({"report", "--compare", "1", "nothing", "--workspace", workspace()}).exit_status,
      2);
}

TEST_F(SampleRun, LetsTheKnowledgeBaseBeSearched) {
  const ProcessResult search = crudbench({"kb", "search", sample_config(), "储能电站并网投运",
                                          "--workspace", workspace(), "--top-k", "2", "--json"});
  EXPECT_EQ(search.exit_status, 0) << search.errors;
  const Json results = Json::parse(search.output);
  ASSERT_EQ(results.size(), 6U);
  for (const Json& result : results) {
    EXPECT_EQ(result.at("hits").size(), 2U);
  }
  EXPECT_THAT(results[0].at("hits").at(0).at("text").get<std::string>(), HasSubstr("储能"));
}

TEST_F(SampleRun, IsReadableWithoutWritePermission) {
  // As on a read-only medium: SQLite may then not make its side files.
  const TemporaryFolder copy;
  std::filesystem::copy(workspace(), copy.path() / "ws", std::filesystem::copy_options::recursive);
  std::filesystem::permissions(
      copy.path() / "ws", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  const ProcessResult result = crudbench({"ls", "--workspace", copy.path() / "ws"});
  std::filesystem::permissions(copy.path() / "ws", std::filesystem::perms::owner_all);
  EXPECT_EQ(result.exit_status, 0) << result.errors;
}

TEST(Check, FailsWhereAnswersHaveBecomeWorse) {
  const TemporaryFolder folder;
  for (const char* retriever : {"gold", "none"}) {
    const ProcessResult made =
        crudbench({"run", sample_config(), "--workspace", folder.path() / retriever, "--quiet",
                   "--set", "/retriever={\"type\":\"" + std::string(retriever) + "\"}"});
    ASSERT_EQ(made.exit_status, 0) << made.errors;
  }
  const std::string good = folder.path() / "gold";
  const std::string bad = folder.path() / "none";
  EXPECT_EQ(crudbench({"check", good, good}).exit_status, 0);
  EXPECT_EQ(crudbench({"check", bad, good, "--max-drop", "rouge_l=1"}).exit_status, 0);
  const ProcessResult worse = crudbench({"check", good, bad, "--max-drop", "rouge_l=1"});
  EXPECT_EQ(worse.exit_status, 6) << worse.output << worse.errors;
  EXPECT_THAT(worse.output, HasSubstr("rouge_l"));
  const ProcessResult allowed = crudbench({"check", good, bad, "--max-drop", "rouge_l=99"});
  EXPECT_EQ(allowed.exit_status, 0) << allowed.output << allowed.errors;
}

TEST(Score, ScoresPredictionsMadeElsewhere) {
  const TemporaryFolder folder;
  const auto file = folder.write(
      "mine.jsonl",
      "{\"id\": \"a-hm-004\", \"task\": \"hallu_modified\", \"prediction\": \"活动每天4场。\"}\n");
  const ProcessResult result =
      crudbench({"score", file, "--samples", source_root() / "datasets/sample/samples.json",
                 "--workspace", folder.path() / "ws", "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("\"mine\""));
}

TEST_F(SampleRun, TakesSystemsThatRanElsewhereIntoItsTables) {
  const TemporaryFolder copy;
  std::filesystem::copy(workspace(), copy.path() / "ws", std::filesystem::copy_options::recursive);
  const Json samples =
      read_json_file(source_root() / "datasets/sample/samples.json", ErrorCode::kInvalidData);
  std::string lines;
  for (const Json& sample : samples.at("questanswer_2docs")) {
    if (sample.at("ID") != "a-q2-001") {
      lines += to_text({{"id", sample.at("ID")},
                        {"task", "questanswer_2docs"},
                        {"prediction", sample.at("answers")},
                        {"contexts", {"与问题无关", sample.at("news2").get<std::string>()}}}) +
               "\n";
    }
  }
  lines += R"({"id": "nobody", "task": "questanswer_2docs", "prediction": "甲"})";
  const ProcessResult score =
      crudbench({"score", copy.write("other.jsonl", lines), "--config", sample_config(), "--name",
                 "other-lab", "--workspace", copy.path() / "ws"});
  EXPECT_EQ(score.exit_status, 0) << score.errors;
  EXPECT_THAT(score.errors, HasSubstr("1 predictions belong to no sample"));
  const Json report =
      Json::parse(crudbench({"report", copy.path() / "ws", "--format", "json"}).output);
  ASSERT_EQ(report.at("tables").size(), 1U) << "one table with the cells that ran here";
  Json row;
  for (const Json& candidate : report.at("tables")[0].at("rows")) {
    if (candidate.at("cell").at("generator").value("model", "") == "other-lab") {
      row = candidate;
    }
  }
  ASSERT_TRUE(row.is_object());
  const Json& run = row.at("runs").at("questanswer_2docs");
  EXPECT_EQ(run.at("ok"), 13);
  EXPECT_EQ(run.at("failures").at("retrieval/missing"), 1);
  EXPECT_DOUBLE_EQ(run.at("metrics").at("rouge_l").at("mean"), 1.0);
  EXPECT_DOUBLE_EQ(run.at("metrics").at("mrr").at("mean"), 0.5);
  EXPECT_DOUBLE_EQ(run.at("metrics").at("recall@8").at("mean"), 0.5);
}

TEST(Score, LeavesRetrievalUndefinedWhereNoContextsAreKnown) {
  const TemporaryFolder folder;
  const auto file = folder.write(
      "mine.jsonl",
      "{\"id\": \"a-hm-004\", \"task\": \"hallu_modified\", \"prediction\": \"活动每天4场。\"}\n");
  const ProcessResult result = crudbench(
      {"score", file, "--config", sample_config(), "--workspace", folder.path() / "ws", "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Json run =
      Json::parse(result.output).at("tables")[0].at("rows")[0].at("runs").at("hallu_modified");
  EXPECT_EQ(run.at("ok"), 1);
  EXPECT_TRUE(run.at("metrics").at("mrr").at("mean").is_null());
}

TEST(Validate, ReportsTheHealthOfQuestionBanks) {
  const TemporaryFolder folder;
  folder.write("HalluModified_quest_gt_save.json",
               R"({"a-hm-001": {"question": ["一？"], "answers": ["甲"]}, "a-hm-002": {},
                   "a-hm-003": {"question": ["一？", "二？"], "answers": ["甲"]}})");
  const Json metrics = Json::array({{{"type", "quest_eval"},
                                     {"judge", {{"type", "extractive"}}},
                                     {"bank", folder.path().string()}}});
  const ProcessResult result =
      crudbench({"validate", sample_config(), "--workspace", folder.path() / "ws", "--json",
                 "--set", "/metrics=" + to_text(metrics)});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  Json hallu_modified;
  const Json health = Json::parse(result.output);
  for (const Json& bank : health.at("question_banks")) {
    EXPECT_EQ(bank.contains("entries"), bank.at("task") == "hallu_modified");
    if (bank.contains("entries")) {
      hallu_modified = bank;
    }
  }
  EXPECT_EQ(hallu_modified.at("entries"), 3);
  EXPECT_EQ(hallu_modified.at("empty"), 1);
  EXPECT_EQ(hallu_modified.at("unequal"), 1);
  EXPECT_EQ(hallu_modified.at("usable"), 1);
  EXPECT_EQ(hallu_modified.at("samples_with_entry"), 3);
}

TEST(Plan, StandsWhereTimeCannotBeToldForWantOfAScratchFolder) {
  const TemporaryFolder folder;
  for (const std::string& place : {std::string("/nowhere"), std::string("/proc/self")}) {
    const ProcessResult result =
        run_process(program(), {"plan", sample_config(), "--workspace", folder.path() / "ws"},
                    {"TMPDIR=" + place});
    EXPECT_EQ(result.exit_status, 0) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr("time and disk space cannot be told: cannot "));
    EXPECT_THAT(result.output, HasSubstr("samples to do: 672 of 672"));
  }
}

TEST(Validate, ListsTwentyIssuesOfAKindAndSaysHowManyMore) {
  const TemporaryFolder folder;
  Json records = Json::array();
  for (int i = 0; i < 30; ++i) {
    records.push_back({{"ID", std::to_string(i)},
                       {"event", i < 5 ? "台风登陆。" : ""},
                       {"text", "台风登陆，学校停课。"},
                       {"summary", "停课。"}});
  }
  const std::string samples =
      folder.write("samples.json", to_text({{"event_summary", std::move(records)}}));
  const auto validate = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"validate",    sample_config(),
                                          "--workspace", folder.path() / "ws",
                                          "--set",       "/dataset/samples=" + samples,
                                          "--set",       "/dataset/tasks=[\"event_summary\"]"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return crudbench(arguments);
  };
  const ProcessResult people = validate({});
  EXPECT_THAT(people.output, HasSubstr("empty_field: 5 more; --json lists them all"));
  std::size_t lines = 0;
  for (std::size_t at = 0;
       (at = people.output.find("excluded  empty_field", at)) != std::string::npos; ++at) {
    ++lines;
  }
  EXPECT_EQ(lines, 20U);
  EXPECT_EQ(Json::parse(validate({"--json"}).output).at("data").at("issues").size(), 25U);
}

TEST(Validate, ReportsTheHealthOfTheData) {
  const TemporaryFolder folder;
  const ProcessResult result =
      crudbench({"validate", sample_config(), "--workspace", folder.path() / "ws", "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Json data = Json::parse(result.output).at("data");
  EXPECT_EQ(data.at("samples"), 84);
  EXPECT_GE(data.at("documents").get<int>(), 120);
  EXPECT_EQ(data.at("duplicate_documents"), 2);
  for (const auto& [task, count] : data.at("records").items()) {
    EXPECT_GE(count.get<int>(), 12) << task;
  }
}

}  // namespace
}  // namespace crudbench
