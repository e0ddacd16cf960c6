
#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/log.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"
#include "reports/report.h"
#include "reports/trec.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"output", "DIR", "write report.html, leaderboard.md, .csv and .json there (short: -o)"},
    {"experiment", "NAME", "only the runs of this experiment (default: all runs)"},
    {"format", "FORMAT",
     "print terminal, markdown, csv, json or html to stdout instead; trec writes files for "
     "trec_eval into --output"},
    {"samples", "N",
     "of each task, the samples to look at in report.html, 0 for none (default: 2000)"},
    {"inline", "MIB",
     "up to so much sample data stands in report.html itself; more goes into files of report_data "
     "beside it (default: 8)"},
    {"no-intervals", "", "leave out the bootstrap intervals, for very large workspaces"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "report",
    .arguments = "[WORKSPACE]",
    .summary = "Make the leaderboard: a self-contained HTML page, Markdown, CSV, JSON, TREC files.",
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench report workspace -o report\n"
        "  crudbench report --experiment sample --format markdown\n"
        "  crudbench report workspace --format trec -o trec\n"};

std::string rendered(const Store& store, const Leaderboard& leaderboard,
                     const std::string& format) {
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
    return page_html({.overview = report_overview(store, leaderboard)});
  }
  throw Error(
      ErrorCode::kInvalidConfig,
      "--format: expected terminal, markdown, csv, json, html or trec, found '" + format + "'");
}

PageOptions page_options(const Arguments& arguments) {
  PageOptions options;
  options.samples_per_task =
      count_option(arguments, "samples", options.samples_per_task, 0, 1'000'000);
  options.max_inline_bytes =
      count_option(arguments, "inline", options.max_inline_bytes >> 20U, 0, 1024) << 20U;
  return options;
}

/// Prints where the index of the files stands.
void write_trec_files(const Arguments& arguments, const Store& store) {
  const auto folder = arguments.value("output");
  if (!folder) {
    throw Error(ErrorCode::kInvalidConfig, "--format trec writes files: name a folder, -o DIR");
  }
  std::int64_t queries = 0;
  std::int64_t differing = 0;
  for (const TrecRun& written : write_trec(store, arguments.value("experiment"), *folder)) {
    queries += written.query_count;
    differing += written.differing_count;
  }
  if (differing > 0) {
    log_warning("report", std::to_string(differing) + " of " + std::to_string(queries) +
                              " rankings hold copies of documents that only the metrics could "
                              "fold: trec_eval's values will differ there (see trec.json)");
  }
  const std::string index = (std::filesystem::path(*folder) / "trec.json").string();
  if (arguments.has("json")) {
    print_json({{"trec", index}});
  } else {
    print(index + "\n");
  }
}

ExitCode run(const Arguments& arguments) {
  if (!arguments.positionals().empty() && arguments.has("workspace")) {
    throw Error(ErrorCode::kInvalidConfig, "report: the workspace is given twice");
  }
  const Workspace workspace = arguments.positionals().empty()
                                  ? workspace_of(arguments)
                                  : Workspace{.folder = arguments.positionals().front()};
  const Store store(workspace, Database::Mode::kReadOnly);
  if (arguments.value("format") == "trec") {
    write_trec_files(arguments, store);
    return ExitCode::kDone;
  }
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const LeaderboardOptions options{.experiment = arguments.value("experiment"),
                                   .summary = {.intervals = !arguments.has("no-intervals")}};
  const Leaderboard leaderboard = build_leaderboard(store, options, *pool);
  if (const auto folder = arguments.value("output")) {
    const std::string page =
        write_report(store, leaderboard, page_options(arguments), *folder, *pool).string();
    if (arguments.has("json")) {
      print_json({{"report", page}});
    } else {
      print(page + "\n");
    }
    return ExitCode::kDone;
  }
  const std::string format = arguments.has("json") ? "json" : "terminal";
  print(rendered(store, leaderboard, arguments.value("format").value_or(format)));
  return ExitCode::kDone;
}

}  // namespace

const Command kReportCommand{kSpec, run};

}  // namespace crudbench
