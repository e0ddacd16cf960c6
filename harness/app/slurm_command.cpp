#include <map>
#include <optional>
#include <set>

#include "harness/app/child_command.h"
#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/log.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/sharding.h"
#include "harness/runner/slurm.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    kSetOption,
    {"output", "FOLDER", "the sweep's folder, on a file system that all nodes see (short: -o)"},
    {"shards", "N", "parts to split the experiment into (default: as many as nodes)"},
    {"nodes", "N", "shards that run at the same time, each on a node of its own (default: 1)"},
    {"partition", "NAME", "partition of the jobs"},
    {"time", "LIMIT", "time limit of a job, as sbatch takes it; a shard continues in a new job"},
    {"sbatch", "NAME=VALUE", "any other option of sbatch, e.g. mem=16G", true},
    {"dry-run", "", "print the scripts, submit nothing"},
};

constexpr CommandSpec kSpec{
    .name = "slurm",
    .arguments = "submit CONFIG | status",
    .summary = "Spread an experiment over a Slurm cluster; submit what is missing; follow it.",
    .min_positionals = 1,
    .max_positionals = 2,
    .options = kOptions,
    .examples =
        "  crudbench slurm submit my.json -o sweep --shards 64 --nodes 8 --partition long\n"
        "  crudbench slurm status -o sweep\n"
        "again, 'submit' queues the shards that are neither done nor queued, and no others.\n"};

std::filesystem::path folder_of(const Arguments& arguments) {
  const auto folder = arguments.value("output");
  if (!folder) {
    throw Error(ErrorCode::kInvalidConfig, "slurm needs the sweep's folder: -o FOLDER");
  }
  return std::filesystem::absolute(*folder).lexically_normal();
}

SlurmSweep read_sweep(const Arguments& arguments) {
  SlurmSweep sweep{.program = std::filesystem::read_symlink("/proc/self/exe"),
                   .config = std::filesystem::absolute(arguments.positionals()[1]),
                   .overrides = arguments.all("set"),
                   .folder = folder_of(arguments)};
  sweep.nodes = count_option(arguments, "nodes", 1, 1, kMaxShards);
  sweep.shard_count = count_option(arguments, "shards", sweep.nodes, 1, kMaxShards);
  for (const char* option : {"partition", "time"}) {
    if (const auto value = arguments.value(option)) {
      sweep.sbatch_options[option] = *value;
    }
  }
  for (const std::string& text : arguments.all("sbatch")) {
    const auto equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") != name.npos) {
      throw Error(ErrorCode::kInvalidConfig,
                  "--sbatch: expected NAME=VALUE such as mem=16G, found '" + text + "'");
    }
    sweep.sbatch_options[name] = equals == text.npos ? "" : text.substr(equals + 1);
  }
  sweep.experiment =
      load_experiment(sweep.config, sweep.overrides, builtin_catalog()).name;  // And checks it.
  return sweep;
}

/// The jobs of earlier submissions. Throws if the folder holds another sweep.
std::vector<SlurmJob> earlier_jobs(const SlurmSweep& sweep) {
  std::vector<SlurmJob> jobs;
  if (!std::filesystem::exists(sweep.record_file())) {
    return jobs;
  }
  const SlurmSweep earlier =
      read_slurm_record(read_json_file(sweep.record_file(), ErrorCode::kInvalidData),
                        sweep.record_file().string(), jobs);
  if (earlier.config != sweep.config || earlier.overrides != sweep.overrides ||
      earlier.shard_count != sweep.shard_count) {
    throw Error(ErrorCode::kInvalidConfig,
                "folder '" + sweep.folder.string() +
                    "' holds a sweep of another configuration or number of shards");
  }
  return jobs;
}

std::map<std::size_t, QueuedShard> ask_queue(const std::vector<SlurmJob>& jobs) {
  if (jobs.empty()) {
    return {};
  }
  const ChildResult queue = run_child({"squeue", "--noheader", "--array", "--format=%F|%K|%T"});
  if (queue.exit_status != 0) {
    throw Error(ErrorCode::kUnavailable,
                "'squeue' failed with status " + std::to_string(queue.exit_status));
  }
  return queued_shards(queue.output, jobs);
}

/// Writes a script and hands it to sbatch; returns the job's id.
std::string submit_script(const SlurmSweep& sweep, const std::string& kind,
                          const std::string& script, const std::string& dependency) {
  const std::filesystem::path file = sweep.folder / "jobs" / (kind + ".sh");
  write_file_atomically(file, script);
  std::vector<std::string> command{"sbatch", "--parsable"};
  if (!dependency.empty()) {
    command.push_back("--dependency=" + dependency);
    command.emplace_back("--kill-on-invalid-dep=yes");
  }
  command.push_back(file.string());
  const ChildResult result = run_child(command);
  std::string job_id = result.output.substr(0, result.output.find_first_of(";\n"));
  if (result.exit_status != 0 || job_id.empty()) {
    throw Error(ErrorCode::kUnavailable,
                "'sbatch' did not take job '" + kind + "'; what it said stands above");
  }
  log_info("slurm", "submitted " + kind + " as job " + job_id);
  return job_id;
}

