#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/options.h"
#include "metrics/bleu.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

/// Lin and Och, "ORANGE" (2004), BLEUS: one is added to the matches and to the n-grams of every
/// order above 1.
double smooth_add_one(const BleuCounts& counts, double brevity_penalty) {
  if (counts.matches[0] == 0) {
    return 0.0;
  }
  double log_sum = 0.0;
  for (std::size_t i = 0; i < kBleuOrder; ++i) {
    const double added = i == 0 ? 0.0 : 1.0;
    log_sum += std::log((static_cast<double>(counts.matches[i]) + added) /
                        (static_cast<double>(counts.possible[i]) + added));
  }
  return std::exp(log_sum / kBleuOrder) * brevity_penalty;
}

/// Chen and Cherry (2014), technique 3, the smoothing of NIST's mteval and of sacrebleu ("exp"):
/// the k-th order without a match counts as 1 / 2^k matches. Orders longer than the prediction are
/// left out of the mean (sacrebleu's effective order); without any match the score is 0.
double smooth_chen_cherry_3(const BleuCounts& counts, double brevity_penalty) {
  if (counts.matches[0] == 0) {
    return 0.0;
  }
  double log_sum = 0.0;
  double matches_of_none = 1.0;
  std::size_t orders = 0;
  for (; orders < kBleuOrder && counts.possible[orders] > 0; ++orders) {
    auto matches = static_cast<double>(counts.matches[orders]);
    if (counts.matches[orders] == 0) {
      matches_of_none /= 2.0;
      matches = matches_of_none;
    }
    log_sum += std::log(matches / static_cast<double>(counts.possible[orders]));
  }
  return std::exp(log_sum / static_cast<double>(orders)) * brevity_penalty;
}

struct Smoothing {
  std::string_view method;
  std::string_view value_name;
  double (*score)(const BleuCounts& counts, double brevity_penalty);
};

constexpr std::array kSmoothings = {
    Smoothing{"add_one", "bleu_smooth_add1", smooth_add_one},
    Smoothing{"chen_cherry_3", "bleu_smooth_cc3", smooth_chen_cherry_3},
};

const Smoothing& parse_smoothing(Options& options) {
  std::array<std::string_view, kSmoothings.size()> methods;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    methods[i] = kSmoothings[i].method;
  }
  const std::string method = options.one_of("method", methods, methods.front());
  std::size_t chosen = 0;
  while (kSmoothings[chosen].method != method) {
    ++chosen;
  }
  return kSmoothings[chosen];
}

class BleuSmooth final : public SampleMetric {
 public:
  explicit BleuSmooth(const Smoothing& smoothing) : smoothing_(smoothing) {}

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    const std::string name(smoothing_.value_name);
    const std::string_view failure = word_comparison_failure(prediction);
    if (!failure.empty()) {
      return {failed(name, failure)};
    }
    const BleuCounts counts = count_bleu(prediction.text_words, prediction.reference_words);
    return {scored(name, smoothing_.score(counts, bleu_score(counts)->brevity_penalty))};
  }

 private:
  const Smoothing& smoothing_;
};

}  // namespace

void check_bleu_smooth(Options& options) {
  parse_smoothing(options);
}

std::unique_ptr<Metric> make_bleu_smooth(Options& options) {
  return std::make_unique<BleuSmooth>(parse_smoothing(options));
}

}  // namespace crudbench
