#include "harness/runner/slurm.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "harness/core/error.h"
#include "harness/store/store.h"

namespace crudbench {

namespace {

constexpr std::string_view kFormat = "crudbench-slurm";
constexpr int kVersion = 1;

/// How long before its end a job is told, so that it can store what is finished.
constexpr const char* kWarningSeconds = "60";

/// One word for the shell, whatever the text.
std::string quoted(const std::string& text) {
  std::string word = "'";
  for (const char character : text) {
    word += character == '\'' ? std::string("'\\''") : std::string(1, character);
  }
  return word + "'";
}

/// One "#SBATCH --name=value"; values stand between double quotes there, and nothing escapes them.
std::string directive(const std::string& name, const std::string& value) {
  if (value.find_first_of("\"\n\r") != std::string::npos) {
    throw Error(ErrorCode::kInvalidConfig, "slurm: '" + value + "' cannot stand in a batch script");
  }
  return "#SBATCH --" + name + (value.empty() ? "" : "=\"" + value + "\"") + "\n";
}

std::string header(const SlurmSweep& sweep, const std::string& kind, const std::string& log) {
  std::string text = "#!/bin/bash\n" + directive("job-name", "crudbench-" + kind) +
                     directive("output", (sweep.folder / "logs" / log).string()) +
                     directive("open-mode", "append") + directive("chdir", sweep.folder.string()) +
                     directive("nodes", "1") + directive("ntasks", "1") + directive("requeue", "");
  for (const auto& [name, value] : sweep.sbatch_options) {
    text += directive(name, value);
  }
  return text;
}

/// The program with a configuration and its overrides.
std::string command(const SlurmSweep& sweep, const std::string& words) {
  std::string text =
      quoted(sweep.program.string()) + " " + words + " " + quoted(sweep.config.string());
  for (const std::string& override_text : sweep.overrides) {
    text += " --set " + quoted(override_text);
  }
  return text;
}

std::string text_of(const Json& record, const char* key, const std::string& file) {
  const auto found = record.find(key);
  if (found == record.end() || !found->is_string()) {
    throw Error(ErrorCode::kInvalidData,
                file + ": /" + key + ": expected a string, as 'crudbench slurm submit' writes it");
  }
  return found->get<std::string>();
}

std::size_t count_of(const Json& record, const char* key, const std::string& file) {
  const auto found = record.find(key);
  if (found == record.end() || !found->is_number_unsigned() || *found == 0) {
    throw Error(ErrorCode::kInvalidData,
                file + ": /" + key + ": expected a number, as 'crudbench slurm submit' writes it");
  }
  return found->get<std::size_t>();
}

}  // namespace

std::string array_ranges(const std::vector<std::size_t>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) {
      ++last;
    }
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
    text += last == i ? "" : "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text;
}

std::string knowledge_base_script(const SlurmSweep& sweep) {
  return header(sweep, "kb", "kb.log") + "set -e\n" + command(sweep, "kb build") + " --kb " +
         quoted(sweep.knowledge_bases().string()) + " --workspace " +
         quoted((sweep.folder / "kb-workspace").string()) + "\n";
}

std::string shard_script(const SlurmSweep& sweep, const std::vector<std::size_t>& shards) {
  const std::string shard = "\"$SLURM_ARRAY_TASK_ID\"";
  return header(sweep, "shard", "shard-%a.log") +
         directive("array", array_ranges(shards) + "%" + std::to_string(sweep.nodes)) +
         directive("signal", std::string("B:TERM@") + kWarningSeconds) + command(sweep, "run") +
         " --shard " + shard + "/" + std::to_string(sweep.shard_count) + " --workspace " +
         quoted((sweep.folder / "shards").string()) + "/" + shard + " --kb " +
         quoted(sweep.knowledge_bases().string()) + " --max-failures 100% --quiet &\n" +
         "child=$!\n"
         "trap 'kill -TERM \"$child\" 2>/dev/null' TERM INT\n"
         "# A trapped signal ends 'wait' early, so it is asked again for the program's own "
         "status.\n"
         "wait \"$child\"; status=$?\n"
         "while kill -0 \"$child\" 2>/dev/null; do wait \"$child\"; status=$?; done\n"
         "# 5: told to stop before the end, with everything finished stored. It continues later.\n"
         "if [ \"$status\" -eq 5 ]; then\n"
         "  scontrol requeue \"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}\"\n"
         "fi\n"
         "exit \"$status\"\n";
}

