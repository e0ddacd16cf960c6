#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "harness/core/options.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"
#include "retrievers/embedders/embedder.h"

namespace crudbench {

namespace {

/// In double, in order: the same bits on every machine.
double dot_product(std::span<const float> left, std::span<const float> right) {
  double sum = 0.0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    sum += static_cast<double>(left[i]) * static_cast<double>(right[i]);
  }
  return sum;
}

bool is_zero(std::span<const float> row) {
  return std::all_of(row.begin(), row.end(), [](float value) { return value == 0.0F; });
}

/// Cosine of the vectors of the two texts; the texts of a batch are embedded together.
class Similarity final : public Metric {
 public:
  Similarity(const Embedder& embedder, const std::string& label)
      : embedder_(embedder), name_("similarity[" + label + "]") {}

  std::vector<std::vector<MetricValue>> score_all(std::span<const Prediction> predictions,
                                                  Executor& executor) const override {
    std::vector<std::vector<MetricValue>> values(predictions.size());
    std::vector<std::size_t> compared;
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const Prediction& prediction = predictions[i];
      const std::string_view failure = word_comparison_failure(prediction);
      if (!failure.empty()) {
        values[i] = {failed(name_, failure)};
      } else {
        compared.push_back(i);
        texts.insert(texts.end(), {prediction.text, prediction.reference});
      }
    }
    const std::size_t dimension = embedder_.dimension();
    std::vector<float> rows(texts.size() * dimension);
    embedder_.embed(texts, TextRole::kPassage, rows, executor);
    for (std::size_t i = 0; i < compared.size(); ++i) {
      const auto text = std::span(rows).subspan(2 * i * dimension, dimension);
      const auto reference = std::span(rows).subspan((2 * i + 1) * dimension, dimension);
      values[compared[i]] = {is_zero(text) || is_zero(reference)
                                 ? failed(name_, kUnknownWords)
                                 : scored(name_, dot_product(text, reference))};
    }
    return values;
  }

 private:
  const Embedder& embedder_;
  std::string name_;
};

}  // namespace

void check_similarity(Options& options) {
  options.raw("embedder");
  options.raw("chunker");
}

std::unique_ptr<Metric> make_similarity(Options& options, const MetricParts& parts) {
  check_similarity(options);
  return std::make_unique<Similarity>(*parts.embedder, parts.label);
}

}  // namespace crudbench
