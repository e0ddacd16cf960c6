#include "harness/process/line_process.h"

#include <chrono>
#include <signal.h>
#include <string>
#include <thread>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr milliseconds kPatience{20'000};

LineProcess shell(const std::string& script) {
  return LineProcess({"/bin/sh", "-c", script});
}

TEST(LineProcess, AnswersLineByLine) {
  LineProcess process = shell("while read -r line; do echo \"[$line]\"; done");
  EXPECT_EQ(process.ask("一", kPatience).line, "[一]");
  EXPECT_EQ(process.ask("a \\ 'b'", kPatience).line, "[a \\ 'b']");
}

TEST(LineProcess, PassesArgumentsWithoutAShell) {
  LineProcess process({"printf", "%s\\n", "$HOME; *"});
  EXPECT_EQ(process.ask("", kPatience).line, "$HOME; *");
}

TEST(LineProcess, SendsAndTakesMoreThanAPipeHolds) {
  LineProcess process = shell("while read -r line; do echo \"$line$line\"; done");
  const std::string line(1'000'000, 'x');
  EXPECT_EQ(process.ask(line, kPatience).line, line + line);
}

TEST(LineProcess, TellsHowAProgramEndedAndWhatItSaid) {
  LineProcess process = shell("read -r line; echo '没有索引' >&2; exit 3");
  const LineProcess::Answer answer = process.ask("q", kPatience);
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->kind, LineProcess::Failure::Kind::kCrashed);
  EXPECT_EQ(answer.failure->message, "ended with status 3");
  EXPECT_EQ(process.errors(), "没有索引\n");
}

TEST(LineProcess, TellsTheSignalThatKilledAProgram) {
  LineProcess process = shell("read -r line; kill -9 $$");
  EXPECT_EQ(process.ask("q", kPatience).failure->message, "was killed by signal 9");
}

TEST(LineProcess, SurvivesAProgramThatReadsNothing) {
  LineProcess process = shell("exec true");
  const LineProcess::Answer answer = process.ask(std::string(1'000'000, 'x'), kPatience);
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->kind, LineProcess::Failure::Kind::kCrashed);
}

TEST(LineProcess, KeepsTheEndOfALongErrorOutput) {
  LineProcess process = shell(
      "i=0; while [ $i -lt 20000 ]; do echo \"line $i\"; i=$((i+1)); done >&2; read -r line; "
      "echo done");
  EXPECT_EQ(process.ask("q", kPatience).line, "done");
  process.kill();
  EXPECT_LE(process.errors().size(), LineProcess::kKeptErrorBytes);
  EXPECT_THAT(process.errors(), HasSubstr("line 19999\n"));
}

TEST(LineProcess, KillsAProgramAndItsChildrenWhenTimeIsUp) {
  LineProcess process = shell("sleep 300 & echo $! >&2; wait");
  const LineProcess::Answer answer = process.ask("q", milliseconds(300));
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->kind, LineProcess::Failure::Kind::kTimeout);
  EXPECT_EQ(answer.failure->message, "gave no answer within 300 ms");
  // The child has been killed; it is gone as soon as init has reaped it.
  const pid_t child = std::stoi(process.errors());
  const auto is_running = [child] {
    std::string state(1, 'X');
    try {
      for (const std::string& line :
           testing_support::read_lines("/proc/" + std::to_string(child) + "/stat")) {
        state = line.substr(line.rfind(')') + 2, 1);
      }
    } catch (const std::exception&) {
      return false;
    }
    return state != "Z" && state != "X";
  };
  for (int i = 0; i < 400 && is_running(); ++i) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_FALSE(is_running());
}

TEST(LineProcess, RefusesALineWithoutEnd) {
  LineProcess process = shell("exec yes | tr -d '\\n'");
  const LineProcess::Answer answer = process.ask("q", kPatience);
  ASSERT_TRUE(answer.failure);
  EXPECT_EQ(answer.failure->kind, LineProcess::Failure::Kind::kTooLong);
}

TEST(LineProcess, RefusesAProgramThatIsNotThere) {
  EXPECT_ERROR(LineProcess({"no/such/program"}), ErrorCode::kInvalidConfig,
               "cannot start 'no/such/program': No such file or directory");
}

TEST(LineProcess, TakesLinesAsTheyComeFromAProgramThatAnswersWhenItLikes) {
  LineProcess process = shell("read -r a; read -r b; echo \"$b\"; echo \"$a\"");
  EXPECT_FALSE(process.receive(milliseconds(0)));
  process.post("1");
  process.post("2");
  EXPECT_EQ(process.receive(kPatience)->line, "2");
  EXPECT_EQ(process.receive(kPatience)->line, "1");
  EXPECT_EQ(process.receive(kPatience)->failure->message, "ended with status 0");
}

}  // namespace
}  // namespace crudbench
