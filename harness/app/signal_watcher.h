#pragma once

#include <array>
#include <csignal>
#include <stop_token>
#include <string>
#include <thread>

namespace crudbench {

/// Turns SIGINT and SIGTERM into a stop request: the first one lets what is finished be stored, a
/// second one ends the process at once (exit code 5). A signal that the process was started to
/// ignore stays ignored. One at a time in a process.
class SignalWatcher {
 public:
  /// `component` logs `notice` at the first signal.
  SignalWatcher(std::string component, std::string notice);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  std::stop_token stop_token() const { return stop_.get_token(); }

 private:
  static constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};

  void watch(const std::stop_token& ended);

  const std::string component_;
  const std::string notice_;
  std::array<struct sigaction, kSignals.size()> before_{};
  std::stop_source stop_;
  std::jthread watcher_;
};

}  // namespace crudbench
