#include "harness/process/apart.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/core/error.h"

namespace crudbench {

namespace {

[[noreturn]] void be_the_child(const std::function<std::string()>& work, int result) {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
  const std::string text = work();
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(result, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) {
      ::_exit(1);
    }
    rest.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  ::_exit(0);  // Nothing of the parent's is closed or flushed a second time.
}

std::string read_to_the_end(int descriptor) {
  std::string text;
  std::array<char, 4096> block{};
  while (true) {
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count > 0) {
      text.append(block.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return text;
    }
  }
}

}  // namespace

std::optional<std::string> run_apart(const std::function<std::string()>& work) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    throw io_error("cannot make a pipe to", "a child process", errno);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    be_the_child(work, pipe[1]);
  }
  const int fork_error = errno;
  ::close(pipe[1]);
  std::string text = child > 0 ? read_to_the_end(pipe[0]) : std::string();
  ::close(pipe[0]);
  if (child < 0) {
    throw io_error("cannot start", "a child process", fork_error);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? std::optional(std::move(text))
                                                       : std::nullopt;
}

}  // namespace crudbench