std::string merge_script(const SlurmSweep& sweep) {
  std::string parts;
  for (std::size_t shard = 1; shard <= sweep.shard_count; ++shard) {
    parts += " " + quoted(sweep.shard_workspace(shard).string());
  }
  const std::string program = quoted(sweep.program.string());
  const std::string workspace = quoted(sweep.merged_workspace().string());
  return header(sweep, "merge", "merge.log") + "set -e\n" + "rm -f " + workspace +
         "/crudbench.db*\n" + program + " merge" + parts + " -o " + workspace + "\n" + program +
         " report " + workspace + " -o " + quoted((sweep.folder / "report").string()) + "\n";
}

Json slurm_record(const SlurmSweep& sweep, const std::vector<SlurmJob>& jobs) {
  Json list = Json::array();
  for (const SlurmJob& job : jobs) {
    list.push_back({{"kind", job.kind}, {"id", job.job_id}});
  }
  return {{"format", kFormat},
          {"version", kVersion},
          {"program", sweep.program.string()},
          {"config", sweep.config.string()},
          {"overrides", sweep.overrides},
          {"experiment", sweep.experiment},
          {"shards", sweep.shard_count},
          {"jobs", list}};
}

SlurmSweep read_slurm_record(const Json& record, const std::string& file,
                             std::vector<SlurmJob>& jobs) {
  if (!record.is_object() || record.value("format", "") != kFormat ||
      record.value("version", 0) != kVersion) {
    throw Error(ErrorCode::kInvalidData,
                file + ": not the record of a sweep that this crudbench submitted");
  }
  const std::filesystem::path path = std::filesystem::absolute(file);
  SlurmSweep sweep{.program = text_of(record, "program", file),
                   .config = text_of(record, "config", file),
                   .folder = path.parent_path(),
                   .experiment = text_of(record, "experiment", file),
                   .shard_count = count_of(record, "shards", file)};
  for (const Json& text : record.value("overrides", Json::array())) {
    sweep.overrides.push_back(text.is_string() ? text.get<std::string>() : to_text(text));
  }
  for (const Json& job : record.value("jobs", Json::array())) {
    jobs.push_back({.kind = text_of(job, "kind", file), .job_id = text_of(job, "id", file)});
  }
  return sweep;
}

std::map<std::size_t, QueuedShard> queued_shards(std::string_view squeue_output,
                                                 const std::vector<SlurmJob>& jobs) {
  std::set<std::string_view> array_jobs;
  for (const SlurmJob& job : jobs) {
    if (job.kind == "shards") {
      array_jobs.insert(job.job_id);
    }
  }
  std::map<std::size_t, QueuedShard> queued;
  while (!squeue_output.empty()) {
    const std::size_t end = std::min(squeue_output.find('\n'), squeue_output.size());
    const std::string_view line = squeue_output.substr(0, end);
    squeue_output.remove_prefix(std::min(end + 1, squeue_output.size()));
    const auto first = line.find('|');
    const auto second = line.find('|', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos || !array_jobs.contains(line.substr(0, first))) {
      continue;
    }
    const std::string_view index = line.substr(first + 1, second - first - 1);
    std::size_t shard = 0;
    const auto parsed = std::from_chars(index.data(), index.data() + index.size(), shard);
    if (parsed.ec == std::errc() && parsed.ptr == index.data() + index.size()) {
      queued[shard] = {.job_id = std::string(line.substr(0, first)),
                       .state = std::string(line.substr(second + 1))};
    }
  }
  return queued;
}

ShardProgress shard_progress(const SlurmSweep& sweep, std::size_t shard) {
  const Workspace workspace{.folder = sweep.shard_workspace(shard)};
  ShardProgress progress;
  if (!std::filesystem::exists(workspace.database_file())) {
    return progress;
  }
  const Store store(workspace, Database::Mode::kReadOnly);
  const auto record = store.find_shard(sweep.experiment);
  if (!record) {
    return progress;
  }
  progress.wanted = record->sample_count;
  std::set<std::string> seen;
  for (const RunRecord& run : store.runs(sweep.experiment)) {
    if (seen.insert(run.fingerprint).second) {
      const RunProgress of_run = store.progress(run.run_id);
      progress.done += of_run.ok + of_run.failed;
    }
  }
  return progress;
}

}  // namespace crudbench
