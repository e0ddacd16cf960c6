#include <charconv>
#include <cmath>

#include "harness/app/commands.h"
#include "harness/app/event_stream.h"
#include "harness/app/listeners.h"
#include "harness/app/progress.h"
#include "harness/app/run_log.h"
#include "harness/app/session.h"
#include "harness/app/signal_watcher.h"
#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/generators/generator_traits.h"
#include "harness/runner/budget.h"
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
    {"budget", "AMOUNT",
     "spend at most this on the experiment, earlier executions included, in the currency of "
     "\"prices\""},
    {"refresh", "", "run every sample again, and ask for every answer again"},
    {"log-bodies", "", "write prompts and replies to the run's log in the workspace"},
    {"jobs", "N",
     "runs under way side by side, where they need different things (default: as many as keep "
     "cores and endpoints busy)"},
    {"memory", "SIZE",
     "what knowledge bases may take in memory together, e.g. 6G or 800M (default: most of what is "
     "free)"},
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
        "  crudbench run my.json --budget 5.00 --json > events.jsonl\n"
        "  crudbench run my.json --shard 2/8 --workspace part-2 --kb kb\n"};

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

/// "6G" or "800M" as bytes; 0 without the option. Throws Error(kInvalidConfig).
std::uint64_t memory_of(const Arguments& arguments) {
  const std::optional<std::string> text = arguments.value("memory");
  if (!text) {
    return 0;
  }
  constexpr double kMega = 1024.0 * 1024.0;
  double amount = 0.0;
  const char* const end = text->data() + text->size();
  const auto [stopped_at, problem] = std::from_chars(text->data(), end, amount);
  const std::string unit(stopped_at, end);
  const double bytes = amount * (unit == "G" ? 1024.0 * kMega : kMega);
  if (problem != std::errc() || !(bytes >= 1.0 && bytes < 1e18) || (unit != "G" && unit != "M")) {
    throw Error(ErrorCode::kInvalidConfig,
                "--memory: expected a size such as 6G or 800M, found '" + *text + "'");
  }
  return static_cast<std::uint64_t>(bytes);
}

/// What `--budget` allows. Throws Error(kInvalidConfig), also where a model has no price.
std::optional<double> budget_of(const Arguments& arguments, const Experiment& experiment) {
  const std::optional<std::string> text = arguments.value("budget");
  if (!text) {
    return std::nullopt;
  }
  double amount = 0.0;
  const char* const end = text->data() + text->size();
  const auto [stopped_at, problem] = std::from_chars(text->data(), end, amount);
  if (problem != std::errc() || stopped_at != end || !std::isfinite(amount) || amount < 0) {
    throw Error(ErrorCode::kInvalidConfig,
                "--budget: expected an amount such as 5.00, found '" + *text + "'");
  }
  for (const Json& generator : costly_generators(experiment, builtin_catalog())) {
    const bool is_remote = traits_of(generator.at("type").get<std::string>()).is_remote;
    if (is_remote && !experiment.prices.of(generator)) {  // What runs here costs nothing.
      throw Error(ErrorCode::kInvalidConfig,
                  "--budget: " + experiment.file + ": /prices/models: no price for the model '" +
                      generator.value("model", generator.at("type")).get<std::string>() + "'");
    }
  }
  return amount;
}

double spent_before(const Store& store, const std::string& experiment) {
  double spent = 0.0;
  for (const SpendingRecord& record : store.spending(experiment)) {
    spent += record.cost;
  }
  return spent;
}

ExitCode exit_code_of(const ExperimentOutcome& summary, double allowed) {
  if (summary.interrupted) {
    return ExitCode::kInterrupted;
  }
  return static_cast<double>(summary.failed) > allowed ? ExitCode::kFailures : ExitCode::kDone;
}

/// Says what was spent and saved, where a price is known.
void report_money(const Experiment& experiment, const Budget& budget) {
  if (experiment.prices.models.empty()) {
    return;
  }
  log_info("run", "spent " + format_money(budget.spent(), experiment.prices.currency) +
                      " on the experiment; the completion cache saved " +
                      format_money(budget.saved(), experiment.prices.currency) + " this time");
}

