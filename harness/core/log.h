#pragma once

#include <string_view>

namespace crudbench {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Lines below this level are left out. Default: kInfo. Thread-safe.
void set_log_level(LogLevel level) noexcept;

/// Writes "[component] message" to stderr as one line; a warning or error says so. Control
/// characters of the message are replaced, so that untrusted text cannot steer a terminal.
/// Thread-safe: lines never mix. Never pass a secret.
void log(LogLevel level, std::string_view component, std::string_view message);

inline void log_debug(std::string_view component, std::string_view message) {
  log(LogLevel::kDebug, component, message);
}
inline void log_info(std::string_view component, std::string_view message) {
  log(LogLevel::kInfo, component, message);
}
inline void log_warning(std::string_view component, std::string_view message) {
  log(LogLevel::kWarning, component, message);
}

/// Called right before and after a line is written, so that a progress bar can step aside; nullptr
/// for none. Set by the program before threads start.
struct LogHooks {
  void (*before)() = nullptr;
  void (*after)() = nullptr;
};
void set_log_hooks(LogHooks hooks) noexcept;

}  // namespace crudbench
