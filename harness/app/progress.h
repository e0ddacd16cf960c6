#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/app/progress_lines.h"
#include "harness/runner/runner.h"

namespace crudbench {

/// Shows how runs go, on stderr: a live bar per run under way on a terminal, one plain line per
/// finished run elsewhere, nothing at all if `quiet`.
class ProgressView final : public RunListener {
 public:
  /// `cell_labels` are the names of the experiment's cells.
  ProgressView(std::vector<std::string> cell_labels, bool quiet, std::string currency = "");
  ~ProgressView() override;
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) override;
  void sample_finished(const PlannedRun& run, const SampleRecord& sample) override;
  void judging_started(const PlannedRun& run, const std::string& metric,
                       std::size_t count) override;
  void sample_judged(const PlannedRun& run) override;
  void run_finished(const PlannedRun& run, const RunProgress& progress) override;

 private:
  using Clock = std::chrono::steady_clock;

  /// A run under way.
  struct Bar {
    std::size_t position = 0;
    std::string title;
    std::int64_t total = 0;
    std::int64_t done_before = 0;
    std::int64_t ok = 0;
    std::int64_t failed = 0;
    std::int64_t cached = 0;
    std::int64_t completion_tokens = 0;
    /// Of the judging under way; 0 of 0 while samples are generated.
    std::size_t judged = 0;
    std::size_t to_judge = 0;
    Clock::time_point started;
    std::optional<Clock::time_point> judging_since;

    std::int64_t done_now() const {
      return to_judge > 0 ? static_cast<std::int64_t>(judged) : ok + failed;
    }
    std::int64_t done() const { return to_judge > 0 ? done_now() : done_before + done_now(); }
    std::int64_t goal() const { return to_judge > 0 ? static_cast<std::int64_t>(to_judge) : total; }
  };

  void draw_if_due();
  void draw();
  RunBar shown(const Bar& bar) const;

  const std::vector<std::string> cell_labels_;
  const bool quiet_;
  const bool live_;
  const std::string currency_;
  std::mutex mutex_;                 ///< Guards everything below.
  std::map<std::string, Bar> bars_;  ///< By the run's fingerprint.
  double spent_ = 0.0;               ///< By this execution.
  double saved_ = 0.0;
  bool has_prices_ = false;
  std::size_t runs_skipped_ = 0;
  Clock::time_point drawn_;
};

}  // namespace crudbench
