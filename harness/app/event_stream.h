#pragma once

#include <string>
#include <vector>

#include "harness/core/json.h"
#include "harness/runner/runner.h"

namespace crudbench {

/// How a run goes as JSON lines on stdout, one event each, for `run --json`
/// (docs/run-events.md). The version is raised when a field changes its meaning or goes away.
class EventStream final : public RunListener {
 public:
  static constexpr int kVersion = 1;

  explicit EventStream(std::vector<std::string> cell_labels)
      : cell_labels_(std::move(cell_labels)) {}

  /// An event of the caller's own: "experiment_started" and "experiment_finished".
  static void print_event(const std::string& name, Json fields);

  void run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) override;
  void sample_finished(const PlannedRun& run, const SampleRecord& sample) override;
  void judging_started(const PlannedRun& run, const std::string& metric,
                       std::size_t count) override;
  void sample_judged(const PlannedRun& run) override;
  void run_finished(const PlannedRun& run, const RunProgress& progress) override;

 private:
  const std::vector<std::string> cell_labels_;
};

}  // namespace crudbench
