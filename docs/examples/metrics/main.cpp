// Scores two answers against a reference and says how sure their mean is.

#include <cstdio>
#include <string_view>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/text/segmenter.h"
#include "metrics/builtin_metrics.h"
#include "metrics/statistics.h"

namespace {

/// All values of a metric for one answer.
std::vector<crudbench::MetricValue> score(const crudbench::Metric& metric, std::string_view text,
                                          std::string_view reference) {
  std::vector<std::string_view> text_words;
  std::vector<std::string_view> reference_words;
  crudbench::jieba_segmenter().segment(text, text_words);
  crudbench::jieba_segmenter().segment(reference, reference_words);
  return metric.score({.text = text,
                       .reference = reference,
                       .text_words = text_words,
                       .reference_words = reference_words});
}

}  // namespace

int main() {
  crudbench::Catalog catalog;
  crudbench::add_builtin_metrics(catalog);
  const auto rouge = catalog.metrics.build(
      catalog.metrics.resolve({{"type", "rouge"}, {"variants", {"1", "l"}}}, "example", ""),
      crudbench::MetricParts());

  constexpr std::string_view kReference = "云栖市夜间公交环线全长18公里，票价2元。";
  std::vector<double> rouge_l;
  for (const std::string_view answer :
       {"云栖市的夜间公交环线长18公里。", "夜间公交环线的票价是2元。"}) {
    for (const crudbench::MetricValue& value : score(*rouge, answer, kReference)) {
      if (value.value) {
        std::printf("%-10s %.4f\n", value.name.c_str(), *value.value);
      }
      if (value.name == "rouge_l" && value.value) {
        rouge_l.push_back(*value.value);
      }
    }
  }
  crudbench::SerialExecutor executor;
  const auto mean = crudbench::estimate_mean(rouge_l, {}, executor);
  if (mean && mean->interval) {
    std::printf("mean rouge_l of %zu: %.4f [%.4f, %.4f]\n", mean->n, mean->mean,
                mean->interval->low, mean->interval->high);
  }
}
