#include <algorithm>
#include <signal.h>
#include <unistd.h>

#include "harness/core/files.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;
using ::testing::Not;

class BadInput : public ::testing::Test {
 protected:
  /// Runs the sample experiment with these overrides in a workspace of its own.
  ProcessResult run(const std::vector<std::string>& overrides) {
    std::vector<std::string> arguments{"run", sample_config(), "--quiet", "--workspace",
                                       workspace_};
    for (const std::string& text : overrides) {
      arguments.insert(arguments.end(), {"--set", text});
    }
    return crudbench(arguments);
  }

  /// One clear sentence on stderr, nothing on stdout, the exit code.
  void expect_error(const ProcessResult& result, int exit_status, const std::string& fragment) {
    EXPECT_EQ(result.exit_status, exit_status) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(fragment));
    EXPECT_EQ(std::count(result.errors.begin(), result.errors.end(), '\n'), 1) << result.errors;
    EXPECT_THAT(result.errors, Not(HasSubstr("exception")));
    EXPECT_EQ(result.output, "");
  }

  TemporaryFolder folder_;
  std::string workspace_ = folder_.path() / "ws";
};

TEST_F(BadInput, MissingFiles) {
  expect_error(crudbench({"run", folder_.path() / "no.json"}), 3, "no.json");
  expect_error(run({"/dataset/samples=" + (folder_.path() / "no.json").string()}), 3, "no.json");
  expect_error(run({"/dataset/corpus=" + (folder_.path() / "nowhere").string()}), 3, "nowhere");
}

TEST_F(BadInput, AFolderInPlaceOfAFile) {
  expect_error(crudbench({"run", folder_.path()}), 3, "Is a directory");
  expect_error(run({"/dataset/samples=" + folder_.path().string()}), 3, "directory");
}

TEST_F(BadInput, TruncatedJson) {
  const auto config = folder_.write("c.json", "{\n \"dataset\": [");
  expect_error(crudbench({"run", config}), 2, "c.json:2:");
  const auto samples = folder_.write("s.json", "{\n \"event_summary\": [\n  {\"ID\": \"1\"");
  expect_error(run({"/dataset/samples=" + samples.string()}), 3, "s.json:3:");
}

TEST_F(BadInput, UnknownKeysAndWrongTypes) {
  expect_error(run({"/retriver={\"type\": \"bm25\"}"}), 2, "did you mean 'retriever'?");
  expect_error(run({"/index/typ=1"}), 2, "/index/typ: unknown key; did you mean 'type'?");
  expect_error(run({"/dataset/seed=\"x\""}), 2, "/dataset/seed: expected an integer");
  expect_error(run({"/metrics=[\"blue\"]"}), 2, "did you mean 'bleu'?");
  expect_error(run({"/dataset/limit=0"}), 2, "/dataset/limit: expected an integer >= 1, found 0");
  expect_error(run({"/chunker/size=0"}), 2, "/chunker/size");
}

TEST_F(BadInput, UnknownOptions) {
  expect_error(crudbench({"run", sample_config(), "--worksapce", "x"}), 2,
               "did you mean '--workspace'?");
  expect_error(crudbench({"run", sample_config(), "--max-failures", "many"}), 2, "--max-failures");
  expect_error(crudbench({"run"}), 2, "expected CONFIG");
}

TEST_F(BadInput, AnEmptyCorpus) {
  std::filesystem::create_directory(folder_.path() / "empty");
  expect_error(run({"/dataset/corpus=" + (folder_.path() / "empty").string()}), 3, "empty");
}

TEST_F(BadInput, AnUnreadableCorpusFile) {
  std::filesystem::create_directory(folder_.path() / "docs");
  folder_.write("docs/a.txt", "一篇新闻。\n");
  std::filesystem::create_symlink(folder_.path() / "gone", folder_.path() / "docs" / "b.txt");
  expect_error(run({"/dataset/corpus=" + (folder_.path() / "docs").string()}), 3, "b.txt");
}

