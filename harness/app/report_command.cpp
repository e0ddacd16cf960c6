#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/log.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"
#include "reports/report.h"
#include "reports/system_comparison.h"
#include "reports/trec.h"
#include "reports/upstream_output.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"output", "DIR", "write report.html, leaderboard.md, .csv, .json and .tex there (short: -o)"},
    {"experiment", "NAME", "only the runs of this experiment (default: all runs)"},
    {"format", "FORMAT",
     "print terminal, markdown, csv, json, latex or html to stdout instead; trec (files for "
     "trec_eval) and upstream (CRUD-RAG's own output files) are written into --output"},
    {"compare", "", "compare two rows, named by a run, a label or the start of a fingerprint"},
    {"samples", "N",
     "of each task, the samples to look at in report.html, 0 for none (default: 2000)"},
    {"prompts", "N",
     "of each task, the samples whose prompts are in report.html, 0 for none (default: 200)"},
    {"inline", "MIB",
     "up to so much sample data stands in report.html itself; more goes into files of report_data "
     "beside it (default: 8)"},
    {"no-intervals", "", "leave out the bootstrap intervals, for very large workspaces"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "report",
    .arguments = "[WORKSPACE] | [WORKSPACE] --compare A B",
    .summary = "Make the leaderboard: a self-contained HTML page, Markdown, CSV, JSON, LaTeX, …",
    .max_positionals = 3,
    .options = kOptions,
    .examples =
        "  crudbench report workspace -o report\n"
        "  crudbench report --experiment sample --format markdown\n"
        "  crudbench report workspace --format trec -o trec\n"
        "  crudbench report workspace --compare 3 9 --format markdown\n"};

std::string rendered(const Store& store, const Leaderboard& leaderboard,
                     const std::string& format) {
  if (format == "terminal") {
    return leaderboard_terminal(leaderboard, use_colours(), terminal_columns());
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
  if (format == "latex") {
    return leaderboard_latex(leaderboard);
  }
  if (format == "html") {
    return page_html({.overview = report_overview(store, leaderboard)});
  }
  throw Error(ErrorCode::kInvalidConfig,
              "--format: expected terminal, markdown, csv, json, latex, html, trec or upstream, "
              "found '" +
                  format + "'");
}

/// The folder for a format that is files.
std::string output_folder(const Arguments& arguments, const std::string& format) {
  const auto folder = arguments.value("output");
  if (!folder) {
    throw Error(ErrorCode::kInvalidConfig,
                "--format " + format + " writes files: name a folder, -o DIR");
  }
  return *folder;
}

/// Prints the paths of the files.
void write_upstream_files(const Arguments& arguments, const Store& store) {
  Json files = Json::array();
  for (const std::filesystem::path& path : write_upstream_output(
           store, arguments.value("experiment"), output_folder(arguments, "upstream"))) {
    files.push_back(path.string());
  }
  if (arguments.has("json")) {
    print_json({{"upstream", files}});
    return;
  }
  for (const Json& file : files) {
    print(file.get<std::string>() + "\n");
  }
}

PageOptions page_options(const Arguments& arguments) {
  PageOptions options;
  options.samples_per_task =
      count_option(arguments, "samples", options.samples_per_task, 0, 1'000'000);
  options.prompts_per_task =
      count_option(arguments, "prompts", options.prompts_per_task, 0, 1'000'000);
  options.max_inline_bytes =
      count_option(arguments, "inline", options.max_inline_bytes >> 20U, 0, 1024) << 20U;
  return options;
}

/// Prints where the index of the files stands.
void write_trec_files(const Arguments& arguments, const Store& store) {
  const std::string folder = output_folder(arguments, "trec");
  std::int64_t queries = 0;
  std::int64_t differing = 0;
  for (const TrecRun& written : write_trec(store, arguments.value("experiment"), folder)) {
    queries += written.query_count;
    differing += written.differing_count;
  }
  if (differing > 0) {
    log_warning("report", std::to_string(differing) + " of " + std::to_string(queries) +
                              " rankings hold copies of documents that only the metrics could "
                              "fold: trec_eval's values will differ there (see trec.json)");
  }
  const std::string index = (std::filesystem::path(folder) / "trec.json").string();
  if (arguments.has("json")) {
    print_json({{"trec", index}});
  } else {
    print(index + "\n");
  }
}

/// `report [WORKSPACE] --compare A B`.
ExitCode compare(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  const bool names_workspace = words.size() == 3;
  if (words.size() < 2 || (names_workspace && arguments.has("workspace"))) {
    throw Error(ErrorCode::kInvalidConfig, "report --compare: expected [WORKSPACE] A B");
  }
  const std::string format =
      arguments.value("format").value_or(arguments.has("json") ? "json" : "terminal");
  if (format != "terminal" && format != "markdown" && format != "json") {
    throw Error(
        ErrorCode::kInvalidConfig,
        "--format: expected terminal, markdown or json of a comparison, found '" + format + "'");
  }
  const Store store(names_workspace ? Workspace{.folder = words[0]} : workspace_of(arguments),
                    Database::Mode::kReadOnly);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const SystemComparison comparison =
      compare_systems(store, words[words.size() - 2], words.back(),
                      {.experiment = arguments.value("experiment")}, *pool);
  if (const auto folder = arguments.value("output")) {
    for (const std::filesystem::path& path :
         write_system_comparison(store, comparison, page_options(arguments), *folder, *pool)) {
      print(path.string() + "\n");
    }
  } else if (format == "json") {
    print_json(system_comparison_json(comparison));
  } else {
    print(format == "markdown"
              ? system_comparison_markdown(comparison)
              : system_comparison_terminal(comparison, use_colours(), terminal_columns()));
  }
  return ExitCode::kDone;
}

ExitCode run(const Arguments& arguments) {
  if (arguments.has("compare")) {
    return compare(arguments);
  }
  if (arguments.positionals().size() > 1) {
    throw Error(ErrorCode::kInvalidConfig,
                "report: expected one WORKSPACE; two systems are named behind --compare");
  }
  const Store store(report_workspace_of(arguments), Database::Mode::kReadOnly);
  const std::string chosen = arguments.value("format").value_or("");
  if (chosen == "trec" || chosen == "upstream") {
    (chosen == "trec" ? write_trec_files : write_upstream_files)(arguments, store);
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
