#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <set>
#include <signal.h>
#include <string_view>
#include <unistd.h>

#include "harness/core/random.h"
#include "harness/store/store.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Interrupts the sample run `times` times at random moments with `signal`, lets it end, and
/// expects what an undisturbed run gives.
void expect_same_results_after(int signal, int times, std::uint64_t seed) {
  const TemporaryFolder folder;
  const std::string undisturbed = folder.path() / "undisturbed";
  const double seconds = seconds_of([&] {
    ASSERT_EQ(crudbench({"run", sample_config(), "--workspace", undisturbed}).exit_status, 0);
  });
  Random random(seed);
  const std::string disturbed = folder.path() / "disturbed";
  for (int i = 0; i < times; ++i) {
    Process process(program(), {"run", sample_config(), "--workspace", disturbed});
    ::usleep(static_cast<useconds_t>(random.unit() * seconds * 1e6));
    process.signal(signal);
    const int status = process.wait().exit_status;
    EXPECT_TRUE(status == 0 || status == 5 || status == 128 + signal) << status;
  }
  EXPECT_EQ(crudbench({"run", sample_config(), "--workspace", disturbed}).exit_status, 0);
  EXPECT_EQ(workspace_digest(disturbed), workspace_digest(undisturbed));
}

/// What distinguishes the answers of the fault server: the first digits of their request's digest.
std::set<std::string> stored_digests(const std::string& workspace) {
  std::set<std::string> digests;
  if (!std::filesystem::exists(workspace + "/crudbench.db")) {
    return digests;
  }
  try {
    const Store store(Workspace{workspace}, Database::Mode::kReadOnly);
    store.visit_completions([&](CompletionRecord&& record) {
      constexpr std::string_view kOpen = "（";
      const std::size_t open = record.text.rfind(kOpen);
      digests.insert(record.text.substr(open + kOpen.size(), 8));
    });
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("a run was cut off before it began"));
  }
  return digests;
}

/// How many times a stress test kills; CRUDBENCH_KILLS overrides.
int kill_count(int default_count) {
  const char* text = std::getenv("CRUDBENCH_KILLS");
  return text == nullptr ? default_count : std::atoi(text);
}

/// `kill -9` at random moments against an endpoint: what is stored is never asked for again, and
/// the results are bitwise those of an undisturbed run. A run that ends before it is killed starts
/// over in a fresh workspace.
TEST(Resume, KeepsEveryAnswerThroughKillsAgainstAnEndpoint) {
  const TemporaryFolder folder;
  const std::string log = folder.path() / "log";
  const FaultServer server({"--rate", "0", "--delay-ms", "4", "--log", log});
  const auto arguments = [&](const std::string& workspace) {
    return std::vector<std::string>{
        "run",
        sample_config(),
        "--workspace",
        workspace,
        "--quiet",
        "--json",
        "--set",
        "/retriever={\"type\":\"bm25\",\"top_k\":2}",
        "--set",
        "/chunker/size=128",
        "--set",
        "/generator={\"type\":\"openai\",\"model\":\"m\",\"max_concurrency\":8,"
        "\"base_url\":\"" +
            server.base_url() + "\"}"};
  };
  const std::string undisturbed = folder.path() / "undisturbed";
  const double seconds =
      seconds_of([&] { ASSERT_EQ(crudbench(arguments(undisturbed)).exit_status, 0); });
  const std::string expected = workspace_digest(undisturbed);

  Random random(24);
  int round = 0;
  std::size_t seen = read_lines(log).size();
  std::string workspace = folder.path() / "0";
  for (int kill = 0; kill < kill_count(6); ++kill) {
    const std::set<std::string> before = stored_digests(workspace);
    Process process(program(), arguments(workspace));
    ::usleep(static_cast<useconds_t>(random.unit() * seconds * 1e6));
    process.signal(SIGKILL);
    const int status = process.wait().exit_status;
    const std::vector<std::string> lines = read_lines(log);
    for (; seen < lines.size(); ++seen) {
      const std::string digest = Json::parse(lines[seen]).at("sha256").get<std::string>();
      EXPECT_FALSE(before.contains(digest.substr(0, 8))) << "asked again after it was stored";
    }
    if (status == 0) {
      EXPECT_EQ(workspace_digest(workspace), expected);
      workspace = folder.path() / std::to_string(++round);
    } else {
      EXPECT_EQ(status, 128 + SIGKILL);
    }
  }
  EXPECT_EQ(crudbench(arguments(workspace)).exit_status, 0);
  EXPECT_EQ(workspace_digest(workspace), expected);
  EXPECT_EQ(crudbench({"fsck", workspace}).exit_status, 0);
}

TEST(Resume, GivesTheSameResultsAfterTenKills) {
  expect_same_results_after(SIGKILL, 10, 22);
}

TEST(Resume, GivesTheSameResultsAfterInterrupts) {
  expect_same_results_after(SIGINT, 5, 23);
}

/// As a cluster does that wants its node back.
TEST(Resume, GivesTheSameResultsAfterPreemptions) {
  expect_same_results_after(SIGTERM, 5, 24);
}

}  // namespace
}  // namespace crudbench
