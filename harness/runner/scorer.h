#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/json.h"
#include "harness/core/types.h"
#include "metrics/metric.h"

namespace crudbench {

/// What is scored of one sample.
struct ScorerInput {
  std::string_view task;
  std::string_view prediction;
  std::string_view reference;
  std::string_view reply;
  bool answered = true;
  /// Canonical document of each hit, best first.
  std::span<const DocumentIndex> documents;
  std::span<const DocumentIndex> gold;
};

/// The metrics of an experiment, applied together so that texts are segmented once.
class Scorer {
 public:
  /// `metrics` are resolved configurations. Throws Error(kInvalidConfig).
  Scorer(std::span<const Json> metrics, const Catalog& catalog);

  /// Scores by name, in the form the store keeps: number, null (undefined) or {"failed": class}.
  /// Callable from any thread; the result does not depend on anything else.
  Json score(const ScorerInput& input) const;

  /// Metric configuration → fingerprint of its code and parameters; tells which scores are stale.
  const std::map<std::string, std::string>& fingerprints() const noexcept { return fingerprints_; }

 private:
  std::vector<std::unique_ptr<Metric>> metrics_;
  std::map<std::string, std::string> fingerprints_;
};

}  // namespace crudbench
