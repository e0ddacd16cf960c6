#pragma once

#include <filesystem>
#include <string>
#include <sys/ioctl.h>
#include <vector>

namespace crudbench::testing_support {

struct TerminalResult {
  std::string text;      ///< What was written to the terminal.
  int exit_status = -1;  ///< -1 if a signal ended the program.
};

/// Runs a program with a terminal of that size as its `stream`, STDOUT_FILENO or STDERR_FILENO;
/// with the latter its stdout goes nowhere. `environment` holds additional "NAME=VALUE" entries.
/// Throws std::runtime_error where there is no terminal to be had.
TerminalResult run_on_terminal(const std::filesystem::path& program,
                               const std::vector<std::string>& arguments, int stream,
                               const winsize& size,
                               const std::vector<std::string>& environment = {});

}  // namespace crudbench::testing_support
