#include <charconv>
#include <cmath>

#include "harness/app/commands.h"
#include "harness/app/progress.h"
#include "harness/app/session.h"
#include "harness/app/signal_watcher.h"
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
        "  crudbench run my.json --retry-failed --max-failures 0\n"};

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
  const Experiment experiment = experiment_of(arguments);
  const Workspace workspace = workspace_of(arguments);
  const SignalWatcher signals("run", "stopping; what is finished is being stored");
  const WorkspaceLock lock(workspace);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Dataset dataset = read_dataset(experiment, *pool);
  Store store(workspace, Database::Mode::kReadWrite);
  ExperimentOutcome summary;
  {
    ProgressView progress(labels_of(experiment), arguments.has("quiet"));
    summary = run_experiment(experiment, dataset, builtin_catalog(), store, workspace, *pool,
                             {.retry_failed = arguments.has("retry-failed")}, progress,
                             signals.stop_token());
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
