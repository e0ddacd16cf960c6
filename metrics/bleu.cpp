#include "metrics/bleu.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"
#include "metrics/sequence_pair.h"

namespace crudbench {

namespace {

class Bleu final : public SampleMetric {
 public:
  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    static constexpr std::array<std::string_view, kBleuOrder> kPrecisionNames = {
        "bleu_p1", "bleu_p2", "bleu_p3", "bleu_p4"};
    std::vector<MetricValue> values;
    values.reserve(3 + kBleuOrder);
    const std::string_view failure = word_comparison_failure(prediction);
    BleuCounts counts;
    BleuScore score;
    if (failure.empty()) {
      counts = count_bleu(prediction.text_words, prediction.reference_words);
      score = *bleu_score(counts);
    }
    const auto add = [&](std::string_view name, double value) {
      values.push_back(failure.empty() ? scored(std::string(name), value)
                                       : failed(std::string(name), failure));
    };
    add("bleu_upstream", score.without_penalty);
    for (std::size_t i = 0; i < kBleuOrder; ++i) {
      add(kPrecisionNames[i], score.precisions[i]);
    }
    add("bleu", score.bleu);
    values.push_back({.name = "bleu_corpus",
                      .value = std::nullopt,
                      .failure_class = std::string(failure),
                      .counts = failure.empty() ? to_list(counts) : std::vector<std::uint64_t>()});
    return values;
  }
};

constexpr std::size_t kListSize = 2 * kBleuOrder + 2;

}  // namespace

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) noexcept {
  for (std::size_t i = 0; i < kBleuOrder; ++i) {
    matches[i] += other.matches[i];
    possible[i] += other.possible[i];
  }
  prediction_words += other.prediction_words;
  reference_words += other.reference_words;
  return *this;
}

BleuCounts count_bleu(std::span<const std::string_view> prediction,
                      std::span<const std::string_view> reference) {
  const std::vector<std::size_t> matches =
      match_ngrams(pair_words(prediction, reference), kBleuOrder);
  BleuCounts counts;
  counts.prediction_words = prediction.size();
  counts.reference_words = reference.size();
  for (std::size_t i = 0; i < kBleuOrder; ++i) {
    counts.matches[i] = matches[i];
    counts.possible[i] = count_ngrams(prediction.size(), i + 1);
  }
  return counts;
}

std::vector<std::uint64_t> to_list(const BleuCounts& counts) {
  std::vector<std::uint64_t> list;
  list.reserve(kListSize);
  list.insert(list.end(), counts.matches.begin(), counts.matches.end());
  list.insert(list.end(), counts.possible.begin(), counts.possible.end());
  list.insert(list.end(), {counts.prediction_words, counts.reference_words});
  return list;
}

std::optional<BleuCounts> bleu_counts_from(std::span<const std::uint64_t> list) {
  if (list.size() != kListSize) {
    return std::nullopt;
  }
  BleuCounts counts;
  std::copy_n(list.begin(), kBleuOrder, counts.matches.begin());
  std::copy_n(list.begin() + kBleuOrder, kBleuOrder, counts.possible.begin());
  counts.prediction_words = list[kListSize - 2];
  counts.reference_words = list[kListSize - 1];
  return counts;
}

std::optional<BleuScore> bleu_score(const BleuCounts& counts) {
  if (counts.prediction_words == 0 || counts.reference_words == 0) {
    return std::nullopt;
  }
  BleuScore score;
  double log_sum = 0.0;
  for (std::size_t i = 0; i < kBleuOrder; ++i) {
    if (counts.possible[i] > 0) {
      score.precisions[i] =
          static_cast<double>(counts.matches[i]) / static_cast<double>(counts.possible[i]);
    }
    log_sum += 1.0 / kBleuOrder * std::log(score.precisions[i]);  // -inf where a precision is 0.
  }
  const double ratio =
      static_cast<double>(counts.prediction_words) / static_cast<double>(counts.reference_words);
  score.brevity_penalty = ratio > 1.0 ? 1.0 : std::exp(1.0 - 1.0 / ratio);
  score.bleu = std::exp(log_sum) * score.brevity_penalty;
  // The penalty of a prediction hundreds of times too short underflows to 0.
  score.without_penalty = score.brevity_penalty == 0.0 ? 0.0 : score.bleu / score.brevity_penalty;
  return score;
}

std::optional<BleuScore> corpus_bleu(std::span<const BleuCounts> samples) {
  BleuCounts sum;
  for (const BleuCounts& counts : samples) {
    sum += counts;
  }
  return bleu_score(sum);
}

std::optional<CorpusBleuEstimate> estimate_corpus_bleu(std::span<const BleuCounts> samples,
                                                       const ResamplingOptions& options,
                                                       Executor& executor) {
  const std::optional<BleuScore> score = corpus_bleu(samples);
  if (!score.has_value()) {
    return std::nullopt;
  }
  std::vector<std::vector<double>> columns(kListSize, std::vector<double>(samples.size()));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::vector<std::uint64_t> list = to_list(samples[i]);
    for (std::size_t column = 0; column < kListSize; ++column) {
      columns[column][i] = static_cast<double>(list[column]);
    }
  }
  const auto bleu_of_sums = [](std::span<const double> sums) {
    std::array<std::uint64_t, kListSize> list{};
    std::transform(sums.begin(), sums.end(), list.begin(),
                   [](double sum) { return static_cast<std::uint64_t>(sum); });
    const std::optional<BleuScore> resampled = bleu_score(*bleu_counts_from(list));
    return resampled.has_value() ? resampled->bleu : 0.0;
  };
  return CorpusBleuEstimate{
      .n = samples.size(),
      .bleu = score->bleu,
      .interval = bootstrap_statistic(columns, bleu_of_sums, options, executor)};
}

std::unique_ptr<Metric> make_bleu() {
  return std::make_unique<Bleu>();
}

}  // namespace crudbench
