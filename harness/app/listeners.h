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
  void sample_bodies(const std::string& prompt, const std::string& reply) override {
    for (RunListener* listener : listeners_) {
      listener->sample_bodies(prompt, reply);
    }
  }
  void sample_finished(const SampleRecord& sample) override {
    for (RunListener* listener : listeners_) {
      listener->sample_finished(sample);
    }
  }
  void judging_started(const std::string& metric, std::size_t count) override {
    for (RunListener* listener : listeners_) {
      listener->judging_started(metric, count);
    }
  }
  void sample_judged() override {
    for (RunListener* listener : listeners_) {
      listener->sample_judged();
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
