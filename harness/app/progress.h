#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "harness/runner/runner.h"

namespace crudbench {

/// Shows how a run goes, on stderr: a live bar per run on a terminal, one plain line per finished
/// run elsewhere, nothing at all if `quiet`.
class ProgressView final : public RunListener {
 public:
  /// `cell_labels` are the names of the experiment's cells.
  ProgressView(std::vector<std::string> cell_labels, bool quiet, std::string currency = "");
  ~ProgressView() override;
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  void run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) override;
  void sample_finished(const SampleRecord& sample) override;
  void judging_started(const std::string& metric, std::size_t count) override;
  void sample_judged() override;
  void run_finished(const PlannedRun& run, const RunProgress& progress) override;

 private:
  using Clock = std::chrono::steady_clock;

  void draw();
  void clear();

  const std::vector<std::string> cell_labels_;
  const bool quiet_;
  const bool live_;
  const std::string currency_;
  std::mutex mutex_;  ///< Guards everything below.
  std::string title_;
  std::int64_t total_ = 0;
  std::int64_t done_before_ = 0;
  std::int64_t ok_ = 0;
  std::int64_t failed_ = 0;
  std::int64_t cached_ = 0;
  std::int64_t completion_tokens_ = 0;
  double spent_ = 0.0;  ///< By this execution.
  double saved_ = 0.0;
  bool has_prices_ = false;
  /// Of the judging under way; 0 of 0 while samples are generated.
  std::size_t judged_ = 0;
  std::size_t to_judge_ = 0;
  std::size_t runs_skipped_ = 0;
  Clock::time_point started_;
  std::optional<Clock::time_point> judging_since_;
  Clock::time_point drawn_;
  bool on_screen_ = false;
};

}  // namespace crudbench
