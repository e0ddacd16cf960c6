#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/generators/generator.h"
#include "harness/store/store.h"

namespace crudbench {

/// A run and a metric that needs a judge. Everything outlives the judging.
struct JudgingParts {
  std::int64_t run_id = 0;
  const std::string& task;
  const Json& metric;  ///< Resolved.
  /// The judge of a repeat, behind the completion cache.
  const std::function<std::unique_ptr<Generator>(std::size_t repeat)>& make_judge;
  bool retry_failed = false;  ///< Ask again where the judge failed.
  const Catalog& catalog;
  Store& store;
  Executor& executor;
  /// Called with the number of samples that the judge is about to be asked about.
  const std::function<void(std::size_t count)>& started;
  /// Called for every sample that was judged, on the calling thread.
  const std::function<void()>& sample_judged;
};

/// Has the finished samples of a run judged that were not yet, and scores all of them, at most 64
/// samples or one second at a time; what was stored is not asked again. Samples without an answer
/// are scored without a judge. False if `stop` came before the end.
bool judge_run(const JudgingParts& parts, const std::stop_token& stop);

}  // namespace crudbench
