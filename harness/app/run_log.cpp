#include "harness/app/run_log.h"

#include <utility>

#include "harness/core/log.h"

namespace crudbench {

void RunLog::run_started(const PlannedRun& run, std::size_t /*position*/,
                         std::size_t /*run_count*/) {
  files_[run.fingerprint];
}

void RunLog::sample_bodies(const PlannedRun& run, const std::string& prompt,
                           const std::string& reply) {
  files_[run.fingerprint].bodies = {{"prompt", prompt}, {"reply", reply}};
}

void RunLog::sample_finished(const PlannedRun& run, const SampleRecord& sample) {
  Json line = {{"event", "sample"},
               {"sample_id", sample.sample_id},
               {"repeat", sample.repeat},
               {"fate", sample.failure ? sample.failure->failure_class : "ok"},
               {"cached", sample.cached},
               {"seconds", sample.generation_seconds},
               {"prompt_tokens", sample.usage.prompt_tokens},
               {"completion_tokens", sample.usage.completion_tokens},
               {"attempts", sample.attempts.is_null() ? Json::array() : sample.attempts}};
  if (sample.failure) {
    line["stage"] = to_string(sample.failure->stage);
    line["message"] = sample.failure->message;
  }
  if (sample.cost) {
    line["cost"] = *sample.cost;
  }
  if (Json& bodies = files_[run.fingerprint].bodies; !bodies.is_null()) {
    line["bodies"] = std::exchange(bodies, nullptr);
  }
  write(run, std::move(line));
}

void RunLog::judging_started(const PlannedRun& run, const std::string& metric, std::size_t count) {
  if (count > 0) {
    write(run, {{"event", "judging_started"}, {"metric", metric}, {"samples", count}});
  }
}

void RunLog::run_finished(const PlannedRun& run, const RunProgress& progress) {
  if (files_[run.fingerprint].stream.is_open()) {
    write(run, {{"event", "run_finished"}, {"ok", progress.ok}, {"failed", progress.failed}});
  }
  files_.erase(run.fingerprint);
}

void RunLog::write(const PlannedRun& run, Json line) {
  if (has_failed_) {
    return;
  }
  constexpr std::size_t kNameDigits = 16;
  const std::filesystem::path path = folder_ / (run.fingerprint.substr(0, kNameDigits) + ".jsonl");
  std::ofstream& stream = files_[run.fingerprint].stream;
  if (!stream.is_open()) {
    std::error_code ignored;  // The stream says it.
    std::filesystem::create_directories(folder_, ignored);
    stream.open(path, std::ios::app);
  }
  line["time"] = utc_timestamp();
  stream << to_text(line) << '\n';
  stream.flush();
  if (!stream) {
    has_failed_ = true;
    log_warning("run", "cannot write the log '" + path.string() + "'; the run goes on without");
  }
}

}  // namespace crudbench
