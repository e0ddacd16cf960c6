#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/types.h"

namespace crudbench {

class Embedder;
struct Examination;

/// A ranked list of chunks, seen as documents. All documents are canonical (duplicates folded).
struct RankedDocuments {
  /// Document of each hit, best first; a document may occur several times (one per chunk).
  std::span<const DocumentIndex> documents;
  std::span<const DocumentIndex> gold;  ///< Without duplicates; empty if unknown.
  /// How many chunks the gold documents were cut into; nullopt if unknown.
  std::optional<std::size_t> gold_chunk_count;
};

/// All that a metric may look at. Views are valid during the call only.
struct Prediction {
  std::string_view task;
  std::string_view text;       ///< The scored answer.
  std::string_view reference;  ///< The gold answer.
  /// `jieba.cut` of both texts; empty where the metric does not read them.
  std::span<const std::string_view> text_words;
  std::span<const std::string_view> reference_words;
  RankedDocuments ranking;
  bool answered = true;  ///< False: generation failed, only retrieval can be scored.
  /// The raw reply that `text` was cut from; empty if it is not known or if the prompt asked for no
  /// `<response>` pair.
  std::string_view reply;
  /// What a judge made of the answer; nullptr for metrics without one.
  const Examination* examination = nullptr;
};

/// A score, or why there is none: undefined (neither value nor failure_class: the measure does not
/// exist for this sample, e.g. recall without gold documents) or failed.
struct MetricValue {
  std::string name;  ///< Published name, the same for every sample: "bleu_upstream", "recall@8".
  std::optional<double> value;
  std::string failure_class;  ///< "empty_prediction", …; empty unless it failed.
  /// For a measure of whole runs, such as corpus BLEU: the sample's share in the counts that it is
  /// computed from. Then `value` is absent.
  std::vector<std::uint64_t> counts;
};

/// Scores predictions.
class Metric {
 public:
  virtual ~Metric() = default;

  /// The values of each prediction, in a fixed order of names. They depend on the prediction alone,
  /// not on what else is scored or on the number of threads. Never throws for what a model or a
  /// document says.
  virtual std::vector<std::vector<MetricValue>> score_all(std::span<const Prediction> predictions,
                                                          Executor& executor) const = 0;

  /// Whether it looks at `text_words` or `reference_words`, which take longer to make than most
  /// metrics to compute. Where no metric does, they may be empty.
  virtual bool reads_words() const noexcept { return true; }

  /// The same for one prediction.
  std::vector<MetricValue> score(const Prediction& prediction) const;
};

/// A metric that looks at one sample at a time, on any thread.
class SampleMetric : public Metric {
 public:
  std::vector<std::vector<MetricValue>> score_all(std::span<const Prediction> predictions,
                                                  Executor& executor) const final;

 private:
  virtual std::vector<MetricValue> score_one(const Prediction& prediction) const = 0;
};

/// What a metric's factory may use besides its options.
struct MetricParts {
  /// What stands in brackets in the names of the values: the embedder or the judge, so that scores
  /// that were not made alike never share a column. Empty for metrics that use neither.
  std::string label;
  const Embedder* embedder = nullptr;  ///< Of metrics that read the section "embedder".
  /// The references of all samples of the run, for metrics that weigh words by how rare they are.
  std::span<const std::string_view> references;
};

/// How a metric's values are to be read, by value name; for tables.
struct MetricDescription {
  std::string name;
  bool higher_is_better = true;
  bool is_share = true;  ///< In [0, 1], shown as per cent.
  /// Counted as 0 in "failures as 0" means when generation failed; false where a 0 is no penalty.
  bool needs_answer = true;
  bool is_ranked = true;   ///< False where neither direction is better, as for lengths.
  bool is_binary = false;  ///< Every sample scores 0 or 1.
};

/// What is known about the value `name` of any built-in metric, whatever its label; for an unknown
/// name the defaults.
MetricDescription describe_metric(std::string_view name);

}  // namespace crudbench
