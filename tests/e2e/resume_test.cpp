#include <algorithm>
#include <chrono>
#include <functional>
#include <signal.h>
#include <unistd.h>

#include "harness/core/random.h"
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

TEST(Resume, GivesTheSameResultsAfterTenKills) {
  expect_same_results_after(SIGKILL, 10, 22);
}

TEST(Resume, GivesTheSameResultsAfterInterrupts) {
  expect_same_results_after(SIGINT, 5, 23);
}

}  // namespace
}  // namespace crudbench
