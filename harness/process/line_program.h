#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/options.h"
#include "harness/process/line_process.h"

namespace crudbench {

/// A program of the user's own and how patiently it is asked.
struct LineProgramOptions {
  std::vector<std::string> command;                  ///< The program and its arguments; no shell.
  std::chrono::milliseconds timeout{60'000};         ///< For an answer.
  std::chrono::milliseconds start_timeout{300'000};  ///< For the first one of a process.
  std::size_t max_restarts = 10;
};

/// Reads "command", "version", "timeout_s", "start_timeout_s" and "max_restarts". "version" says
/// nothing but that the program has changed. Throws Error(kInvalidConfig).
LineProgramOptions read_line_program_options(Options& options);

/// Those of them that cannot change an answer.
std::vector<std::string> neutral_line_program_options();

/// A `LineProcess` that is started when the first question comes, and again for the next question
/// after it failed, `max_restarts` times in all. Not thread-safe.
class LineProgram {
 public:
  /// Why there is no usable answer.
  struct Problem {
    std::string failure_class;  ///< "exec_crashed", "exec_timeout" or "exec_malformed".
    std::string message;        ///< Names the program; has the end of its standard error.
  };

  explicit LineProgram(LineProgramOptions options) : options_(std::move(options)) {}

  /// Sends a line and waits for one. A problem that is not that of the answer alone ends the
  /// process. Throws Error(kInvalidConfig) if the program cannot be started.
  std::optional<Problem> ask(std::string_view line, std::string& answer);

  /// Ends a process that answered something else than it was asked: the next question gets a fresh
  /// one.
  Problem give_up(std::string failure_class, const std::string& problem);

  /// `problem` with the program's name and what it wrote to standard error.
  std::string described(const std::string& problem) const;

 private:
  LineProgramOptions options_;
  std::unique_ptr<LineProcess> process_;
  std::size_t start_count_ = 0;
  Problem last_problem_;
};

/// At most 200 bytes of a line that a program wrote, as valid UTF-8, for a message.
std::string shown_line(std::string_view line);

}  // namespace crudbench
