#include "harness/app/session.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/runner/builtin_catalog.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"

namespace crudbench {

Workspace workspace_of(const Arguments& arguments) {
  return {.folder = arguments.value("workspace").value_or("workspace"),
          .shared_knowledge_bases = arguments.value("kb").value_or("")};
}

Workspace report_workspace_of(const Arguments& arguments) {
  if (arguments.positionals().empty()) {
    return workspace_of(arguments);
  }
  if (arguments.has("workspace")) {
    throw Error(ErrorCode::kInvalidConfig, "the workspace is given twice");
  }
  return {.folder = arguments.positionals().front()};
}

std::size_t count_option(const Arguments& arguments, const std::string& name, std::size_t fallback,
                         std::size_t lowest, std::size_t highest) {
  const auto text = arguments.value(name);
  if (!text) {
    return fallback;
  }
  std::size_t count = 0;
  const char* const end = text->data() + text->size();
  const auto [stopped_at, problem] = std::from_chars(text->data(), end, count);
  if (problem != std::errc() || stopped_at != end || count < lowest || count > highest) {
    throw Error(ErrorCode::kInvalidConfig, "--" + name + ": expected an integer from " +
                                               std::to_string(lowest) + " to " +
                                               std::to_string(highest) + ", found '" + *text + "'");
  }
  return count;
}

std::unique_ptr<ThreadPool> make_thread_pool(const Arguments& arguments) {
  return std::make_unique<ThreadPool>(
      count_option(arguments, "threads", available_cores(), 1, 1024));
}

Experiment experiment_of(const Arguments& arguments) {
  return load_experiment(arguments.positionals().front(), arguments.all("set"), builtin_catalog());
}

std::vector<std::string> labels_of(const Experiment& experiment) {
  std::vector<Json> cells;
  for (const Cell& cell : experiment.cells) {
    cells.push_back(cell.labelled_json());
  }
  return cell_labels(cells);
}

Dataset read_dataset(const Experiment& experiment, Executor& executor) {
  Dataset dataset = builtin_catalog().datasets.build(experiment.dataset)->read(executor);
  log_info("data", std::to_string(dataset.samples.size()) + " samples, " +
                       std::to_string(dataset.corpus.size()) + " documents (" +
                       std::to_string(dataset.added_gold_document_count) +
                       " added gold documents), " + std::to_string(dataset.issues.size()) +
                       " issues");
  return dataset;
}

bool use_colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

std::size_t terminal_columns() {
  winsize size{};
  return ::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0
             ? size.ws_col
             : 0;
}

void print_leaderboard(const Store& store, const std::optional<std::string>& experiment,
                       Executor& executor) {
  print(leaderboard_terminal(build_leaderboard(store, {.experiment = experiment}, executor),
                             use_colours(), terminal_columns()));
}

void print_leaderboard_json(const Store& store, const std::optional<std::string>& experiment,
                            Executor& executor) {
  print_json(leaderboard_json(build_leaderboard(store, {.experiment = experiment}, executor)));
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    if (errno == EPIPE) {  // The reader has seen enough: end as every filter does.
      ::signal(SIGPIPE, SIG_DFL);
      ::raise(SIGPIPE);
    }
    throw io_error("write to", "standard output", errno);
  }
}

void print_json(const Json& result) {
  print(result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

}  // namespace crudbench
