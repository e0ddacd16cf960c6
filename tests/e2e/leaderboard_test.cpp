#include <algorithm>
#include <filesystem>
#include <memory>

#include "harness/core/files.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// Two rows of the sample experiment and their bundles.
class SharedLeaderboard : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TemporaryFolder>();
    crudbench({"run", sample_config(), "--workspace", path("ws"), "--set",
               "/retriever=[{\"type\":\"bm25\",\"top_k\":3},{\"type\":\"none\"}]", "--set",
               "/chunker/size=128"});
    submit_ = crudbench({"leaderboard", "submit", "--name", "our lab", "-o", path("bundles"),
                         "--with-predictions", "--workspace", path("ws")});
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::string path(const std::string& name) { return (folder_->path() / name).string(); }
  static std::string samples_file() {
    return (source_root() / "datasets" / "sample" / "samples.json").string();
  }

  static std::unique_ptr<TemporaryFolder> folder_;
  static ProcessResult submit_;
};

std::unique_ptr<TemporaryFolder> SharedLeaderboard::folder_;
ProcessResult SharedLeaderboard::submit_;

TEST_F(SharedLeaderboard, VerifiesWhatWasSubmittedDownToThePredictions) {
  ASSERT_EQ(submit_.exit_status, 0) << submit_.errors;
  EXPECT_EQ(std::count(submit_.output.begin(), submit_.output.end(), '\n'), 2);
  const ProcessResult result =
      crudbench({"leaderboard", "verify", path("bundles"), "--samples", samples_file(), "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.output;
  for (const Json& bundle : Json::parse(result.output).at("bundles")) {
    EXPECT_EQ(bundle.at("runs"), 6);
    EXPECT_EQ(bundle.at("predictions_scored_again"), 84);
    EXPECT_GT(bundle.at("scores_compared"), 84 * 5);
  }
}

TEST_F(SharedLeaderboard, FindsAPredictionThatDoesNotScoreWhatIsStated) {
  // A forger who exchanges a prediction and seals the file again cannot keep its scores: here the
  // file is sealed by submitting a store whose scores were changed.
  const std::string copy = path("forged");
  std::filesystem::copy(path("ws"), copy, std::filesystem::copy_options::recursive);
  ASSERT_EQ(run_process("/usr/bin/sqlite3",
                        {copy + "/crudbench.db",
                         "UPDATE samples SET scores = json_set(scores, '$.rouge_l', 0.99) "
                         "WHERE id = 1"})
                .exit_status,
            0);
  crudbench({"leaderboard", "submit", "--name", "forger", "-o", path("forged-bundles"),
             "--with-predictions", "--workspace", copy});
  EXPECT_EQ(crudbench({"leaderboard", "verify", path("forged-bundles")}).exit_status, 0)
      << "by itself the file is sound";
  const ProcessResult result =
      crudbench({"leaderboard", "verify", path("forged-bundles"), "--samples", samples_file()});
  EXPECT_EQ(result.exit_status, 3);
  EXPECT_THAT(result.output, HasSubstr("rouge_l is stated as 0.99, the prediction scores"));
}

TEST_F(SharedLeaderboard, MergesIntoTablesAndRefusesAChangedFile) {
  const ProcessResult merged =
      crudbench({"leaderboard", "merge", path("bundles"), "-o", path("board")});
  EXPECT_EQ(merged.exit_status, 0) << merged.errors;
  EXPECT_THAT(read_file(path("board/leaderboard.md")), HasSubstr("| bm25 |"));
  const Json board = Json::parse(read_file(path("board/leaderboard.json")));
  const Json report = Json::parse(crudbench({"report", path("ws"), "--format", "json"}).output);
  for (std::size_t row = 0; row < 2; ++row) {
    const auto mean = [&](const Json& table) {
      for (const Json& candidate : table.at("tables").at(0).at("rows")) {
        if (candidate.at("cell").at("retriever").at("type") == (row == 0 ? "bm25" : "none")) {
          return candidate.at("runs").at("event_summary").at("metrics").at("rouge_l");
        }
      }
      return Json();
    };
    EXPECT_EQ(mean(board).at("mean"), mean(report).at("mean"));
    EXPECT_EQ(mean(board).at("low"), mean(report).at("low"));
  }

  std::filesystem::create_directories(path("changed"));
  const auto first = *std::filesystem::directory_iterator(path("bundles"));
  std::string text = read_file(first.path());
  text.replace(text.find("\"cached\":false"), 14, "\"cached\":true ");
  write_file_atomically(path("changed") + "/b.jsonl", text);
  const ProcessResult refused = crudbench({"leaderboard", "merge", path("changed")});
  EXPECT_EQ(refused.exit_status, 3);
  EXPECT_THAT(refused.errors, HasSubstr("SHA-256 of the samples differs"));
}

TEST_F(SharedLeaderboard, SaysWhatIsMissing) {
  EXPECT_EQ(crudbench({"leaderboard", "submit", "-o", path("x")}).exit_status, 2);
  EXPECT_EQ(crudbench({"leaderboard", "verify"}).exit_status, 2);
  EXPECT_EQ(crudbench({"leaderboard", "verify", path("missing.jsonl")}).exit_status, 3);
  EXPECT_EQ(crudbench({"leaderboard", "weigh"}).exit_status, 2);
}

}  // namespace
}  // namespace crudbench
