#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/options.h"
#include "harness/core/types.h"
#include "retrievers/analyzer.h"
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
/// of the word numbers. Immutable; callable from any thread.
class Bm25Index {
 public:
  /// `postings` and `analyzer`, which they have been made with, must outlive the index.
  Bm25Index(const Postings& postings, const Analyzer& analyzer, const Bm25Options& options,
            Executor& executor);

  /// For each query at most `top_k` chunks that share a word with it, best first, equal scores in
  /// corpus order. Exact.
  std::vector<std::vector<Hit>> search(std::span<const std::string_view> queries, std::size_t top_k,
                                       Executor& executor) const;

 private:
  const Postings* postings_;
  const Analyzer* analyzer_;
  std::vector<float> impacts_;  // [posting] share of the score for one occurrence in the query
};

}  // namespace crudbench
