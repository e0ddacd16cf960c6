#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/core/types.h"
#include "metrics/metric.h"

namespace crudbench {

/// What is scored of one sample. Views must outlive the call.
struct ScorerInput {
  std::string_view task;
  std::string_view prediction;
  std::string_view reference;
  std::string_view reply;
  bool answered = true;
  /// Canonical document of each hit, best first.
  std::span<const DocumentIndex> documents;
  std::span<const DocumentIndex> gold;
  std::optional<std::size_t> gold_chunk_count;
  const Examination* examination = nullptr;
};

/// What metrics need besides the sample.
struct ScorerResources {
  /// The embedder of a metric with the resolved sections "embedder" and "chunker". May be empty
  /// where no metric has them.
  std::function<const Embedder&(const Json& metric)> embedder;
  /// The references of all samples of the run.
  std::vector<std::string_view> references;
};

/// True for metrics that need the answers of a judge first.
bool is_judged(const Json& metric, const Catalog& catalog);

/// Metrics of one run, applied together so that texts are segmented once.
class Scorer {
 public:
  /// `metrics` are resolved configurations. `resources` must outlive the scorer. Throws
  /// Error(kInvalidConfig) and whatever opening an embedder throws.
  Scorer(std::span<const Json> metrics, const Catalog& catalog, const ScorerResources& resources);

  /// The scores of each sample by name, in the form the store keeps: a number, null (undefined),
  /// {"failed": class}, or {"counts": […]} for measures of whole runs. The result of a sample does
  /// not depend on the others.
  std::vector<Json> score_all(std::span<const ScorerInput> inputs, Executor& executor) const;

 private:
  std::vector<std::unique_ptr<Metric>> metrics_;
  bool reads_words_ = false;  ///< Any of them.
};

/// Metric configuration → fingerprint of its code and parameters; tells which scores are stale.
std::map<std::string, std::string> metric_fingerprints(std::span<const Json> metrics,
                                                       const Catalog& catalog);

/// What stands in brackets in the value names of a metric that reads other sections: the type of
/// the embedder or the model of the judge, and every option that is not the default. Empty for
/// other metrics.
std::string metric_label(const Json& metric, const Catalog& catalog);

}  // namespace crudbench
