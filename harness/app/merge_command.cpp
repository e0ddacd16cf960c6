#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/store/merge.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"output", "WORKSPACE", "the workspace to make; it must have no results yet (short: -o)"},
    {"partial", "", "merge what is there although shards are missing or not finished"},
};

constexpr std::size_t kMostParts = 100'000;

constexpr CommandSpec kSpec{.name = "merge",
                            .arguments = "WORKSPACE…",
                            .summary = "Join the shards of an experiment into one workspace.",
                            .min_positionals = 1,
                            .max_positionals = kMostParts,
                            .options = kOptions,
                            .examples =
                                "  crudbench merge part-* -o workspace\n"
                                "  crudbench merge part-1 part-3 --partial -o so-far\n"};

ExitCode run(const Arguments& arguments) {
  const auto output = arguments.value("output");
  if (!output) {
    throw Error(ErrorCode::kInvalidConfig, "merge needs a workspace to make: -o WORKSPACE");
  }
  std::vector<Workspace> parts;
  for (const std::filesystem::path path : arguments.positionals()) {
    parts.push_back({.folder = path.filename() == "crudbench.db" ? path.parent_path() : path});
  }
  const Workspace target{.folder = *output};
  const WorkspaceLock lock(target);
  const MergeResult result = merge_shards(parts, target, arguments.has("partial"));
  if (arguments.has("json")) {
    print_json({{"workspace", target.folder.string()},
                {"experiments", result.experiments},
                {"parts", result.part_count},
                {"shards", result.shard_count},
                {"missing", result.missing},
                {"samples", result.sample_count},
                {"samples_of_the_whole", result.expected_count}});
    return ExitCode::kDone;
  }
  print(std::to_string(result.part_count) + " of " + std::to_string(result.shard_count) +
        " shards merged into " + target.folder.string() + ": " +
        std::to_string(result.sample_count) + " of " + std::to_string(result.expected_count) +
        " samples\n");
  if (result.sample_count < result.expected_count) {
    log_warning("merge", "the result is not whole: " + std::to_string(result.missing.size()) +
                             " shards are missing; means are over what is there");
  }
  return ExitCode::kDone;
}

}  // namespace

const Command kMergeCommand{kSpec, run};

}  // namespace crudbench
