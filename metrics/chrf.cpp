#include <memory>
#include <vector>

#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"
#include "metrics/sequence_pair.h"

namespace crudbench {

namespace {

constexpr std::size_t kMaxOrder = 6;
constexpr double kBeta = 2.0;

/// chrF2 (Popović 2015) as sacrebleu computes it by default: precision and recall of the character
/// n-grams, averaged over the orders that both sides have, then combined.
double chrf(const SequencePair& pair) {
  const std::vector<std::size_t> matches = match_ngrams(pair, kMaxOrder);
  double precision = 0.0;
  double recall = 0.0;
  std::size_t orders = 0;
  for (std::size_t order = 1; order <= kMaxOrder; ++order) {
    const std::size_t of_prediction = count_ngrams(pair.prediction.size(), order);
    const std::size_t of_reference = count_ngrams(pair.reference.size(), order);
    if (of_prediction == 0 || of_reference == 0) {
      break;
    }
    precision += static_cast<double>(matches[order - 1]) / static_cast<double>(of_prediction);
    recall += static_cast<double>(matches[order - 1]) / static_cast<double>(of_reference);
    ++orders;
  }
  precision /= static_cast<double>(orders);
  recall /= static_cast<double>(orders);
  if (precision + recall == 0.0) {
    return 0.0;
  }
  constexpr double kBetaSquare = kBeta * kBeta;
  return (1.0 + kBetaSquare) * precision * recall / (kBetaSquare * precision + recall);
}

class Chrf final : public SampleMetric {
 public:
  bool reads_words() const noexcept override { return false; }

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    SequencePair pair;
    if (prediction.answered) {
      pair = pair_code_points(prediction.text, prediction.reference);
    }
    const std::string_view failure =
        comparison_failure(prediction, pair.prediction.empty(), pair.reference.empty());
    return {failure.empty() ? scored("chrf", chrf(pair)) : failed("chrf", failure)};
  }
};

}  // namespace

std::unique_ptr<Metric> make_chrf() {
  return std::make_unique<Chrf>();
}

}  // namespace crudbench
