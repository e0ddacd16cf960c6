#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "metrics/statistics.h"

namespace crudbench {

/// BLEU-4.
inline constexpr std::size_t kBleuOrder = 4;

/// What BLEU is computed from. Counts of several samples add up to those of their corpus.
struct BleuCounts {
  std::array<std::uint64_t, kBleuOrder> matches{};   ///< Clipped n-gram matches, by order - 1.
  std::array<std::uint64_t, kBleuOrder> possible{};  ///< n-grams of the prediction, by order - 1.
  std::uint64_t prediction_words = 0;
  std::uint64_t reference_words = 0;

  BleuCounts& operator+=(const BleuCounts& other) noexcept;
  friend bool operator==(const BleuCounts&, const BleuCounts&) = default;
};

/// The counts of one sample with one reference.
BleuCounts count_bleu(std::span<const std::string_view> prediction,
                      std::span<const std::string_view> reference);

/// The counts as the value "bleu_corpus" of the metric carries them: the matches of orders 1 to 4,
/// the n-grams possible, the words of the prediction and of the reference.
std::vector<std::uint64_t> to_list(const BleuCounts& counts);

/// The inverse of `to_list`; nullopt for a list of another length.
std::optional<BleuCounts> bleu_counts_from(std::span<const std::uint64_t> list);

/// All in [0, 1].
struct BleuScore {
  double bleu = 0.0;             ///< With the brevity penalty (Papineni et al. 2002).
  double without_penalty = 0.0;  ///< Divided by it again, as CRUD-RAG publishes it.
  std::array<double, kBleuOrder> precisions{};
  double brevity_penalty = 0.0;
};

/// Unsmoothed BLEU in the order of operations of tensorflow/nmt's nmt/scripts/bleu.py
/// (`compute_bleu`) and of CRUD_RAG's src/metric/common.py (`bleu_score`), hence equal to upstream
/// to the last digits. 0 if an order has no match. nullopt if a side has no words, where upstream
/// divides by zero.
std::optional<BleuScore> bleu_score(const BleuCounts& counts);

/// BLEU of a whole corpus, from the summed counts of its samples: not the mean of their BLEUs.
std::optional<BleuScore> corpus_bleu(std::span<const BleuCounts> samples);

struct CorpusBleuEstimate {
  std::size_t n = 0;  ///< Samples.
  double bleu = 0.0;
  std::optional<Interval> interval;  ///< Over samples (`bootstrap_statistic`); absent for n < 2.

  friend bool operator==(const CorpusBleuEstimate&, const CorpusBleuEstimate&) = default;
};

/// Corpus BLEU with its interval; nullopt if a side of the corpus has no words.
std::optional<CorpusBleuEstimate> estimate_corpus_bleu(std::span<const BleuCounts> samples,
                                                       const ResamplingOptions& options,
                                                       Executor& executor);

}  // namespace crudbench
