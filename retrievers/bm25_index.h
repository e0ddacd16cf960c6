#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/options.h"
#include "harness/core/types.h"
#include "retrievers/analyzer.h"
#include "retrievers/bm25_weights.h"
#include "retrievers/impact_index.h"
#include "retrievers/impact_kernels.h"
#include "retrievers/postings.h"

namespace crudbench {

struct Bm25Options {
  AnalyzerOptions analyzer;
  double k1 = 1.2;  ///< Saturation of term frequency, >= 0. Default: Lucene's.
  double b = 0.75;  ///< Length normalisation, in [0, 1]. Default: Lucene's.
};

/// Reads the analyzer's options, "k1" and "b". Throws Error(kInvalidConfig), and the errors of
/// `read_analyzer_options`.
Bm25Options read_bm25_options(Options& options);

/// Okapi BM25 (Robertson, Zaragoza 2009) over the words of chunks. The score of a chunk is the sum,
/// over the words of the query, repetitions included as in Lucene, of
///
///     ln(1 + (N - df + 0.5) / (df + 0.5)) * tf * (k1 + 1) / (tf + k1 * (1 - b + b * len / avglen))
///
/// N = number of chunks, df = chunks that hold the word, tf = its occurrences in the chunk, len =
/// words of the chunk. The logarithm is Lucene's, which is never negative; the factor k1 + 1, which
/// Lucene dropped in version 8, is kept as in the textbook: it scales all scores alike.
///
/// A word's share of a score is rounded to float; shares are added in double precision in the order
/// of the word numbers: the same bits on any machine and any number of threads. Immutable; callable
/// from any thread.
class Bm25Index {
 public:
  /// `postings` and `analyzer`, which they have been made with, must outlive the index.
  Bm25Index(const Postings& postings, const Analyzer& analyzer, const Bm25Options& options,
            Executor& executor);

  /// For each query at most `top_k` chunks that share a word with it, best first, equal scores in
  /// corpus order. Exact.
  std::vector<std::vector<Hit>> search(std::span<const std::string_view> queries, std::size_t top_k,
                                       Executor& executor) const;

  /// In memory, besides the postings.
  std::size_t size_bytes() const noexcept { return weights_.size_bytes() + impacts_.size_bytes(); }

 private:
  friend class Bm25Searcher;

  const Postings* postings_;
  const Analyzer* analyzer_;
  Bm25Weights weights_;
  ImpactIndex impacts_;
};

/// Searches an index query by query. Keeps its memory; one object a thread.
class Bm25Searcher {
 public:
  /// `index` must outlive the object.
  explicit Bm25Searcher(const Bm25Index& index);
  /// With kernels of one's choice, or none for the plain search alone: for tests and measurements,
  /// since the hits are the same.
  Bm25Searcher(const Bm25Index& index, const std::optional<ImpactKernels>& kernels);

  /// As `Bm25Index::search`.
  std::vector<Hit> search(std::string_view query, std::size_t top_k);
  /// Of words of the corpus, ascending, each once.
  std::vector<Hit> search(std::span<const QueryWord> query, std::size_t top_k);

 private:
  const Bm25Index& index_;
  std::optional<ImpactKernels> kernels_;
  WordReader reader_;
  std::vector<WordIndex> words_;
  std::vector<QueryWord> query_;
  ImpactIndex::Buffers buffers_;
};

}  // namespace crudbench
