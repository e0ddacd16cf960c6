#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <stop_token>
#include <thread>

#include "harness/app/commands.h"
#include "harness/app/progress.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    kSetOption,
    kThreadsOption,
    {"max-failures", "N|P%", "failed samples allowed before exit code 4 (default: 1%)"},
    {"retry-failed", "", "run failed samples again"},
    {"shard", "I/N", "only part I of N, into a workspace of its own; 'crudbench merge' joins them"},
    kKnowledgeBasesOption,
};

constexpr CommandSpec kSpec{
    .name = "run",
    .arguments = "CONFIG",
    .summary = "Run an experiment; the same command again continues where it stopped.",
    .min_positionals = 1,
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench run configs/experiments/sample.json\n"
        "  crudbench run my.json --set '/retriever/top_k=[2,4,8]' --workspace results\n"
        "  crudbench run my.json --retry-failed --max-failures 0\n"
        "  crudbench run my.json --shard 2/8 --workspace part-2 --kb kb\n"};

/// Interrupts so far. A handler is the one thing that works in whichever thread the system picks,
/// those of libraries included, which no mask of ours reaches.
std::atomic<int> interrupts{0};
static_assert(std::atomic<int>::is_always_lock_free);

/// Turns SIGINT and SIGTERM into a stop request: the first one lets what is finished be stored, a
/// second one ends the process at once. A signal that the process was started to ignore stays
/// ignored.
class SignalWatcher {
 public:
  SignalWatcher() {
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
  ~SignalWatcher() {
    watcher_.request_stop();
    watcher_.join();
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      ::sigaction(kSignals[i], &before_[i], nullptr);
    }
  }
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  std::stop_token stop_token() const { return stop_.get_token(); }

 private:
  static constexpr std::array<int, 2> kSignals{SIGINT, SIGTERM};

  void watch(const std::stop_token& ended) {
    constexpr std::chrono::milliseconds kInterval{50};
    for (; !ended.stop_requested(); std::this_thread::sleep_for(kInterval)) {
      const int count = interrupts;
      if (count > 1) {
        std::_Exit(static_cast<int>(ExitCode::kInterrupted));
      }
      if (count == 1 && !stop_.stop_requested()) {
        log_warning("run", "stopping; what is finished is being stored");
        stop_.request_stop();
      }
    }
  }

  std::array<struct sigaction, kSignals.size()> before_{};
  std::stop_source stop_;
  std::jthread watcher_;
};

/// "12" or "1.5%" of `total`. Throws Error(kInvalidConfig).
double allowed_failures(const std::string& text, std::int64_t total) {
  const bool is_share = text.ends_with('%');
  const char* const end = text.data() + text.size() - (is_share ? 1 : 0);
  double value = 0.0;
  const auto [stopped_at, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stopped_at != end || !std::isfinite(value) || value < 0) {
    throw Error(
        ErrorCode::kInvalidConfig,
        "--max-failures: expected a number of samples or a share such as 1%, found '" + text + "'");
  }
  return is_share ? value / 100.0 * static_cast<double>(total) : value;
}

ExitCode exit_code_of(const ExperimentOutcome& summary, double allowed) {
  if (summary.interrupted) {
    return ExitCode::kInterrupted;
  }
  return static_cast<double>(summary.failed) > allowed ? ExitCode::kFailures : ExitCode::kDone;
}

ExitCode run(const Arguments& arguments) {
  const std::string limit = arguments.value("max-failures").value_or("1%");
  allowed_failures(limit, 0);  // Refuses a malformed value before any work.
  const auto shard_text = arguments.value("shard");
  const RunOptions options{
      .retry_failed = arguments.has("retry-failed"),
      .shard = shard_text ? std::optional(parse_shard(*shard_text)) : std::nullopt};
  const Experiment experiment = experiment_of(arguments);
  const Workspace workspace = workspace_of(arguments);
  const SignalWatcher signals;
  const WorkspaceLock lock(workspace);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Dataset dataset = read_dataset(experiment, *pool);
  Store store(workspace, Database::Mode::kReadWrite);
  ExperimentOutcome summary;
  {
    ProgressView progress(labels_of(experiment), arguments.has("quiet"));
    summary = run_experiment(experiment, dataset, builtin_catalog(), store, workspace, *pool,
                             options, progress, signals.stop_token());
  }
  const double allowed = allowed_failures(limit, summary.total);
  if (arguments.has("json")) {
    print_json({{"experiment", experiment.name},
                {"workspace", workspace.folder.string()},
                {"runs", summary.run_ids.size()},
                {"samples", summary.total},
                {"ok", summary.ok},
                {"failed", summary.failed},
                {"interrupted", summary.interrupted}});
    return exit_code_of(summary, allowed);
  }
  print_leaderboard(store, experiment.name, *pool);
  if (summary.interrupted) {
    log_warning("run", "interrupted with " +
                           std::to_string(summary.total - summary.ok - summary.failed) +
                           " samples to go; the same command continues");
  } else if (static_cast<double>(summary.failed) > allowed) {
    log_warning("run", std::to_string(summary.failed) + " of " + std::to_string(summary.total) +
                           " samples failed, more than --max-failures " + limit +
                           " allows; 'crudbench show RUN' lists why");
  }
  return exit_code_of(summary, allowed);
}

}  // namespace

const Command kRunCommand{kSpec, run};

}  // namespace crudbench
