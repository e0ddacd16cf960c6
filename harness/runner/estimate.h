#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datasets/dataset.h"
#include "harness/core/catalog.h"
#include "harness/runner/experiment.h"
#include "harness/runner/plan.h"
#include "harness/store/store.h"

namespace crudbench {

/// A quantity that is not known yet.
struct Estimate {
  double expected = 0.0;
  double low = 0.0;
  double high = 0.0;

  Estimate& operator+=(const Estimate& other) {
    expected += other.expected;
    low += other.low;
    high += other.high;
    return *this;
  }
};

/// What the requests of one model will come to, those of judges and for rewriting queries left out.
struct SpendingEstimate {
  std::string model;
  std::int64_t requests = 0;
  Estimate prompt_tokens;
  Estimate completion_tokens;
  double most_completion_tokens = 0.0;  ///< If every answer runs to its limit.
  std::optional<Estimate> cost;         ///< nullopt without a price.
  std::optional<double> highest_cost;   ///< If every answer runs to its limit.
  /// Waiting for answers, as many at a time as the configuration allows at most. nullopt where a
  /// run with requests left has had no answer yet.
  std::optional<Estimate> seconds;
  std::string basis;  ///< What the figures rest on, in words.
};

/// Estimates what is left to do of a plan, model by model, before anything is spent.
///
/// A run that has answered samples goes on as they went: their mean, give or take twice its
/// standard error. Otherwise prompts are filled in for some samples and their cl100k tokens counted
/// (exact for models whose tokenizer that is, an assumed 40 % off at worst for others), the context
/// is taken to be as long as its options allow, and answers as long as the references, give or take
/// a factor of two. Answers in the completion cache are not looked up: the cost is the most likely
/// if none were. `store` may be null.
std::vector<SpendingEstimate> estimate_spending(const Experiment& experiment,
                                                const Dataset& dataset, const Catalog& catalog,
                                                const Plan& plan, const Store* store);

}  // namespace crudbench