TEST_F(BadInput, AWorkspaceThatCannotBeWrittenTo) {
  workspace_ = "/proc/crudbench";
  expect_error(run({}), 3, "/proc/crudbench");
}

TEST_F(BadInput, AWorkspaceThatIsAFile) {
  workspace_ = folder_.write("file", "x");
  expect_error(run({}), 3, "file");
}

TEST_F(BadInput, AWorkspaceInUse) {
  std::filesystem::create_directory(workspace_);
  const FaultServer server({"--rate", "0", "--delay-ms", "60000"});
  Process holder(program(), {"run", sample_config(), "--workspace", workspace_, "--set",
                             "/generator={\"type\":\"openai\",\"base_url\":\"" + server.base_url() +
                                 "\",\"model\":\"m\"}"});
  while (!std::filesystem::exists(workspace_ + "/crudbench.db")) {
    ASSERT_FALSE(holder.has_ended());
    ::usleep(10'000);
  }
  expect_error(run({}), 3, "is in use by process");
  holder.signal(SIGKILL);
}

TEST_F(BadInput, ADamagedDatabase) {
  folder_.write("ws/crudbench.db", std::string(8192, 'x'));
  expect_error(run({}), 3, "crudbench.db");
  EXPECT_EQ(read_file(workspace_ + "/crudbench.db"), std::string(8192, 'x'));
}

TEST_F(BadInput, ADiskThatIsFull) {
  // A file size limit stands for the full disk: writing fails in the same places.
  ProcessResult result =
      run_process("/bin/bash", {"-c", "ulimit -f 200; trap '' XFSZ; exec \"$@\"", "bash", program(),
                                "run", sample_config(), "--quiet", "--workspace", workspace_});
  expect_error(result, 3, workspace_);
  result = run({});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const TemporaryFolder other;
  crudbench({"run", sample_config(), "--quiet", "--workspace", other.path() / "ws"});
  EXPECT_EQ(workspace_digest(workspace_), workspace_digest(other.path() / "ws"));
}

TEST_F(BadInput, AReaderThatHasSeenEnough) {
  const ProcessResult result = run_process(
      "/bin/bash", {"-c", "\"$1\" list | true; exit ${PIPESTATUS[0]}", "bash", program()});
  EXPECT_TRUE(result.exit_status == 128 + SIGPIPE || result.exit_status == 0) << result.exit_status;
  EXPECT_EQ(result.errors, "");
}

TEST_F(BadInput, HostilePredictionsGetATypedOutcomeEach) {
  constexpr std::size_t kHugeBytes = 10'000'000;
  const auto line = [](const std::string& id, const std::string& prediction,
                       const std::string& reference) {
    return "{\"id\": \"" + id + "\", \"task\": \"event_summary\", \"prediction\": \"" + prediction +
           "\", \"reference\": \"" + reference + "\"}\n";
  };
  std::string huge;
  while (huge.size() < kHugeBytes) {
    huge += "新华社北京电，记者获悉：";
  }
  const auto file = folder_.write(
      "hostile.jsonl",
      line("huge", huge, "新华社北京电") + line("nul", "新闻\\u0000发布", "新闻发布") +
          line("bytes", "\xFF\xE4\xBD", "新闻发布") + line("marks", "新闻，发布。", "，。！？") +
          line("nothing", "", "新闻发布") + line("no reference", "新闻", ""));
  const ProcessResult result = crudbench({"score", file, "--workspace", workspace_, "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Json run =
      Json::parse(result.output).at("tables").at(0).at("rows").at(0).at("runs").at("event_summary");
  EXPECT_EQ(run.at("samples"), 6);
  EXPECT_EQ(run.at("failures"), Json({{"generation/empty", 1}, {"generation/invalid_utf8", 1}}));
  const Json& rouge = run.at("metrics").at("rouge_l");
  EXPECT_EQ(rouge.at("n_valid"), 3) << rouge;
  EXPECT_EQ(rouge.at("n_failed"), 3) << rouge;
}

}  // namespace
}  // namespace crudbench
