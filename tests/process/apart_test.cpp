#include "harness/process/apart.h"

#include <csignal>
#include <cstdlib>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

TEST(RunApart, ReturnsWhatTheWorkReturns) {
  EXPECT_EQ(run_apart([] { return std::string("答案"); }), "答案");
  EXPECT_EQ(run_apart([] { return std::string(); }), "");
  EXPECT_EQ(run_apart([] { return std::string(300'000, 'x'); }), std::string(300'000, 'x'));
}

TEST(RunApart, SurvivesAnAbort) {
  EXPECT_EQ(run_apart([]() -> std::string { std::abort(); }), std::nullopt);
}

TEST(RunApart, SurvivesAKill) {
  EXPECT_EQ(run_apart([]() -> std::string {
              std::raise(SIGKILL);
              return "never";
            }),
            std::nullopt);
}

TEST(RunApart, LeavesTheParentsStateAlone) {
  int changed = 0;
  run_apart([&changed] {
    changed = 1;
    return std::string();
  });
  EXPECT_EQ(changed, 0);
}

}  // namespace
}  // namespace crudbench
