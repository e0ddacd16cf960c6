#pragma once

#include <filesystem>
#include <fstream>
#include <map>
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
  void sample_bodies(const PlannedRun& run, const std::string& prompt,
                     const std::string& reply) override;
  void sample_finished(const PlannedRun& run, const SampleRecord& sample) override;
  void judging_started(const PlannedRun& run, const std::string& metric,
                       std::size_t count) override;
  void sample_judged(const PlannedRun& /*run*/) override {}
  void run_finished(const PlannedRun& run, const RunProgress& progress) override;

 private:
  struct File {
    std::ofstream stream;  ///< Opened with the first line, so that finished runs leave no trace.
    Json bodies;           ///< Of the sample that comes next; null for none.
  };

  void write(const PlannedRun& run, Json line);

  std::filesystem::path folder_;
  std::map<std::string, File> files_;  ///< Of the runs under way, by fingerprint.
  bool has_failed_ = false;
};

}  // namespace crudbench
