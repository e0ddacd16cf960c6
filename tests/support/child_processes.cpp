#include "tests/support/child_processes.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace crudbench::testing_support {

namespace {

struct ProcessState {
  char state = '?';
  pid_t parent = 0;
};

/// Fields 3 and 4 of /proc/PID/stat (proc(5)); they follow the name, which may hold anything.
std::optional<ProcessState> state_of(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/stat");
  std::string line;
  if (!std::getline(file, line)) {
    return std::nullopt;
  }
  const std::string rest = line.substr(line.rfind(')') + 2);
  return ProcessState{.state = rest.front(), .parent = std::stoi(rest.substr(2))};
}

}  // namespace

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    pid_t process = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), process);
    if (problem != std::errc() || end != name.data() + name.size()) {
      continue;
    }
    const auto state = state_of(process);
    if (state && state->parent == parent && state->state != 'Z') {
      children.push_back(process);
    }
  }
  return children;
}

bool is_running(pid_t process) {
  const auto state = state_of(process);
  return state && state->state != 'Z';
}

}  // namespace crudbench::testing_support
