#include "harness/app/run_log.h"

#include <utility>

#include "harness/core/log.h"

namespace crudbench {

void RunLog::run_started(const PlannedRun& run, std::size_t /*position*/,
                         std::size_t /*run_count*/) {
  constexpr std::size_t kNameDigits = 16;
  file_.close();
  run_ = run.fingerprint.substr(0, kNameDigits);
  bodies_ = nullptr;
}

void RunLog::sample_bodies(const std::string& prompt, const std::string& reply) {
  bodies_ = {{"prompt", prompt}, {"reply", reply}};
}

void RunLog::sample_finished(const SampleRecord& sample) {
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
  if (!bodies_.is_null()) {
    line["bodies"] = std::exchange(bodies_, nullptr);
  }
  write(std::move(line));
}

void RunLog::judging_started(const std::string& metric, std::size_t count) {
  if (count > 0) {
    write({{"event", "judging_started"}, {"metric", metric}, {"samples", count}});
  }
}

void RunLog::run_finished(const PlannedRun& /*run*/, const RunProgress& progress) {
  if (file_.is_open()) {
    write({{"event", "run_finished"}, {"ok", progress.ok}, {"failed", progress.failed}});
  }
}

void RunLog::write(Json line) {
  if (has_failed_) {
    return;
  }
  if (!file_.is_open()) {
    std::error_code ignored;  // The stream says it.
    std::filesystem::create_directories(folder_, ignored);
    file_.open(folder_ / (run_ + ".jsonl"), std::ios::app);
  }
  line["time"] = utc_timestamp();
  file_ << to_text(line) << '\n';
  file_.flush();
  if (!file_) {
    has_failed_ = true;
    log_warning("run", "cannot write the log '" + (folder_ / (run_ + ".jsonl")).string() +
                           "'; the run goes on without");
  }
}

}  // namespace crudbench
