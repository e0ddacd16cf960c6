#include "harness/process/line_process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "harness/core/error.h"
#include "harness/text/utf8.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to programs.

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    close();
    number_ = std::exchange(other.number_, -1);
    return *this;
  }

  int number() const noexcept { return number_; }
  bool is_open() const noexcept { return number_ >= 0; }
  void close() noexcept {
    if (number_ >= 0) {
      ::close(number_);
      number_ = -1;
    }
  }

 private:
  int number_ = -1;
};

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

/// Neither end passes on to programs that are started.
Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw io_error("cannot create", "a pipe", errno);
  }
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

void make_nonblocking(const FileDescriptor& descriptor) {
  ::fcntl(descriptor.number(), F_SETFL,
          ::fcntl(descriptor.number(), F_GETFL) | O_NONBLOCK);  // NOLINT(hicpp-signed-bitwise)
}

/// Writes without the SIGPIPE that a closed pipe would raise, whatever the process does about it.
ssize_t write_quietly(int descriptor, std::string_view bytes) {
  sigset_t pipe_signal;
  sigset_t pending;
  sigset_t previous;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigemptyset(&pending);
  sigpending(&pending);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &previous);
  const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
  const int problem = errno;
  if (written < 0 && problem == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    ::sigtimedwait(&pipe_signal, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  errno = problem;
  return written;
}

/// What posix_spawn is told about the child: its three streams, a process group of its own, and
/// signals as a program expects to find them.
class SpawnSettings {
 public:
  SpawnSettings(const Pipe& input, const Pipe& output, const Pipe& errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_adddup2(&actions_, input.read_end.number(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, output.write_end.number(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, errors.write_end.number(), STDERR_FILENO);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) {
      sigaddset(&signals, number);
    }
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                         POSIX_SPAWN_SETSIGDEF));  // NOLINT(hicpp-signed-bitwise)
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* actions() const noexcept { return &actions_; }
  const posix_spawnattr_t* attributes() const noexcept { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string end_in_words(int status) {
  return WIFSIGNALED(status)
             ? "was killed by signal " + std::to_string(WTERMSIG(status))
             : "ended with status " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

}  // namespace

class LineProcess::Impl {
 public:
  explicit Impl(std::vector<std::string> command) {
    Pipe input = make_pipe();
    Pipe output = make_pipe();
    Pipe errors = make_pipe();
    const SpawnSettings settings(input, output, errors);
    std::vector<char*> arguments;
    for (std::string& word : command) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    const int problem = ::posix_spawnp(&pid_, arguments.front(), settings.actions(),
                                       settings.attributes(), arguments.data(), environ);
    if (problem != 0) {
      pid_ = -1;
      throw Error(ErrorCode::kInvalidConfig,
                  "cannot start '" + command.front() + "': " + std::strerror(problem));
    }
    input_ = std::move(input.write_end);
    output_ = std::move(output.read_end);
    errors_ = std::move(errors.read_end);
    for (const FileDescriptor* descriptor : {&input_, &output_, &errors_}) {
      make_nonblocking(*descriptor);
    }
  }

  ~Impl() {
    input_.close();
    static_cast<void>(wait_for_end(milliseconds(1000)));
    kill();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Answer ask(std::string_view line, milliseconds timeout) {
    post(line);
    if (std::optional<Answer> answer = receive(timeout)) {
      return std::move(*answer);
    }
    kill();
    return fail(Failure::Kind::kTimeout,
                "gave no answer within " + std::to_string(timeout.count()) + " ms");
  }

  void post(std::string_view line) {
    unsent_.append(line);
    unsent_ += '\n';
    transfer(milliseconds(0));
  }

  std::optional<Answer> receive(milliseconds wait) {
    const Clock::time_point deadline = Clock::now() + wait;
    for (bool is_first = true;; is_first = false) {
      if (const std::size_t end = received_.find('\n', searched_); end != std::string::npos) {
        std::string answer = received_.substr(0, end);
        received_.erase(0, end + 1);
        searched_ = 0;
        return Answer{.line = std::move(answer)};
      }
      searched_ = received_.size();
      if (received_.size() > kMaxLineBytes) {
        kill();
        return fail(Failure::Kind::kTooLong,
                    "wrote more than " + std::to_string(kMaxLineBytes) + " bytes without a line");
      }
      if (!output_.is_open()) {
        // The reason of its end is often the last that it says.
        const bool has_ended = wait_for_end(milliseconds(1000));
        kill();
        return fail(Failure::Kind::kCrashed,
                    has_ended ? end_in_words(status_) : "closed its standard output");
      }
      const auto left =
          std::chrono::duration_cast<milliseconds>(deadline - Clock::now() + milliseconds(1));
      if (left.count() <= 0 && !is_first) {
        return std::nullopt;
      }
      transfer(std::max(left, milliseconds(0)));
    }
  }

  /// Kills the group before its leader is reaped, so that its number cannot be another's yet.
  void kill() noexcept {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
      }
      pid_ = -1;
      drain_errors();
    }
  }

  std::string errors() const { return replace_invalid_utf8(error_text_); }

 private:
  static Answer fail(Failure::Kind kind, std::string message) {
    return {.failure = Failure{.kind = kind, .message = std::move(message)}};
  }

  /// Moves what can be moved, waiting at most `wait` for anything.
  void transfer(milliseconds wait) {
    std::array<pollfd, 3> polled{};
    polled[0] = {.fd = output_.number(), .events = POLLIN, .revents = 0};
    polled[1] = {.fd = errors_.number(), .events = POLLIN, .revents = 0};
    polled[2] = {.fd = unsent_.empty() ? -1 : input_.number(), .events = POLLOUT, .revents = 0};
    const auto limit = std::min<milliseconds::rep>(wait.count(), 60'000);
    if (::poll(polled.data(), polled.size(), static_cast<int>(limit)) <= 0) {
      return;
    }
    if (polled[2].revents != 0) {
      const ssize_t written = write_quietly(input_.number(), unsent_);
      if (written > 0) {
        unsent_.erase(0, static_cast<std::size_t>(written));
      } else if (errno != EAGAIN && errno != EINTR) {
        input_.close();  // It reads no more; what it still has to say comes through its output.
      }
    }
    if (polled[1].revents != 0) {
      drain_errors();
    }
    if (polled[0].revents != 0) {
      read_some(output_, received_);
    }
  }

  /// Appends what is there. Closes the descriptor at its end; false if nothing more is there now.
  static bool read_some(FileDescriptor& descriptor, std::string& text) {
    std::array<char, 65536> buffer;
    const ssize_t size = ::read(descriptor.number(), buffer.data(), buffer.size());
    if (size > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(size));
      return true;
    }
    if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
      descriptor.close();
    }
    return false;
  }

  void drain_errors() {
    while (errors_.is_open() && read_some(errors_, error_text_)) {
      if (error_text_.size() > kKeptErrorBytes) {
        error_text_.erase(0, error_text_.size() - kKeptErrorBytes);
      }
    }
  }

  /// Waits for the program to end by itself, without reaping it, and takes in what it writes to
  /// standard error meanwhile.
  bool wait_for_end(milliseconds limit) {
    constexpr int kPollMilliseconds = 5;
    for (const auto deadline = Clock::now() + limit; pid_ > 0;) {
      siginfo_t info{};
      drain_errors();
      if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == pid_) {
        return true;
      }
      if (Clock::now() >= deadline) {
        return false;
      }
      ::poll(nullptr, 0, kPollMilliseconds);
    }
    return false;
  }

  pid_t pid_ = -1;
  int status_ = 0;  ///< As `waitpid` tells it, once reaped.
  FileDescriptor input_;
  FileDescriptor output_;
  FileDescriptor errors_;
  std::string unsent_;
  std::string received_;
  std::size_t searched_ = 0;  ///< `received_` has no end of line before this.
  std::string error_text_;
};

LineProcess::LineProcess(const std::vector<std::string>& command)
    : impl_(std::make_unique<Impl>(command)) {}

LineProcess::~LineProcess() = default;

LineProcess::Answer LineProcess::ask(std::string_view line, std::chrono::milliseconds timeout) {
  return impl_->ask(line, timeout);
}

void LineProcess::post(std::string_view line) {
  impl_->post(line);
}

std::optional<LineProcess::Answer> LineProcess::receive(std::chrono::milliseconds wait) {
  return impl_->receive(wait);
}

void LineProcess::kill() noexcept {
  impl_->kill();
}

std::string LineProcess::errors() const {
  return impl_->errors();
}

}  // namespace crudbench
