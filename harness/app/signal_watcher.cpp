#include "harness/app/signal_watcher.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "harness/app/exit_codes.h"
#include "harness/core/log.h"

namespace crudbench {

namespace {

/// Interrupts so far. A handler is the one thing that works in whichever thread the system picks,
/// those of libraries included, which no mask of ours reaches.
std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);

}  // namespace

SignalWatcher::SignalWatcher(std::string component, std::string notice)
    : component_(std::move(component)), notice_(std::move(notice)) {
  interrupts = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { ++interrupts; };
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) {
      ::sigaction(kSignals[i], &action, nullptr);
    }
  }
  watcher_ = std::jthread([this](const std::stop_token& ended) { watch(ended); });
}

SignalWatcher::~SignalWatcher() {
  watcher_.request_stop();
  watcher_.join();
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &before_[i], nullptr);
  }
}

void SignalWatcher::watch(const std::stop_token& ended) {
  constexpr std::chrono::milliseconds kInterval{50};
  for (; !ended.stop_requested(); std::this_thread::sleep_for(kInterval)) {
    const int count = interrupts;
    if (count > 1) {
      std::_Exit(static_cast<int>(ExitCode::kInterrupted));
    }
    if (count == 1 && !stop_.stop_requested()) {
      log_warning(component_, notice_);
      stop_.request_stop();
    }
  }
}

}  // namespace crudbench
