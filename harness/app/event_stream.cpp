#include "harness/app/event_stream.h"

#include <utility>

#include "harness/app/session.h"

namespace crudbench {

namespace {

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

void EventStream::print_event(const std::string& name, Json fields) {
  fields["event"] = name;
  print(to_text(fields) + "\n");
}

void EventStream::run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) {
  print_event("run_started", {{"run", run.fingerprint},
                              {"position", position + 1},
                              {"runs", run_count},
                              {"cell", cell_labels_[run.cell]},
                              {"task", run.task},
                              {"samples", run.sample_count},
                              {"ok", run.progress.ok},
                              {"failed", run.progress.failed}});
}

void EventStream::sample_finished(const PlannedRun& run, const SampleRecord& sample) {
  Json event = {{"run", run.fingerprint},
                {"sample_id", sample.sample_id},
                {"repeat", sample.repeat},
                {"ok", !sample.failure.has_value()},
                {"cached", sample.cached},
                {"attempts", sample.attempt_count},
                {"seconds", sample.generation_seconds},
                {"prompt_tokens", sample.usage.prompt_tokens},
                {"completion_tokens", sample.usage.completion_tokens},
                {"cost", number_or_null(sample.cost)},
                {"saved", number_or_null(sample.saved)}};
  if (sample.failure) {
    event["stage"] = to_string(sample.failure->stage);
    event["class"] = sample.failure->failure_class;
    event["message"] = sample.failure->message;
  }
  print_event("sample", std::move(event));
}

void EventStream::judging_started(const PlannedRun& run, const std::string& metric,
                                  std::size_t count) {
  print_event("judging_started",
              {{"run", run.fingerprint}, {"metric", metric}, {"samples", count}});
}

void EventStream::sample_judged(const PlannedRun& run) {
  print_event("sample_judged", {{"run", run.fingerprint}});
}

void EventStream::run_finished(const PlannedRun& run, const RunProgress& progress) {
  print_event("run_finished",
              {{"run", run.fingerprint}, {"ok", progress.ok}, {"failed", progress.failed}});
}

}  // namespace crudbench
