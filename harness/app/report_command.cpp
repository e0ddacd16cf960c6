
#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"
#include "reports/report.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"output", "DIR", "write report.html, leaderboard.md, .csv and .json there (short: -o)"},
    {"experiment", "NAME", "only the runs of this experiment (default: all runs)"},
    {"format", "FORMAT", "print terminal, markdown, csv, json or html to stdout instead"},
    {"no-intervals", "", "leave out the bootstrap intervals, for very large workspaces"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "report",
    .arguments = "[WORKSPACE]",
    .summary = "Make the leaderboard: a self-contained HTML page, Markdown, CSV, JSON.",
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench report workspace -o report\n"
        "  crudbench report --experiment sample --format markdown\n"};

std::string rendered(const Leaderboard& leaderboard, const std::string& format) {
  if (format == "terminal") {
    return leaderboard_terminal(leaderboard, use_colours());
  }
  if (format == "markdown") {
    return leaderboard_markdown(leaderboard);
  }
  if (format == "csv") {
    return leaderboard_csv(leaderboard);
  }
  if (format == "json") {
    return leaderboard_json(leaderboard).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  if (format == "html") {
    return leaderboard_html(leaderboard);
  }
  throw Error(ErrorCode::kInvalidConfig,
              "--format: expected terminal, markdown, csv, json or html, found '" + format + "'");
}

ExitCode run(const Arguments& arguments) {
  if (!arguments.positionals().empty() && arguments.has("workspace")) {
    throw Error(ErrorCode::kInvalidConfig, "report: the workspace is given twice");
  }
  const Workspace workspace = arguments.positionals().empty()
                                  ? workspace_of(arguments)
                                  : Workspace{.folder = arguments.positionals().front()};
  const Store store(workspace, Database::Mode::kReadOnly);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const LeaderboardOptions options{.experiment = arguments.value("experiment"),
                                   .summary = {.intervals = !arguments.has("no-intervals")}};
  const Leaderboard leaderboard = build_leaderboard(store, options, *pool);
  if (const auto folder = arguments.value("output")) {
    const std::string page = write_report(leaderboard, *folder).string();
    if (arguments.has("json")) {
      print_json({{"report", page}});
    } else {
      print(page + "\n");
    }
    return ExitCode::kDone;
  }
  const std::string format = arguments.has("json") ? "json" : "terminal";
  print(rendered(leaderboard, arguments.value("format").value_or(format)));
  return ExitCode::kDone;
}

}  // namespace

const Command kReportCommand{kSpec, run};

}  // namespace crudbench
