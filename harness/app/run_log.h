#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "harness/runner/runner.h"

namespace crudbench {

/// What becomes of every sample, as JSON lines in WORKSPACE/logs/RUN.jsonl, RUN being the first 16
/// digits of the run's fingerprint: time, attempts with their status and the server's request id,
/// tokens, cost. Bodies (prompt and reply) only with `RunOptions::keep_bodies`; headers, and with
/// them keys, never. Later executions append. A log that cannot be written is one warning, and the
/// run goes on.
class RunLog final : public RunListener {
 public:
  explicit RunLog(const Workspace& workspace) : folder_(workspace.log_folder()) {}

  void run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) override;
  void sample_bodies(const std::string& prompt, const std::string& reply) override;
  void sample_finished(const SampleRecord& sample) override;
  void judging_started(const std::string& metric, std::size_t count) override;
  void sample_judged() override {}
  void run_finished(const PlannedRun& run, const RunProgress& progress) override;

 private:
  void write(Json line);

  std::filesystem::path folder_;
  std::string run_;     ///< Names the file; empty before the first run.
  std::ofstream file_;  ///< Opened with the first line, so that finished runs leave no trace.
  Json bodies_;         ///< Of the sample that comes next; null for none.
  bool has_failed_ = false;
};

}  // namespace crudbench
