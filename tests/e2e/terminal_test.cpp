// The live view on a terminal of a known size.

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/text/utf8.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// What the program writes to its stderr, a terminal of that size; its stdout goes nowhere. -1 in
/// `status` if it did not end by itself.
std::string errors_on_terminal(const winsize& size, const std::vector<std::string>& arguments,
                               int& status) {
  const std::string name = program().string();
  std::vector<char*> words{const_cast<char*>(name.c_str())};
  for (const std::string& argument : arguments) {
    words.push_back(const_cast<char*>(argument.c_str()));
  }
  words.push_back(nullptr);
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    ::execv(words.front(), words.data());
    ::_exit(127);
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t count = ::read(terminal, buffer, sizeof buffer);
    if (count > 0) {
      text.append(buffer, static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {  // EIO: nobody has it open any more.
      break;
    }
  }
  ::close(terminal);
  int code = 0;
  ::waitpid(child, &code, 0);
  status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
  return text;
}

/// The lines between the sequences that take lines off.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = std::string_view(text).substr(i);
    if (rest.starts_with("\x1b[")) {
      i += rest.find_first_of("AK");
      lines.emplace_back();
    } else if (text[i] == '\n') {
      lines.emplace_back();
    } else if (text[i] != '\r') {
      lines.back() += text[i];
    }
  }
  return lines;
}

TEST(Terminal, OfFortyColumnsShowsBarsThatStayOnTheirLines) {
  const TemporaryFolder folder;
  const FaultServer server({"--rate", "0", "--delay-ms", "30"});
  int status = 0;
  const std::string text = errors_on_terminal(
      {.ws_row = 24, .ws_col = 40},
      {"run", sample_config(), "--workspace", folder.path() / "ws", "--set",
       "/retriever={\"type\":\"bm25\",\"top_k\":[1,2]}", "--set", "/chunker/size=128", "--set",
       "/generator={\"type\":\"openai\",\"model\":\"m\",\"max_concurrency\":2,\"base_url\":\"" +
           server.base_url() + "\"}"},
      status);
  EXPECT_EQ(status, 0) << text;
  std::size_t bars = 0;
  for (const std::string& line : lines_of(text)) {
    if (line.size() > 1 && line[0] == '[' && std::isdigit(line[1]) != 0) {
      ++bars;
      EXPECT_LT(display_width(line), 40U) << line;
      EXPECT_THAT(line, ::testing::ContainsRegex("^\\[[0-9]+/12\\] .*  [0-9]+/14")) << line;
    }
  }
  EXPECT_GT(bars, 5U) << text;
  EXPECT_THAT(text, HasSubstr("ETA"));
  EXPECT_THAT(text, HasSubstr("14 ok")) << "what is finished stays, whole";
}

}  // namespace
}  // namespace crudbench
