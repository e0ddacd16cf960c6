#pragma once

#include "harness/app/arguments.h"
#include "harness/app/exit_codes.h"

namespace crudbench {

/// A command: its specification and what it does. Results go to stdout, all else to stderr; errors
/// are thrown.
struct Command {
  const CommandSpec& spec;
  ExitCode (*run)(const Arguments& arguments);
};

extern const Command kDoctorCommand;
extern const Command kValidateCommand;
extern const Command kPlanCommand;
extern const Command kRunCommand;
extern const Command kScoreCommand;
extern const Command kKnowledgeBaseCommand;
extern const Command kModelCommand;
extern const Command kMergeCommand;
extern const Command kReportCommand;
extern const Command kCompareCommand;
extern const Command kLeaderboardCommand;
extern const Command kCheckCommand;
extern const Command kLsCommand;
extern const Command kServeCommand;
extern const Command kShowCommand;
extern const Command kSlurmCommand;
extern const Command kListCommand;
extern const Command kCacheCommand;
extern const Command kFsckCommand;

}  // namespace crudbench
