#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace crudbench::testing_support {

/// As `execve` and `posix_spawn` take words: valid while `words` is not changed.
std::vector<char*> as_arguments(std::vector<std::string>& words);

/// A program that has ended: its exit status (128 + signal if it was killed) and what it printed.
struct ProcessResult {
  int exit_status = 0;
  std::string output;
  std::string errors;
};

/// A running program with its output in files. Killed at the end of the object's life.
class Process {
 public:
  /// `environment` holds additional "NAME=VALUE" entries.
  Process(const std::filesystem::path& program, const std::vector<std::string>& arguments,
          const std::vector<std::string>& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t id() const noexcept { return pid_; }
  void signal(int number) const;
  pid_t pid() const noexcept { return pid_; }
  bool has_ended();
  /// What it has printed so far.
  std::string output() const;
  /// Waits for the end.
  ProcessResult wait();

 private:
  std::filesystem::path folder_;
  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

/// Starts a program and waits for it.
ProcessResult run_process(const std::filesystem::path& program,
                          const std::vector<std::string>& arguments,
                          const std::vector<std::string>& environment = {});

}  // namespace crudbench::testing_support
