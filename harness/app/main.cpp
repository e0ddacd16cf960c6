#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <signal.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/core/suggest.h"
#include "harness/generators/llama_worker.h"
#include "harness/runner/provenance.h"

namespace crudbench {

namespace {

const std::vector<const Command*>& commands() {
  static const std::vector<const Command*> table{
      &kDoctorCommand, &kValidateCommand,    &kPlanCommand,    &kRunCommand,
      &kScoreCommand,  &kMergeCommand,       &kSlurmCommand,   &kKnowledgeBaseCommand,
      &kModelCommand,  &kReportCommand,      &kCompareCommand, &kCheckCommand,
      &kServeCommand,  &kLeaderboardCommand, &kLsCommand,      &kShowCommand,
      &kCacheCommand,  &kFsckCommand,        &kListCommand};
  return table;
}

std::string overview() {
  std::string text =
      "crudbench compares retrieval-augmented generation pipelines on CRUD-RAG.\n\n"
      "usage: crudbench COMMAND [arguments] [options]\n\ncommands:\n";
  for (const Command* command : commands()) {
    std::string line = "  " + std::string(command->spec.name);
    if (!command->spec.arguments.empty()) {
      line.append(" ").append(command->spec.arguments);
    }
    constexpr std::size_t kSummaryColumn = 34;
    line.resize(std::max(line.size() + 2, kSummaryColumn), ' ');
    text.append(line).append(command->spec.summary).append("\n");
  }
  text +=
      "\n'crudbench COMMAND --help' shows options and examples.\n"
      "exit codes: 0 done, 1 internal error, 2 usage or config, 3 data or file,\n"
      "            4 too many failed samples, 5 interrupted (run again to continue),\n"
      "            6 'check' found a metric that is worse\n";
  return text;
}

ExitCode dispatch(const std::vector<std::string>& words) {
  if (words.empty() || words.front() == "--help" || words.front() == "-h" ||
      words.front() == "help") {
    print(overview());
    return words.empty() ? ExitCode::kUsage : ExitCode::kDone;
  }
  if (words.front() == "--version") {
    print("crudbench " + program_version() + "\n");
    return ExitCode::kDone;
  }
  std::vector<std::string> names;
  for (const Command* command : commands()) {
    names.emplace_back(command->spec.name);
    if (command->spec.name != words.front()) {
      continue;
    }
    const Arguments arguments(command->spec, std::span(words).subspan(1));
    if (arguments.has("help")) {
      print(help_text(command->spec));
      return ExitCode::kDone;
    }
    set_log_level(arguments.has("quiet")     ? LogLevel::kWarning
                  : arguments.has("verbose") ? LogLevel::kDebug
                                             : LogLevel::kInfo);
    return command->run(arguments);
  }
  throw Error(ErrorCode::kInvalidConfig,
              "unknown command '" + words.front() + "'" + suggestion(words.front(), names));
}

ExitCode exit_code_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidConfig:
      return ExitCode::kUsage;
    case ErrorCode::kInvalidData:
    case ErrorCode::kIo:
      return ExitCode::kData;
    case ErrorCode::kUnavailable:
    case ErrorCode::kBadReply:
      return ExitCode::kFailures;
  }
  return ExitCode::kInternal;
}

/// The only place where an error becomes an exit code.
ExitCode guarded_dispatch(const std::vector<std::string>& words) {
  try {
    return dispatch(words);
  } catch (const Error& error) {
    log(LogLevel::kError, "crudbench", error.what());
    return exit_code_of(error.code());
  } catch (const std::bad_alloc&) {
    log(LogLevel::kError, "crudbench", "out of memory; what was finished is stored");
  } catch (const std::exception& error) {
    log(LogLevel::kError, "crudbench",
        "internal error; what was finished is stored. --verbose shows details to report");
    log_debug("crudbench", error.what());
  }
  return ExitCode::kInternal;
}

}  // namespace

}  // namespace crudbench

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // A broken connection is a failed sample, not the end.
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == crudbench::kLlamaWorkerCommand) {
    return crudbench::run_llama_worker(STDIN_FILENO, STDOUT_FILENO);
  }
  return static_cast<int>(crudbench::guarded_dispatch(words));
}
