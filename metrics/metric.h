#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// One relevant-or-not view of a ranked list. All documents are canonical (duplicates folded).
struct RankedDocuments {
  /// Document of each hit, best first; a document may occur several times (one per chunk).
  std::span<const DocumentIndex> documents;
  std::span<const DocumentIndex> gold;  ///< Without duplicates; empty if unknown.
};

/// All that a metric may look at. Views are valid during the call only.
struct Prediction {
  std::string_view task;
  std::string_view text;       ///< The scored answer.
  std::string_view reference;  ///< The gold answer.
  /// `jieba.cut` of both texts.
  std::span<const std::string_view> text_words;
  std::span<const std::string_view> reference_words;
  RankedDocuments ranking;
  bool answered = true;  ///< False: generation failed, only retrieval can be scored.
  /// The raw reply that `text` was cut from; empty if it is not known or if the prompt asked for no
  /// `<response>` pair.
  std::string_view reply;
};

/// A score, or why there is none: undefined (neither value nor failure_class: the measure does not
/// exist for this sample, e.g. recall without gold documents) or failed.
struct MetricValue {
  std::string name;  ///< Published name, the same for every sample: "bleu_upstream", "recall@8".
  std::optional<double> value;
  std::string failure_class;  ///< "empty_prediction", …; empty unless it failed.
};

/// Scores one prediction.
class Metric {
 public:
  virtual ~Metric() = default;

  /// The values in a fixed order of names; callable from any thread; never throws for what a model
  /// or a document says.
  virtual std::vector<MetricValue> score(const Prediction& prediction) const = 0;
};

/// How a metric's values are to be read, by value name; for tables.
struct MetricDescription {
  std::string name;
  bool higher_is_better = true;
  bool is_share = true;  ///< In [0, 1], shown as per cent.
  /// Counted as 0 in "failures as 0" means when generation failed; false where a 0 is no penalty.
  bool needs_answer = true;
  bool is_ranked = true;  ///< False where neither direction is better, as for lengths.
};

/// What is known about the value `name` of any built-in metric; for an unknown name the defaults.
MetricDescription describe_metric(std::string_view name);

}  // namespace crudbench
