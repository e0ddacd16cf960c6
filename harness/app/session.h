#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "datasets/dataset.h"
#include "harness/app/arguments.h"
#include "harness/core/json.h"
#include "harness/runner/experiment.h"
#include "harness/runner/thread_pool.h"
#include "harness/store/store.h"

namespace crudbench {

/// Options of the commands that read a configuration.
inline constexpr OptionSpec kSetOption{
    "set", "POINTER=VALUE", "override one value of the configuration, e.g. /retriever/top_k=[2,4]",
    true};
inline constexpr OptionSpec kThreadsOption{
    "threads", "N", "worker threads (default: the cores this process may use)"};

/// The integer that an option gives, `fallback` without it. Throws Error(kInvalidConfig) for
/// anything but an integer from `lowest` to `highest`.
std::size_t count_option(const Arguments& arguments, const std::string& name, std::size_t fallback,
                         std::size_t lowest, std::size_t highest);

inline constexpr OptionSpec kKnowledgeBasesOption{
    "kb", "FOLDER", "knowledge bases stand here, shared by workspaces (default: WORKSPACE/kb)"};

/// The workspace that `--workspace` names, with the knowledge bases where `--kb` says.
Workspace workspace_of(const Arguments& arguments);

/// The workspace of a command that takes it as its first word too. Throws Error(kInvalidConfig) if
/// it is given twice.
Workspace report_workspace_of(const Arguments& arguments);

/// The worker threads that `--threads` asks for. Throws Error(kInvalidConfig).
std::unique_ptr<ThreadPool> make_thread_pool(const Arguments& arguments);

/// The experiment of the first positional argument, with `--set` applied.
Experiment experiment_of(const Arguments& arguments);

/// A name for each cell that tells it apart from the others.
std::vector<std::string> labels_of(const Experiment& experiment);

/// Reads the experiment's data and logs what was found.
Dataset read_dataset(const Experiment& experiment, Executor& executor);

/// Whether stdout is a terminal that wants colours (https://no-color.org).
bool use_colours();

/// The width of the terminal that stdout is, 0 where it is none or of unknown width.
std::size_t terminal_columns();

/// Prints the leaderboard of one experiment, or of all runs, as a table.
void print_leaderboard(const Store& store, const std::optional<std::string>& experiment,
                       Executor& executor);

void print_leaderboard_json(const Store& store, const std::optional<std::string>& experiment,
                            Executor& executor);

/// Writes to stdout. Throws Error(kIo) if that fails, e.g. on a full disk; where the reader of a
/// pipe has gone, the process ends by SIGPIPE, silently.
void print(std::string_view text);
/// The same for a JSON result, indented, with a line break at the end.
void print_json(const Json& result);

}  // namespace crudbench
