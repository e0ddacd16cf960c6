#include <chrono>
#include <filesystem>
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

std::vector<std::string> run_arguments(const std::string& base_url, const std::string& workspace,
                                       const Json& changes = Json::object()) {
  Json generator = {{"type", "openai"},       {"base_url", base_url},
                    {"model", "m"},           {"timeout_s", 2},
                    {"backoff_s", 0.002},     {"pause_s", 0.02},
                    {"max_concurrency", 64},  {"api_key_env", "CRUDBENCH_TEST_KEY"},
                    {"retry_budget", 1000.0}, {"adaptive_concurrency", false}};
  generator.update(changes);
  return {"run",         sample_config(),
          "--workspace", workspace,
          "--json",      "--quiet",
          "--set",       "/retriever={\"type\":\"bm25\",\"top_k\":1}",
          "--set",       "/chunker/size=128",
          "--set",       "/metrics=[\"length\"]",
          "--set",       "/generator=" + to_text(generator)};
}

ProcessResult run_with_key(const std::vector<std::string>& arguments) {
  return run_process(program(), arguments, {std::string("CRUDBENCH_TEST_KEY=") + kKey});
}

/// What the client has to call what the server did.
const std::map<std::string, std::string>& class_of_outcome() {
  static const std::map<std::string, std::string> classes = {{"ok", "ok"},
                                                             {"429", "rate_limited"},
                                                             {"429_retry_after", "rate_limited"},
                                                             {"storm_429", "rate_limited"},
                                                             {"500", "http_5xx"},
                                                             {"503", "http_5xx"},
                                                             {"storm_500", "http_5xx"},
                                                             {"hang", "timeout"},
                                                             {"slow_loris", "timeout"},
                                                             {"garbage", "malformed"},
                                                             {"html", "malformed"},
                                                             {"invalid_json", "malformed"},
                                                             {"nan", "malformed"},
                                                             {"truncated_gzip", "malformed"},
                                                             {"reset", "connect"},
                                                             {"close_mid_body", "connect"},
                                                             {"reset_mid_body", "connect"},
                                                             {"huge", "too_large"},
                                                             {"redirect", "redirect"},
                                                             {"401", "http_4xx"}};
  return classes;
}

/// Attempts by class, as the store has them.
std::map<std::string, int> recorded_attempts(const std::string& workspace, int& samples) {
  std::map<std::string, int> attempts;
  const Store store(Workspace{workspace}, Database::Mode::kReadOnly);
  for (const RunRecord& run : store.runs()) {
    store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
      ++samples;
      EXPECT_EQ(sample.attempt_count, static_cast<std::int64_t>(sample.attempts.size()));
      int ok = 0;
      for (const Json& attempt : sample.attempts) {
        const std::string what = attempt.value("class", "ok");
        ok += what == "ok" ? 1 : 0;
        ++attempts[what];
      }
      EXPECT_EQ(ok, sample.failure ? 0 : 1) << "sent again after success";
      if (sample.failure) {
        EXPECT_EQ(sample.attempts.back().at("class"), sample.failure->failure_class);
      }
    });
  }
  return attempts;
}

/// A samples file with that many questions, each of its own.
std::filesystem::path write_samples(const TemporaryFolder& folder, int count) {
  Json list = Json::array();
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    list.push_back({{"ID", "q" + number},
                    {"event", "第" + number + "件事"},
                    {"news1", "第" + number + "篇报道"},
                    {"questions", "第" + number + "个问题是什么？"},
                    {"answers", "第" + number + "个答案"}});
  }
  return folder.write("samples.json", to_text(Json{{"questanswer_1doc", list}}));
}

