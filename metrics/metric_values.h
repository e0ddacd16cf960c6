#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "metrics/metric.h"

namespace crudbench {

/// The failure classes of metrics.
inline constexpr std::string_view kNoPrediction = "no_prediction";  ///< Generation failed.
inline constexpr std::string_view kEmptyPrediction = "empty_prediction";
inline constexpr std::string_view kEmptyReference = "empty_reference";

/// No word of a side is known to the embedder.
inline constexpr std::string_view kUnknownWords = "unknown_words";

/// Whether a model declines to answer: it opens with, or says in its first sentence, one of the
/// phrases listed in format.cpp.
bool is_refusal(std::string_view text);

inline MetricValue scored(std::string name, double value) {
  return {.name = std::move(name), .value = value, .failure_class = {}};
}

inline MetricValue undefined(std::string name) {
  return {.name = std::move(name), .value = std::nullopt, .failure_class = {}};
}

inline MetricValue failed(std::string name, std::string_view failure_class) {
  return {
      .name = std::move(name), .value = std::nullopt, .failure_class = std::string(failure_class)};
}

/// Why a measure that compares two sides cannot be taken; empty if it can. A reference without
/// content goes before an empty prediction: no prediction could be scored against it.
constexpr std::string_view comparison_failure(const Prediction& prediction, bool empty_prediction,
                                              bool empty_reference) noexcept {
  if (!prediction.answered) {
    return kNoPrediction;
  }
  if (empty_reference) {
    return kEmptyReference;
  }
  return empty_prediction ? kEmptyPrediction : std::string_view();
}

/// The same for measures over words.
inline std::string_view word_comparison_failure(const Prediction& prediction) noexcept {
  return comparison_failure(prediction, prediction.text_words.empty(),
                            prediction.reference_words.empty());
}

}  // namespace crudbench
