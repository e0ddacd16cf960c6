#include "harness/runner/scorer.h"

#include "harness/core/fingerprint.h"
#include "harness/text/segmenter.h"

namespace crudbench {

namespace {

/// Raised when a metric's values change for the same input.
constexpr int kScoresFormat = 1;

Json stored_value(const MetricValue& value) {
  if (value.value) {
    return *value.value;
  }
  return value.failure_class.empty() ? Json() : Json{{"failed", value.failure_class}};
}

}  // namespace

Scorer::Scorer(std::span<const Json> metrics, const Catalog& catalog) {
  for (const Json& metric : metrics) {
    metrics_.push_back(catalog.metrics.build(metric));
    FingerprintBuilder fingerprint("scores", kScoresFormat);
    fingerprint.add(to_text(metric)).add(jieba_dictionary_fingerprint());
    fingerprints_.emplace(to_text(metric), fingerprint.hex_digest());
  }
}

Json Scorer::score(const ScorerInput& input) const {
  std::vector<std::string_view> prediction_words;
  std::vector<std::string_view> reference_words;
  jieba_segmenter().segment(input.prediction, prediction_words);
  jieba_segmenter().segment(input.reference, reference_words);
  const Prediction prediction{.task = input.task,
                              .text = input.prediction,
                              .reference = input.reference,
                              .text_words = prediction_words,
                              .reference_words = reference_words,
                              .ranking = {.documents = input.documents, .gold = input.gold},
                              .answered = input.answered,
                              .reply = input.reply};
  Json scores = Json::object();
  for (const auto& metric : metrics_) {
    for (const MetricValue& value : metric->score(prediction)) {
      scores[value.name] = stored_value(value);
    }
  }
  return scores;
}

}  // namespace crudbench