/// So many requests to a server that does everything wrong that a server can. What the client
/// has recorded, attempt by attempt, is what the server says it did.
void expect_equal_books(const Json& changes, const std::string& seed, int count) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const std::string workspace = folder.path() / "ws";
  const FaultServer server(
      {"--rate", "0.15", "--hang-seconds", "5", "--seed", seed, "--storm", "400", "--log", log});
  auto arguments = run_arguments(server.base_url(), workspace, changes);
  const std::filesystem::path samples = write_samples(folder, count);
  arguments.insert(arguments.end(), {"--set", "/dataset/samples=" + samples.string(), "--set",
                                     "/dataset/tasks=[\"questanswer_1doc\"]", "--set",
                                     "/dataset/kb=paper", "--max-failures", "100%"});
  const ProcessResult result = run_with_key(arguments);
  ASSERT_EQ(result.exit_status, 0) << result.errors;
  const Json outcome = last_event(result.output);
  EXPECT_EQ(outcome.at("samples"), count);
  EXPECT_EQ(outcome.at("ok").get<int>() + outcome.at("failed").get<int>(), count);

  int samples_seen = 0;
  const std::map<std::string, int> recorded = recorded_attempts(workspace, samples_seen);
  EXPECT_EQ(samples_seen, count);
  std::map<std::string, int> served;
  std::set<std::string> outcomes;
  std::set<std::string> answered;
  for (const std::string& line : read_lines(log)) {
    const Json entry = Json::parse(line);
    const std::string what = entry.at("outcome").get<std::string>();
    outcomes.insert(what);
    if (what != "redirect_loop") {
      ++served[class_of_outcome().at(what)];
    }
    const std::string digest = entry.at("sha256").get<std::string>();
    EXPECT_FALSE(answered.contains(digest)) << "sent again after success: " << line;
    if (what == "ok") {
      answered.insert(digest);
    }
  }
  EXPECT_EQ(recorded, served);
  for (const auto& [what, failure_class] : class_of_outcome()) {
    EXPECT_TRUE(outcomes.contains(what)) << "the server never did this: " << what;
  }
}

TEST(Faults, EndFiveThousandRequestsWithEqualBooks) {
  expect_equal_books(Json::object(), "3", 5000);
}

TEST(Faults, EndStreamsWithEqualBooks) {
  expect_equal_books({{"stream", true}}, "3", 1500);
}

TEST(Faults, OfAWrongModelNameEndTheRunWithTheServersWords) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0", "--only-model", "right"});
  const auto arguments = run_arguments(server.base_url(), folder.path() / "ws");
  const ProcessResult result = run_with_key(arguments);
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, HasSubstr("HTTP 404: the model 'm' does not exist"));
  EXPECT_THAT(result.errors, HasSubstr("no other was sent"));
}

TEST(Faults, OfAWrongModelNameLeaveNoRunComplete) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0", "--only-model", "right"});
  auto arguments = run_arguments(server.base_url(), folder.path() / "ws");
  std::erase(arguments, "--quiet");
  const ProcessResult result = run_with_key(arguments);
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, Not(HasSubstr("complete already")));
}

/// What the server was asked, by what distinguishes requests: how often it answered, and how often
/// it did not.
struct Asked {
  int answered = 0;
  int failed = 0;
};

std::map<std::string, Asked> asked_of(const std::string& log) {
  std::map<std::string, Asked> asked;
  for (const std::string& line : read_lines(log)) {
    const Json entry = Json::parse(line);
    Asked& one = asked[entry.at("sha256").get<std::string>()];
    ++(entry.at("outcome") == "ok" ? one.answered : one.failed);
  }
  return asked;
}

TEST(Faults, AreRetriedAloneAndJudgedAsAShare) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const FaultServer server({"--rate", "0.15", "--hang-seconds", "3", "--seed", "3", "--log", log});
  const auto run_with = [&](std::vector<std::string> more) {
    auto arguments = run_arguments(server.base_url(), folder.path() / "ws", {{"max_attempts", 1}});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_with_key(arguments);
  };
  const ProcessResult first = run_with({"--max-failures", "1%"});
  EXPECT_EQ(first.exit_status, 4) << first.errors;
  EXPECT_GT(last_event(first.output).at("failed").get<int>(), 1);
  const std::map<std::string, Asked> before = asked_of(log);
  const std::size_t lines = read_lines(log).size();

  EXPECT_EQ(run_with({"--max-failures", "50%"}).exit_status, 0);
  EXPECT_EQ(read_lines(log).size(), lines) << "failures are final without --retry-failed";
  int status = 4;
  for (int round = 0; round < 8 && status != 0; ++round) {
    status = run_with({"--retry-failed", "--max-failures", "0"}).exit_status;
  }
  EXPECT_EQ(status, 0);
  for (const auto& [request, now] : asked_of(log)) {
    EXPECT_EQ(now.answered, 1) << "once, and not again after an answer";
    const auto earlier = before.find(request);
    ASSERT_NE(earlier, before.end());
    EXPECT_TRUE(earlier->second.answered == 0 || now.failed == earlier->second.failed);
  }
}

TEST(Faults, OfNoTlsEndTheRun) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0"});
  std::string url = server.base_url();
  url.replace(0, 4, "https");
  const ProcessResult result =
      run_with_key(run_arguments(url, folder.path() / "ws", {{"max_attempts", 1}}));
  EXPECT_EQ(result.exit_status, 2) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("the first request was refused"));
}

