#pragma once

#include <string>
#include <vector>

namespace crudbench {

/// How a program that was run to its end came out.
struct ChildResult {
  int exit_status = 0;  ///< 128 + signal if a signal ended it.
  std::string output;   ///< Standard output; standard error goes to ours.
};

/// Runs a program, looked for in PATH, without a shell. Throws Error(kIo) if it cannot be started.
ChildResult run_child(const std::vector<std::string>& command);

}  // namespace crudbench
