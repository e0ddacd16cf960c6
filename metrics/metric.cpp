#include "metrics/metric.h"

namespace crudbench {

std::vector<MetricValue> Metric::score(const Prediction& prediction) const {
  SerialExecutor executor;
  return std::move(score_all({&prediction, 1}, executor).front());
}

std::vector<std::vector<MetricValue>> SampleMetric::score_all(
    std::span<const Prediction> predictions, Executor& executor) const {
  constexpr std::size_t kPredictionsPerRange = 16;
  std::vector<std::vector<MetricValue>> values(predictions.size());
  run_ranges(executor, predictions.size(), kPredictionsPerRange,
             [&](std::size_t begin, std::size_t end) {
               for (std::size_t i = begin; i < end; ++i) {
                 values[i] = score_one(predictions[i]);
               }
             });
  return values;
}

}  // namespace crudbench
