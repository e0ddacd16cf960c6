#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// A program that answers each line on its standard input with a line on its standard output.
///
/// Runs in a process group of its own, which is killed whole: no child of it outlives it. It is
/// started with the environment and the working folder of this process. Not thread-safe.
class LineProcess {
 public:
  /// Why there is no answer. The program has been ended and cannot be asked again.
  struct Failure {
    enum class Kind {
      kCrashed,  ///< It ended, or closed its output, before a whole line.
      kTimeout,  ///< No whole line in time.
      kTooLong,  ///< More than `kMaxLineBytes` without an end of line.
    };
    Kind kind = Kind::kCrashed;
    std::string message;  ///< "ended with status 3", without what it wrote to standard error.
  };

  struct Answer {
    std::string line;  ///< Without its end; whatever bytes the program wrote.
    std::optional<Failure> failure;
  };

  static constexpr std::size_t kMaxLineBytes = std::size_t{16} << 20U;
  static constexpr std::size_t kKeptErrorBytes = 4096;

  /// `command`: the program, looked for in PATH, and its arguments; no shell. Throws
  /// Error(kInvalidConfig) if it cannot be started.
  explicit LineProcess(const std::vector<std::string>& command);
  /// Closes its input, and kills it if it is still there after a second.
  ~LineProcess();
  LineProcess(const LineProcess&) = delete;
  LineProcess& operator=(const LineProcess&) = delete;

  /// Sends `line`, which holds no end of line, and waits for one in return.
  Answer ask(std::string_view line, std::chrono::milliseconds timeout);

  /// For programs that answer when they like: sends `line` as far as the program takes it now, the
  /// rest in later calls …
  void post(std::string_view line);
  /// … and the next line that comes within `wait`, or why none comes any more; nullopt if there is
  /// none yet.
  std::optional<Answer> receive(std::chrono::milliseconds wait);

  /// Ends the program and whatever it has started, at once.
  void kill() noexcept;

  /// The last 4 KiB of what it has written to standard error, as valid UTF-8.
  std::string errors() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crudbench
