#include <memory>
#include <vector>

#include "harness/text/utf8.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

/// Code points, as upstream's `len(generated_text)`.
class Length final : public SampleMetric {
 public:
  bool reads_words() const noexcept override { return false; }

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    const bool empty = prediction.text.empty();
    const std::string_view length_failure = comparison_failure(prediction, empty, false);
    const std::string_view ratio_failure =
        comparison_failure(prediction, empty, prediction.reference.empty());
    const auto length_chars = static_cast<double>(count_code_points(prediction.text));
    const auto reference_chars = static_cast<double>(count_code_points(prediction.reference));
    return {length_failure.empty() ? scored("length_chars", length_chars)
                                   : failed("length_chars", length_failure),
            ratio_failure.empty() ? scored("length_ratio", length_chars / reference_chars)
                                  : failed("length_ratio", ratio_failure)};
  }
};

}  // namespace

std::unique_ptr<Metric> make_length() {
  return std::make_unique<Length>();
}

}  // namespace crudbench
