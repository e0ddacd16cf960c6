#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <signal.h>
#include <unistd.h>

#include "harness/core/files.h"
#include "harness/store/store.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "sk-crudbench-secret-7f3a";

/// The sample data, one retriever, against an endpoint.
std::vector<std::string> endpoint_run(const std::string& base_url, const std::string& workspace) {
  const Json generator = {{"type", "openai"},      {"base_url", base_url},
                          {"model", "m"},          {"timeout_s", 1},
                          {"backoff_s", 0.01},     {"max_attempts", 4},
                          {"max_concurrency", 16}, {"api_key_env", "CRUDBENCH_TEST_KEY"}};
  return {"run",         sample_config(),
          "--workspace", workspace,
          "--set",       "/retriever={\"type\":\"bm25\",\"top_k\":3}",
          "--set",       "/chunker/size=128",
          "--set",       "/generator=" + to_text(generator)};
}

ProcessResult run_with_key(std::vector<std::string> arguments) {
  return run_process(program(), arguments, {std::string("CRUDBENCH_TEST_KEY=") + kKey});
}

/// The last event of `run --json`.
Json outcome_of(const ProcessResult& result) {
  return last_event(result.output);
}

TEST(Endpoint, BringsEverySampleToItsFateDespiteFaults) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0.3", "--hang-seconds", "3"});
  auto arguments = endpoint_run(server.base_url(), folder.path() / "ws");
  arguments.insert(arguments.end(), {"--json", "--max-failures", "100%"});
  const ProcessResult result = run_with_key(arguments);
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Json outcome = outcome_of(result);
  EXPECT_EQ(outcome.at("samples"), 84);
  EXPECT_EQ(outcome.at("ok").get<int>() + outcome.at("failed").get<int>(), 84);
}

TEST(Endpoint, ExitsWithFourWhereTooManySamplesFail) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0", "--always-fail-rate", "0.3", "--hang-seconds", "3"});
  auto arguments = endpoint_run(server.base_url(), folder.path() / "ws");
  arguments.insert(arguments.end(), {"--json", "--max-failures", "2"});
  const ProcessResult result = run_with_key(arguments);
  EXPECT_EQ(result.exit_status, 4) << result.errors;
  const Json outcome = outcome_of(result);
  EXPECT_GT(outcome.at("failed").get<int>(), 2);
  EXPECT_EQ(outcome.at("ok").get<int>() + outcome.at("failed").get<int>(), 84);
  for (const Json& run :
       Json::parse(crudbench({"ls", "--json", "--workspace", folder.path() / "ws"}).output)) {
    EXPECT_EQ(run.at("pending"), 0);
  }
}

/// Two tasks, answered without a model and judged by an endpoint.
std::vector<std::string> judged_run(const std::string& base_url, const std::string& workspace) {
  const Json judge = {{"type", "openai"},      {"base_url", base_url},
                      {"model", "judge"},      {"timeout_s", 1},
                      {"backoff_s", 0.01},     {"max_attempts", 4},
                      {"max_concurrency", 16}, {"api_key_env", "CRUDBENCH_TEST_KEY"}};
  const Json metrics = {"rouge", {{"type", "quest_eval"}, {"judge", judge}}};
  return {"run",
          sample_config(),
          "--workspace",
          workspace,
          "--json",
          "--set",
          "/retriever={\"type\":\"bm25\",\"top_k\":3}",
          "--set",
          "/chunker/size=128",
          "--set",
          "/dataset/tasks=[\"questanswer_1doc\",\"hallu_modified\"]",
          "--set",
          "/metrics=" + to_text(metrics)};
}

/// How often each outcome of the value whose name begins so occurs: "value", "undefined" or a
/// failure class.
std::map<std::string, int> outcomes_of(const std::string& workspace, const std::string& metric) {
  std::map<std::string, int> outcomes;
  Store store(Workspace{workspace}, Database::Mode::kReadOnly);
  for (const RunRecord& run : store.runs()) {
    store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
      for (const auto& [name, score] : sample.scores.items()) {
        if (name.starts_with(metric + "[")) {
          ++outcomes[score.is_number() ? "value"
                     : score.is_null() ? "undefined"
                                       : score.at("failed").get<std::string>()];
        }
      }
    });
  }
  return outcomes;
}

TEST(Judge, LeavesNoSampleWithoutAnOutcomeDespiteFaultsAndProse) {
  const TemporaryFolder folder;
  const FaultServer server(
      {"--rate", "0.2", "--always-fail-rate", "0.1", "--prose-rate", "0.3", "--hang-seconds", "3"});
  const ProcessResult result = run_with_key(judged_run(server.base_url(), folder.path() / "ws"));
  EXPECT_EQ(result.exit_status, 0) << "a judge voids no sample: " << result.errors;
  EXPECT_EQ(outcome_of(result).at("ok"), 28);
  const auto outcomes = outcomes_of(folder.path() / "ws", "quest_clean_recall");
  int count = 0;
  for (const auto& [outcome, times] : outcomes) {
    EXPECT_THAT(outcome, ::testing::MatchesRegex("value|undefined|questions_unparsable|judge_.*"));
    count += times;
  }
  EXPECT_EQ(count, 28);
  EXPECT_GT(outcomes.at("value"), 5);
  EXPECT_GT(outcomes.size(), 1U) << "some judgements failed, and say how";
  EXPECT_THAT(result.output + result.errors, Not(HasSubstr(kKey)));
}