/// The shards that are neither done nor queued.
std::vector<std::size_t> shards_to_submit(const SlurmSweep& sweep,
                                          const std::map<std::size_t, QueuedShard>& queued) {
  std::vector<std::size_t> shards;
  for (std::size_t shard = 1; shard <= sweep.shard_count; ++shard) {
    if (!queued.contains(shard) && !shard_progress(sweep, shard).is_complete()) {
      shards.push_back(shard);
    }
  }
  return shards;
}

ExitCode submit(const Arguments& arguments) {
  if (arguments.positionals().size() != 2) {
    throw Error(ErrorCode::kInvalidConfig, "slurm submit: expected a configuration");
  }
  const SlurmSweep sweep = read_sweep(arguments);
  std::vector<SlurmJob> jobs = earlier_jobs(sweep);
  if (arguments.has("dry-run")) {
    const std::vector<std::size_t> shards = shards_to_submit(sweep, {});
    print("# jobs/kb.sh\n" + knowledge_base_script(sweep) + "\n# jobs/shards.sh, after kb.sh\n" +
          shard_script(sweep, shards) + "\n# jobs/merge.sh, after all shards\n" +
          merge_script(sweep));
    return ExitCode::kDone;
  }
  for (const char* folder : {"jobs", "logs", "shards"}) {
    create_folders(sweep.folder / folder);
  }
  const std::map<std::size_t, QueuedShard> queued = ask_queue(jobs);
  const std::vector<std::size_t> shards = shards_to_submit(sweep, queued);
  const auto record = [&](const std::string& kind, const std::string& script,
                          const std::string& dependency) {
    jobs.push_back({.kind = kind, .job_id = submit_script(sweep, kind, script, dependency)});
    write_file_atomically(sweep.record_file(), slurm_record(sweep, jobs).dump(2) + "\n");
    return jobs.back().job_id;
  };
  if (!shards.empty()) {
    const std::string base = record("kb", knowledge_base_script(sweep), "");
    record("shards", shard_script(sweep, shards), "afterok:" + base);
  }
  if (shards.empty() && queued.empty() &&
      std::filesystem::exists(Workspace{sweep.merged_workspace()}.database_file())) {
    print("0 of " + std::to_string(sweep.shard_count) + " shards submitted: all is done\n");
    return ExitCode::kDone;
  }
  std::set<std::string> awaited;  // Array jobs that are in the queue, the new one among them.
  for (const auto& [shard, place] : queued) {
    awaited.insert(place.job_id);
  }
  if (!shards.empty()) {
    awaited.insert(jobs.back().job_id);
  }
  std::string all_shards;
  for (const std::string& job_id : awaited) {
    all_shards += (all_shards.empty() ? "afterok:" : ":") + job_id;
  }
  record("merge", merge_script(sweep), all_shards);
  print(std::to_string(shards.size()) + " of " + std::to_string(sweep.shard_count) +
        " shards submitted; 'crudbench slurm status -o " + sweep.folder.string() +
        "' follows them\n");
  return ExitCode::kDone;
}

ExitCode status(const Arguments& arguments) {
  const std::filesystem::path folder = folder_of(arguments);
  const std::filesystem::path file = folder / "slurm.json";
  std::vector<SlurmJob> jobs;
  const SlurmSweep sweep =
      read_slurm_record(read_json_file(file, ErrorCode::kInvalidData), file.string(), jobs);
  const std::map<std::size_t, QueuedShard> queued = ask_queue(jobs);
  Json shards = Json::array();
  std::string text;
  std::size_t complete = 0;
  std::size_t waiting = 0;
  for (std::size_t shard = 1; shard <= sweep.shard_count; ++shard) {
    const ShardProgress progress = shard_progress(sweep, shard);
    const auto state = queued.find(shard);
    const std::string shown = progress.is_complete()  ? "done"
                              : state != queued.end() ? state->second.state
                                                      : "not queued: submit again";
    complete += progress.is_complete() ? 1 : 0;
    waiting += !progress.is_complete() && state != queued.end() ? 1 : 0;
    shards.push_back({{"shard", shard},
                      {"state", shown},
                      {"samples", progress.done},
                      {"of", progress.wanted ? Json(*progress.wanted) : Json()}});
    text += "shard " + std::to_string(shard) + ": " + shown + ", " + std::to_string(progress.done) +
            " of " + (progress.wanted ? std::to_string(*progress.wanted) : std::string("?")) +
            " samples\n";
  }
  const bool is_merged =
      std::filesystem::exists(Workspace{sweep.merged_workspace()}.database_file());
  if (arguments.has("json")) {
    print_json(
        {{"shards", shards}, {"complete", complete}, {"queued", waiting}, {"merged", is_merged}});
  } else {
    print(text + std::to_string(complete) + " of " + std::to_string(sweep.shard_count) +
          " shards done, " + std::to_string(waiting) + " queued or running" +
          (is_merged ? "; merged into " + sweep.merged_workspace().string() : "") + "\n");
  }
  return ExitCode::kDone;
}

ExitCode run(const Arguments& arguments) {
  const std::string& action = arguments.positionals().front();
  if (action == "submit") {
    return submit(arguments);
  }
  if (action == "status") {
    return status(arguments);
  }
  throw Error(ErrorCode::kInvalidConfig,
              "slurm: expected submit or status, found '" + action + "'");
}

}  // namespace

const Command kSlurmCommand{kSpec, run};

}  // namespace crudbench
