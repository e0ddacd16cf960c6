#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// Two chunkers, two generators and all tasks of the sample data: 24 runs, half of them of a server
/// that takes its time.
class Jobs : public ::testing::Test {
 protected:
  std::vector<std::string> arguments(const std::string& workspace,
                                     std::vector<std::string> more) const {
    const Json endpoint = {{"type", "openai"},
                           {"base_url", server_.base_url()},
                           {"model", "m"},
                           {"max_concurrency", 4}};
    std::vector<std::string> all = {
        "run",         sample_config(),
        "--set",       "/retriever={\"type\":\"bm25\",\"top_k\":2}",
        "--set",       "/chunker/size=[64,256]",
        "--set",       "/metrics=[\"length\",\"retrieval\"]",
        "--set",       "/generator=" + to_text(Json::array({{{"type", "extractive"}}, endpoint})),
        "--workspace", folder_.path() / workspace,
        "--json"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  /// Most runs that were under way at the same time, by the events of `run --json`.
  static std::size_t most_at_a_time(const std::string& events) {
    std::istringstream lines(events);
    std::size_t now = 0;
    std::size_t most = 0;
    for (std::string line; std::getline(lines, line);) {
      const std::string event = Json::parse(line).at("event");
      now += event == "run_started" ? 1 : 0;
      now -= event == "run_finished" ? 1 : 0;
      most = std::max(most, now);
    }
    EXPECT_EQ(now, 0U);
    return most;
  }

  TemporaryFolder folder_;
  FaultServer server_{{"--rate", "0", "--delay-ms", "4", "--log", folder_.path() / "log"}};
};

TEST_F(Jobs, AreDoneSideBySideWithTheSameResults) {
  const ProcessResult one = crudbench(arguments("one", {"--jobs", "1"}));
  ASSERT_EQ(one.exit_status, 0) << one.errors;
  EXPECT_EQ(most_at_a_time(one.output), 1U);
  const ProcessResult several = crudbench(arguments("several", {"--jobs", "4"}));
  ASSERT_EQ(several.exit_status, 0) << several.errors;
  EXPECT_GT(most_at_a_time(several.output), 1U);
  EXPECT_EQ(workspace_digest(folder_.path() / "one"), workspace_digest(folder_.path() / "several"));
}

TEST_F(Jobs, KeepToTheMemory) {
  const ProcessResult result = crudbench(arguments("small", {"--jobs", "4", "--memory", "0.001M"}));
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, HasSubstr("--memory: the knowledge base of the chunker"));
  const ProcessResult enough = crudbench(arguments("small", {"--jobs", "4", "--memory", "3M"}));
  EXPECT_EQ(enough.exit_status, 0) << enough.errors;
  for (const char* size : {"3", "x", "-1G", "0G", "1e30G"}) {
    EXPECT_THAT(crudbench(arguments("small", {"--memory", size})).errors,
                HasSubstr("--memory: expected a size such as 6G or 800M"));
  }
}

/// Cells that differ in `top_k` have the same prompts where the context is cut: however many runs
/// are under way, the server is asked each of them once.
TEST_F(Jobs, AskForEveryCompletionOnce) {
  const ProcessResult result =
      crudbench(arguments("several", {"--jobs", "4", "--set", "/retriever/top_k=[1,2,4]", "--set",
                                      "/context/max_tokens=64"}));
  ASSERT_EQ(result.exit_status, 0) << result.errors;
  std::map<std::string, int> requests;  // by prompt
  std::ifstream log(folder_.path() / "log");
  for (std::string line; std::getline(log, line);) {
    ++requests[Json::parse(line).at("sha256").get<std::string>()];
  }
  EXPECT_GT(requests.size(), 84U);
  for (const auto& [digest, count] : requests) {
    EXPECT_EQ(count, 1) << digest;
  }
}

}  // namespace
}  // namespace crudbench