TEST(Judge, ContinuesAfterKillsWithoutAskingTwice) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const FaultServer server({"--rate", "0", "--delay-ms", "50", "--log", log});
  const auto arguments = judged_run(server.base_url(), folder.path() / "ws");
  for (const int milliseconds : {200, 300, 400}) {
    Process process(program(), arguments, {std::string("CRUDBENCH_TEST_KEY=") + kKey});
    ::usleep(static_cast<useconds_t>(milliseconds) * 1000);
    process.signal(SIGKILL);
    process.wait();
  }
  EXPECT_EQ(run_with_key(arguments).exit_status, 0);
  EXPECT_EQ(outcomes_of(folder.path() / "ws", "quest_clean_recall"),
            (std::map<std::string, int>{{"value", 28}}));
  std::size_t requests = 0;
  std::set<std::string> prompts;
  for (const std::string& line : read_lines(log)) {
    ++requests;
    prompts.insert(Json::parse(line).at("sha256").get<std::string>());
  }
  // Only what was under way when a process died is sent again: at most 16 requests a kill.
  EXPECT_GE(prompts.size(), 3U * 28U - 16U);
  EXPECT_LE(requests, prompts.size() + 3U * 16U);
  run_with_key(arguments);
  EXPECT_EQ(read_lines(log).size(), requests) << "a finished run asks nothing";
}

TEST(Endpoint, ContinuesAfterKillsWithoutAskingTwice) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const FaultServer server({"--rate", "0", "--delay-ms", "20", "--log", log});
  const auto arguments = endpoint_run(server.base_url(), folder.path() / "ws");
  for (const int milliseconds : {150, 250, 350}) {
    Process process(program(), arguments, {std::string("CRUDBENCH_TEST_KEY=") + kKey});
    ::usleep(static_cast<useconds_t>(milliseconds) * 1000);
    process.signal(SIGKILL);
    process.wait();
  }
  const ProcessResult last = run_with_key(arguments);
  EXPECT_EQ(last.exit_status, 0) << last.errors;
  std::map<std::string, int> times;
  for (const std::string& line : read_lines(log)) {
    ++times[Json::parse(line).at("sha256").get<std::string>()];
  }
  EXPECT_EQ(times.size(), 84U);
  // What was in flight when the process died may come again: at most 16 requests each time.
  int repeated = 0;
  for (const auto& [request, count] : times) {
    repeated += count - 1;
  }
  EXPECT_LE(repeated, 3 * 16);
}

TEST(Endpoint, KeepsTheKeyToItself) {
  const TemporaryFolder folder;
  // A server that says the key again and again, among all its other faults.
  const FaultServer server({"--rate", "0.5", "--always-fail-rate", "0.2", "--hang-seconds", "2",
                            "--echo", kKey, "--seed", "2"});
  const std::string workspace = folder.path() / "ws";
  auto arguments = endpoint_run(server.base_url(), workspace);
  arguments.insert(arguments.end(), {"--verbose", "--json", "--log-bodies"});
  Process process(program(), arguments, {std::string("CRUDBENCH_TEST_KEY=") + kKey});
  std::string command_line;
  while (!process.has_ended() && process.output().find("\"sample\"") == std::string::npos) {
    std::ifstream file("/proc/" + std::to_string(process.pid()) + "/cmdline");
    command_line.append(std::istreambuf_iterator<char>(file), {});
    ::usleep(2000);
  }
  EXPECT_THAT(command_line, HasSubstr("/generator="));
  EXPECT_THAT(command_line, Not(HasSubstr(kKey)));
  const ProcessResult result = process.wait();
  EXPECT_THAT(result.output, HasSubstr("experiment_finished")) << result.errors;
  EXPECT_THAT(result.output + result.errors, Not(HasSubstr(kKey)));
  std::string shown;
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"report", workspace, "-o", folder.path() / "ws" / "report"},
        {"report", workspace, "-o", folder.path() / "ws" / "json", "--format", "json"},
        {"ls", "--json", "--workspace", workspace},
        {"show", "1", "--json", "--workspace", workspace},
        {"cache", "export", folder.path() / "ws" / "answers.jsonl", "--workspace", workspace},
        {"fsck", workspace},
        {"plan", sample_config(), "--json", "--workspace", workspace}}) {
    const ProcessResult told = crudbench(command);
    shown += told.output + told.errors;
  }
  EXPECT_THAT(shown, Not(HasSubstr(kKey)));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (entry.is_regular_file()) {
      ++files;
      EXPECT_THAT(read_file(entry.path()), Not(HasSubstr(kKey))) << entry.path();
    }
  }
  EXPECT_GT(files, 4U);
}

TEST(Endpoint, NamesAMissingKeyBeforeAnyWork) {
  const TemporaryFolder folder;
  const ProcessResult result =
      crudbench(endpoint_run("http://127.0.0.1:9/v1", folder.path() / "ws"));
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, HasSubstr("CRUDBENCH_TEST_KEY"));
}

TEST(Endpoint, IsCheckedByValidate) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0"});
  const auto generator = [&](const std::string& url) {
    return "/generator={\"type\":\"openai\",\"model\":\"m\",\"max_attempts\":1,\"base_url\":\"" +
           url + "\"}";
  };
  const std::string workspace = folder.path() / "ws";
  EXPECT_EQ(crudbench({"validate", sample_config(), "--workspace", workspace, "--set",
                       generator(server.base_url())})
                .exit_status,
            0);
  const ProcessResult closed = crudbench({"validate", sample_config(), "--workspace", workspace,
                                          "--set", generator("http://127.0.0.1:9/v1")});
  EXPECT_EQ(closed.exit_status, 4);
  EXPECT_THAT(closed.output, HasSubstr("connect"));
}

}  // namespace
}  // namespace crudbench
