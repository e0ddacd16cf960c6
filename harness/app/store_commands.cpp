#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "reports/comparison.h"
#include "reports/run_views.h"

namespace crudbench {

namespace {

constexpr OptionSpec kListOptions[]{
    {"experiment", "NAME", "only the runs of this experiment (default: all runs)"},
};

constexpr CommandSpec kListSpec{.name = "ls",
                                .arguments = "",
                                .summary = "List the runs of a workspace and how far they are.",
                                .options = kListOptions,
                                .examples = "  crudbench ls --workspace results\n"};

ExitCode list(const Arguments& arguments) {
  const Store store(workspace_of(arguments), Database::Mode::kReadOnly);
  const std::vector<RunListing> runs = list_runs(store, arguments.value("experiment"));
  if (arguments.has("json")) {
    print_json(run_list_json(runs));
  } else {
    print(run_list_terminal(runs, use_colours()));
  }
  return ExitCode::kDone;
}

constexpr OptionSpec kShowOptions[]{
    {"metric", "NAME", "order the worst samples by this metric"},
    kThreadsOption,
};

constexpr CommandSpec kShowSpec{
    .name = "show",
    .arguments = "RUN [SAMPLE]",
    .summary = "Show a run (configuration, means, failures) or one of its samples.",
    .min_positionals = 1,
    .max_positionals = 2,
    .options = kShowOptions,
    .examples =
        "  crudbench show 3\n"
        "  crudbench show 1f3a --metric rouge_l\n"
        "  crudbench show 3 a-q1-004 --json\n"};

ExitCode show(const Arguments& arguments) {
  const Store store(workspace_of(arguments), Database::Mode::kReadOnly);
  const std::vector<std::string>& names = arguments.positionals();
  if (names.size() == 2) {
    const SampleView view = view_sample(store, names[0], names[1]);
    if (arguments.has("json")) {
      print_json(sample_view_json(view));
    } else {
      print(sample_view_terminal(view, use_colours()));
    }
    return ExitCode::kDone;
  }
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const RunView view =
      view_run(store, names[0], {.ranking_metric = arguments.value("metric").value_or("")}, *pool);
  if (arguments.has("json")) {
    print_json(run_view_json(view));
  } else {
    print(run_view_terminal(view, use_colours()));
  }
  return ExitCode::kDone;
}

constexpr OptionSpec kCompareOptions[]{
    {"metric", "NAME", "a metric to compare (default: the main ones)", true},
    {"format", "FORMAT", "terminal (default), markdown or json"},
    kThreadsOption,
};

constexpr CommandSpec kCompareSpec{
    .name = "compare",
    .arguments = "RUN RUN…",
    .summary = "Compare runs of one task, sample by sample, against the first.",
    .min_positionals = 2,
    .max_positionals = 100,
    .options = kCompareOptions,
    .examples =
        "  crudbench compare 3 9\n"
        "  crudbench compare 3 9 15 --metric rouge_l --format markdown\n"};

ExitCode compare(const Arguments& arguments) {
  const std::string format =
      arguments.value("format").value_or(arguments.has("json") ? "json" : "terminal");
  if (format != "terminal" && format != "markdown" && format != "json") {
    throw Error(ErrorCode::kInvalidConfig,
                "--format: expected terminal, markdown or json, found '" + format + "'");
  }
  const Store store(workspace_of(arguments), Database::Mode::kReadOnly);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const RunComparison comparison =
      compare_runs(store, arguments.positionals(), {.metrics = arguments.all("metric")}, *pool);
  if (format == "json") {
    print_json(comparison_json(comparison));
  } else {
    print(format == "markdown"
              ? comparison_markdown(comparison)
              : comparison_terminal(comparison, use_colours(), terminal_columns()));
  }
  return ExitCode::kDone;
}

}  // namespace

const Command kLsCommand{kListSpec, list};
const Command kShowCommand{kShowSpec, show};
const Command kCompareCommand{kCompareSpec, compare};

}  // namespace crudbench