TEST(Faults, OfAKeyThatIsWithdrawnHalfWayStopTheRunAndItGoesOn) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const std::string workspace = folder.path() / "ws";
  const FaultServer server(
      {"--rate", "0", "--log", log, "--withdraw-key-from", "40", "--withdraw-key-to", "64"});
  const auto arguments = run_arguments(server.base_url(), workspace, {{"max_concurrency", 2}});
  const ProcessResult stopped = run_with_key(arguments);
  EXPECT_EQ(stopped.exit_status, 4);
  // The other request that was under way may be refused before the run has stopped.
  EXPECT_THAT(stopped.errors, ::testing::ContainsRegex("1[67] requests in a row were refused"));
  EXPECT_THAT(stopped.errors, HasSubstr("the key was withdrawn"));
  auto retry = arguments;
  retry.insert(retry.end(), {"--retry-failed", "--max-failures", "100%"});
  // Each is refused its first request, and sends no other, until the key counts again: of the 24
  // refusals the first run has taken 16 at least.
  ProcessResult last = run_with_key(retry);
  for (int refused = 0; refused < 8 && last.exit_status != 0; ++refused) {
    EXPECT_THAT(last.errors, HasSubstr("no other was sent"));
    last = run_with_key(retry);
  }
  EXPECT_EQ(last.exit_status, 0) << last.errors;
  EXPECT_EQ(last_event(last.output).at("ok"), 84);
}

/// As for a laptop that sleeps: every clock has jumped when it wakes up.
TEST(Faults, OfAProcessThatStoodStillPass) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0", "--delay-ms", "20"});
  const auto arguments =
      run_arguments(server.base_url(), folder.path() / "ws",
                    {{"timeout_s", 1}, {"max_concurrency", 4}, {"pause_s", 0.01}});
  Process process(program(), arguments, {std::string("CRUDBENCH_TEST_KEY=") + kKey});
  while (process.output().find("\"sample\"") == std::string::npos && !process.has_ended()) {
    ::usleep(2000);
  }
  process.signal(SIGSTOP);
  ::usleep(1'500'000);
  process.signal(SIGCONT);
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  EXPECT_EQ(last_event(result.output).at("ok"), 84);
}

/// The wall clock jumps by days, back and forth, while requests are under way: nothing is waited
/// for, given up or timed by it.
TEST(Faults, OfTheWallClockPass) {
  constexpr const char* kFakeTime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
  if (!std::filesystem::exists(kFakeTime)) {
    GTEST_SKIP() << kFakeTime << " is not there (Debian: libfaketime)";
  }
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0.1", "--hang-seconds", "0.2", "--delay-ms", "20"});
  const std::filesystem::path clock = folder.write("clock", "+0\n");
  const std::string workspace = folder.path() / "ws";
  auto arguments =
      run_arguments(server.base_url(), workspace, {{"max_concurrency", 4}, {"pause_s", 0.01}});
  arguments.insert(arguments.end(), {"--max-failures", "100%"});
  const auto start = std::chrono::steady_clock::now();
  Process process(
      program(), arguments,
      {std::string("CRUDBENCH_TEST_KEY=") + kKey, std::string("LD_PRELOAD=") + kFakeTime,
       "FAKETIME_TIMESTAMP_FILE=" + clock.string(), "FAKETIME_NO_CACHE=1",
       "FAKETIME_DONT_FAKE_MONOTONIC=1"});
  for (const char* offset : {"-10d\n", "+400d\n", "-1h\n", "+2d\n"}) {
    ::usleep(100'000);
    folder.write("clock", offset);
  }
  const ProcessResult result = process.wait();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(result.exit_status, 0) << result.errors;
  const Json outcome = last_event(result.output);
  EXPECT_EQ(outcome.at("ok").get<int>() + outcome.at("failed").get<int>(), 84);
  const Store store(Workspace{workspace}, Database::Mode::kReadOnly);
  const CompletionTotals totals = store.completion_totals();
  EXPECT_NE(totals.oldest.substr(0, 10), totals.newest.substr(0, 10)) << "the clock did jump";
  for (const RunRecord& run : store.runs()) {
    store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
      EXPECT_GE(sample.generation_seconds, 0.0);
      EXPECT_LT(sample.generation_seconds, wall.count());
    });
  }
}

}  // namespace
}  // namespace crudbench
