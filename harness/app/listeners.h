#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/runner/runner.h"

namespace crudbench {

/// Several listeners as one, told in their order. They outlive the object.
class Listeners final : public RunListener {
 public:
  explicit Listeners(std::vector<RunListener*> listeners) : listeners_(std::move(listeners)) {}

  void run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) override {
    for (RunListener* listener : listeners_) {
      listener->run_started(run, position, run_count);
    }
  }
  void sample_bodies(const PlannedRun& run, const std::string& prompt,
                     const std::string& reply) override {
    for (RunListener* listener : listeners_) {
      listener->sample_bodies(run, prompt, reply);
    }
  }
  void sample_finished(const PlannedRun& run, const SampleRecord& sample) override {
    for (RunListener* listener : listeners_) {
      listener->sample_finished(run, sample);
    }
  }
  void judging_started(const PlannedRun& run, const std::string& metric,
                       std::size_t count) override {
    for (RunListener* listener : listeners_) {
      listener->judging_started(run, metric, count);
    }
  }
  void sample_judged(const PlannedRun& run) override {
    for (RunListener* listener : listeners_) {
      listener->sample_judged(run);
    }
  }
  void run_finished(const PlannedRun& run, const RunProgress& progress) override {
    for (RunListener* listener : listeners_) {
      listener->run_finished(run, progress);
    }
  }

 private:
  std::vector<RunListener*> listeners_;
};

}  // namespace crudbench
