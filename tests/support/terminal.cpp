#include "tests/support/terminal.h"

#include <array>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/process.h"

namespace crudbench::testing_support {

TerminalResult run_on_terminal(const std::filesystem::path& program,
                               const std::vector<std::string>& arguments, int stream,
                               const winsize& size, const std::vector<std::string>& environment) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || ::grantpt(terminal) != 0 || ::unlockpt(terminal) != 0) {
    throw std::runtime_error("cannot open a terminal");
  }
  ::ioctl(terminal, TIOCSWINSZ, &size);
  const std::string name = ::ptsname(terminal);
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment;
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, stream, name.c_str(), O_RDWR | O_NOCTTY, 0);
  pid_t child = -1;
  const int problem = ::posix_spawn(&child, words.front().c_str(), &actions, nullptr,
                                    as_arguments(words).data(), as_arguments(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    ::close(terminal);
    throw std::runtime_error("cannot start " + program.string());
  }
  TerminalResult result;
  std::array<char, 4096> piece{};
  // Reading fails once the program, the only writer, has ended.
  for (ssize_t count = 0; (count = ::read(terminal, piece.data(), piece.size())) > 0;) {
    result.text.append(piece.data(), static_cast<std::size_t>(count));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(terminal);
  result.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

}  // namespace crudbench::testing_support
