#include "harness/core/log.h"

#include <atomic>
#include <cstdio>
#include <mutex>
#include <string>

namespace crudbench {

namespace {

struct LogState {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  std::mutex mutex;  ///< Guards the stream and `hooks`.
  LogHooks hooks;
};

LogState& state() {
  static LogState instance;
  return instance;
}

}  // namespace

void set_log_level(LogLevel level) noexcept {
  state().level = level;
}

void set_log_hooks(LogHooks hooks) noexcept {
  const std::lock_guard lock(state().mutex);
  state().hooks = hooks;
}

void log(LogLevel level, std::string_view component, std::string_view message) {
  if (level < state().level.load()) {
    return;
  }
  std::string line = "[";
  line.append(component).append("] ");
  if (level == LogLevel::kWarning) {
    line += "warning: ";
  } else if (level == LogLevel::kError) {
    line += "error: ";
  }
  for (const char character : message) {
    const auto byte = static_cast<unsigned char>(character);
    line += byte < 0x20 || byte == 0x7F ? ' ' : character;
  }
  line += '\n';
  const std::lock_guard lock(state().mutex);
  if (state().hooks.before != nullptr) {
    state().hooks.before();
  }
  std::fwrite(line.data(), 1, line.size(), stderr);
  if (state().hooks.after != nullptr) {
    state().hooks.after();
  }
}

}  // namespace crudbench
