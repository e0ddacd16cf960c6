#include "harness/serve/live_status.h"

#include <algorithm>

#include "reports/leaderboard.h"

namespace crudbench {

namespace {

constexpr std::chrono::seconds kWindow{60};

Json optional_json(std::optional<double> value) {
  return value ? Json(*value) : Json();
}

std::int64_t done_count(const RunActivity& activity) {
  return activity.ok_count + activity.failed_count;
}

}  // namespace

Json LiveStatus::read(const Store& store, Clock::time_point now) {
  const std::int64_t version = store.data_version();
  if (version != data_version_) {
    refresh(store);
    data_version_ = version;
  }
  observe(now);
  Json runs = Json::array();
  std::int64_t samples = 0;
  std::int64_t ok = 0;
  std::int64_t failed = 0;
  std::int64_t pending = 0;
  for (const Run& run : runs_) {
    const RunActivity& activity = run.activity;
    const std::int64_t left =
        std::max<std::int64_t>(0, run.record.sample_count - done_count(activity));
    runs.push_back({{"run_id", run.record.run_id},
                    {"experiments", experiments_[run.record.run_id]},
                    {"task", run.record.task},
                    {"label", run.label},
                    {"samples", run.record.sample_count},
                    {"ok", activity.ok_count},
                    {"failed", activity.failed_count},
                    {"pending", left},
                    {"failures", activity.failures},
                    {"cached", activity.cached_count},
                    {"prompt_tokens", activity.prompt_tokens},
                    {"completion_tokens", activity.completion_tokens}});
    samples += run.record.sample_count;
    ok += activity.ok_count;
    failed += activity.failed_count;
    pending += left;
  }
  Json status = {{"runs", std::move(runs)}, {"samples", samples}, {"ok", ok},
                 {"failed", failed},        {"pending", pending}, {"spending", spending_}};
  status.update(rates_json());
  return status;
}

void LiveStatus::refresh(const Store& store) {
  std::map<std::int64_t, Run> known;
  for (Run& run : runs_) {
    known.emplace(run.record.run_id, std::move(run));
  }
  runs_.clear();
  const std::map<std::int64_t, SampleMark> marks = store.sample_marks();
  std::vector<Json> cells;
  for (RunRecord& record : store.runs()) {
    cells.push_back(record.cell);
    Run run{.record = std::move(record)};
    const auto mark = marks.find(run.record.run_id);
    run.mark = mark != marks.end() ? mark->second : SampleMark();
    const auto before = known.find(run.record.run_id);
    run.activity = before != known.end() && before->second.mark == run.mark
                       ? std::move(before->second.activity)
                       : store.activity(run.record.run_id);
    runs_.push_back(std::move(run));
  }
  const std::vector<std::string> labels = cell_labels(cells);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    runs_[i].label = labels[i];
  }
  experiments_.clear();
  spending_ = Json::array();
  for (const std::string& experiment : store.experiments()) {
    for (const SpendingRecord& spent : store.spending(experiment)) {
      if (!spent.currency.empty() && spent.cost > 0.0) {
        spending_.push_back({{"experiment", experiment},
                             {"purpose", spent.purpose},
                             {"model", spent.model},
                             {"requests", spent.requests},
                             {"cost", spent.cost},
                             {"currency", spent.currency}});
      }
    }
    for (const RunRecord& run : store.runs(experiment)) {
      std::vector<std::string>& names = experiments_[run.run_id];
      if (names.empty() || names.back() != experiment) {  // A run may be in it under two labels.
        names.push_back(experiment);
      }
    }
  }
}

void LiveStatus::observe(Clock::time_point now) {
  Observation observation{.at = now};
  for (const Run& run : runs_) {
    observation.done += done_count(run.activity);
    observation.completion_tokens += run.activity.completion_tokens;
  }
  observations_.push_back(observation);
  while (observations_.size() > 2 && now - observations_[1].at >= kWindow) {
    observations_.pop_front();
  }
}

Json LiveStatus::rates_json() const {
  const Observation& first = observations_.front();
  const Observation& last = observations_.back();
  const double seconds = std::chrono::duration<double>(last.at - first.at).count();
  std::optional<double> samples;
  std::optional<double> tokens;
  if (seconds > 0.0 && last.done >= first.done) {
    samples = static_cast<double>(last.done - first.done) / seconds;
    tokens = static_cast<double>(last.completion_tokens - first.completion_tokens) / seconds;
  }
  std::int64_t pending = 0;
  for (const Run& run : runs_) {
    pending += std::max<std::int64_t>(0, run.record.sample_count - done_count(run.activity));
  }
  const bool goes_on = samples && *samples > 0.0;
  return {{"samples_per_second", optional_json(samples)},
          {"completion_tokens_per_second", optional_json(tokens)},
          {"seconds_left", goes_on ? Json(static_cast<double>(pending) / *samples) : Json()}};
}

}  // namespace crudbench