Json started_event(const Experiment& experiment, const Workspace& workspace, const Budget& budget) {
  return {{"version", EventStream::kVersion},       {"experiment", experiment.name},
          {"workspace", workspace.folder.string()}, {"cells", experiment.cells.size()},
          {"currency", experiment.prices.currency}, {"spent", budget.spent()}};
}

Json finished_event(const Experiment& experiment, const Workspace& workspace,
                    const ExperimentOutcome& summary, const Budget& budget) {
  return {{"experiment", experiment.name},
          {"workspace", workspace.folder.string()},
          {"runs", summary.run_ids.size()},
          {"samples", summary.total},
          {"ok", summary.ok},
          {"failed", summary.failed},
          {"interrupted", summary.interrupted},
          {"over_budget", summary.over_budget},
          {"currency", experiment.prices.currency},
          {"spent", budget.spent()},
          {"saved", budget.saved()}};
}

/// Says what people have to know of how a run ended.
void report_end(const ExperimentOutcome& summary, double allowed, const std::string& limit) {
  const std::string to_go =
      std::to_string(summary.total - summary.ok - summary.failed) + " samples to go";
  if (summary.over_budget) {
    log_warning("run", "stopped before the budget is exceeded, with " + to_go +
                           "; the same command with a larger --budget continues");
  } else if (summary.interrupted) {
    log_warning("run", "interrupted with " + to_go + "; the same command continues");
  } else if (static_cast<double>(summary.failed) > allowed) {
    log_warning("run", std::to_string(summary.failed) + " of " + std::to_string(summary.total) +
                           " samples failed, more than --max-failures " + limit +
                           " allows; 'crudbench show RUN' lists why");
  }
}

ExitCode run(const Arguments& arguments) {
  const std::string limit = arguments.value("max-failures").value_or("1%");
  allowed_failures(limit, 0);  // Refuses a malformed value before any work.
  const auto shard_text = arguments.value("shard");
  const std::optional<Shard> shard =
      shard_text ? std::optional(parse_shard(*shard_text)) : std::nullopt;
  constexpr std::size_t kMostJobs = 64;
  const std::size_t jobs = count_option(arguments, "jobs", 0, 1, kMostJobs);
  const std::uint64_t memory_bytes = memory_of(arguments);
  const Experiment experiment = experiment_of(arguments);
  const std::optional<double> budget_limit = budget_of(arguments, experiment);
  const Workspace workspace = workspace_of(arguments);
  const SignalWatcher signals("run", "stopping; what is finished is being stored");
  const WorkspaceLock lock(workspace);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Dataset dataset = read_dataset(experiment, *pool);
  Store store(workspace, Database::Mode::kReadWrite);
  Budget budget(budget_limit, spent_before(store, experiment.name));
  const RunOptions options{.retry_failed = arguments.has("retry-failed"),
                           .refresh = arguments.has("refresh"),
                           .keep_bodies = arguments.has("log-bodies"),
                           .budget = &budget,
                           .jobs = jobs,
                           .memory_bytes = memory_bytes,
                           .shard = shard};
  const bool streams = arguments.has("json");
  if (streams) {
    EventStream::print_event("experiment_started", started_event(experiment, workspace, budget));
  }
  ExperimentOutcome summary;
  {
    const std::vector<std::string> labels = labels_of(experiment);
    ProgressView progress(labels, arguments.has("quiet"), experiment.prices.currency);
    RunLog log(workspace);
    EventStream events(labels);
    std::vector<RunListener*> all{&progress, &log};
    if (streams) {
      all.push_back(&events);
    }
    Listeners listeners(all);
    summary = run_experiment(experiment, dataset, builtin_catalog(), store, workspace, *pool,
                             options, listeners, signals.stop_token());
  }
  const double allowed = allowed_failures(limit, summary.total);
  if (streams) {
    EventStream::print_event("experiment_finished",
                             finished_event(experiment, workspace, summary, budget));
  } else {
    print_leaderboard(store, experiment.name, *pool);
  }
  report_money(experiment, budget);
  report_end(summary, allowed, limit);
  return exit_code_of(summary, allowed);
}

}  // namespace

const Command kRunCommand{kSpec, run};

}  // namespace crudbench
