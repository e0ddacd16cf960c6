#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/options.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"
#include "metrics/sequence_pair.h"

namespace crudbench {

namespace {

/// ROUGE-N counts n-grams, ROUGE-L the longest common subsequence of words.
struct Variant {
  std::string_view name;
  std::size_t order;  ///< n of ROUGE-N, 0 for ROUGE-L.
};

constexpr std::array kVariants = {Variant{"1", 1}, Variant{"2", 2}, Variant{"l", 0}};
constexpr std::size_t kMaxOrder = 2;

std::vector<Variant> parse_variants(Options& options) {
  constexpr std::string_view kExpected = "a list of different variants out of '1', '2', 'l'";
  std::vector<Variant> variants;
  for (const std::string& name : options.texts("variants", {"l"})) {
    const auto known = std::find_if(kVariants.begin(), kVariants.end(),
                                    [&](const Variant& variant) { return variant.name == name; });
    const bool repeated = std::any_of(variants.begin(), variants.end(),
                                      [&](const Variant& variant) { return variant.name == name; });
    if (known == kVariants.end() || repeated) {
      options.fail("variants", kExpected);
    }
    variants.push_back(*known);
  }
  if (variants.empty()) {
    options.fail("variants", kExpected);
  }
  return variants;
}

/// Precision, recall and their harmonic mean in the order of operations of rouge_score 0.1.2
/// (google-research/rouge: `_score_lcs`, `_score_ngrams`), which upstream calls through `evaluate`.
class Rouge final : public SampleMetric {
 public:
  explicit Rouge(std::vector<Variant> variants) : variants_(std::move(variants)) {}

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    const std::string_view failure = word_comparison_failure(prediction);
    SequencePair pair;
    std::vector<std::size_t> ngram_matches(kMaxOrder, 0);
    if (failure.empty()) {
      pair = pair_words(prediction.text_words, prediction.reference_words);
      if (std::any_of(variants_.begin(), variants_.end(),
                      [](const Variant& variant) { return variant.order > 0; })) {
        ngram_matches = match_ngrams(pair, kMaxOrder);
      }
    }
    std::vector<MetricValue> values;
    values.reserve(3 * variants_.size());
    for (const Variant& variant : variants_) {
      const std::string name = "rouge_" + std::string(variant.name);
      if (!failure.empty()) {
        for (const char* suffix : {"", "_p", "_r"}) {
          values.push_back(failed(name + suffix, failure));
        }
      } else if (variant.order == 0) {
        append(values, name, longest_common_subsequence(pair), pair.prediction.size(),
               pair.reference.size());
      } else {
        append(values, name, ngram_matches[variant.order - 1],
               count_ngrams(pair.prediction.size(), variant.order),
               count_ngrams(pair.reference.size(), variant.order));
      }
    }
    return values;
  }

 private:
  /// `possible_…`: the matches that a side could have had. Undefined if the reference has none to
  /// give (ROUGE-2 of one word); a prediction that has none finds nothing and scores 0.
  static void append(std::vector<MetricValue>& values, const std::string& name, std::size_t matches,
                     std::size_t possible_of_prediction, std::size_t possible_of_reference) {
    if (possible_of_reference == 0) {
      for (const char* suffix : {"", "_p", "_r"}) {
        values.push_back(undefined(name + suffix));
      }
      return;
    }
    const double precision = static_cast<double>(matches) /
                             static_cast<double>(std::max<std::size_t>(possible_of_prediction, 1));
    const double recall = static_cast<double>(matches) / static_cast<double>(possible_of_reference);
    values.push_back(
        scored(name, matches == 0 ? 0.0 : 2 * precision * recall / (precision + recall)));
    values.push_back(scored(name + "_p", precision));
    values.push_back(scored(name + "_r", recall));
  }

  std::vector<Variant> variants_;
};

}  // namespace

void check_rouge(Options& options) {
  parse_variants(options);
}

std::unique_ptr<Metric> make_rouge(Options& options) {
  return std::make_unique<Rouge>(parse_variants(options));
}

}  // namespace crudbench
