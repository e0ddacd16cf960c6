#include "retrievers/bm25_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "retrievers/best_hits.h"

namespace crudbench {

namespace {

/// Scores are accumulated for this many chunks at a time: 128 KiB, which stays in the cache.
constexpr std::size_t kWindowChunks = 16384;

/// The postings of one word of a query that are still to be added.
struct Cursor {
  const ChunkIndex* chunk = nullptr;
  const ChunkIndex* end = nullptr;
  const float* impact = nullptr;
  double occurrences = 0.0;
};

/// Adds what the cursors hold of the window that begins at `first` and ends before `last`.
void accumulate(std::vector<Cursor>& cursors, std::size_t first, std::size_t last, double* scores) {
  for (Cursor& cursor : cursors) {
    const ChunkIndex* chunk = cursor.chunk;
    const float* impact = cursor.impact;
    for (; chunk != cursor.end && *chunk < last; ++chunk, ++impact) {
      scores[*chunk - first] += cursor.occurrences * static_cast<double>(*impact);
    }
    cursor.chunk = chunk;
    cursor.impact = impact;
  }
}

/// Offers the positive scores of a window. Looks at them eight at a time: few beat the threshold.
void select(std::span<const double> scores, std::size_t first, BestHits& best) {
  constexpr std::size_t kGroup = 8;
  static_assert(kWindowChunks % kGroup == 0);
  for (std::size_t begin = 0; begin < scores.size(); begin += kGroup) {
    const double threshold = best.threshold();
    bool any = false;
    for (std::size_t i = begin; i < begin + kGroup; ++i) {
      any |= scores[i] > threshold;
    }
    if (!any) {
      continue;
    }
    for (std::size_t i = begin; i < begin + kGroup; ++i) {
      best.offer(static_cast<ChunkIndex>(first + i), scores[i]);
    }
  }
}

}  // namespace

Bm25Options read_bm25_options(Options& options) {
  constexpr double kLargestK1 = 1000.0;
  const Bm25Options defaults;
  return {.analyzer = read_analyzer_options(options),
          .k1 = options.number("k1", defaults.k1, 0.0, kLargestK1),
          .b = options.number("b", defaults.b, 0.0, 1.0)};
}

Bm25Index::Bm25Index(const Postings& postings, const Analyzer& analyzer, const Bm25Options& options,
                     Executor& executor)
    : postings_(&postings), analyzer_(&analyzer), impacts_(postings.size()) {
  const std::span<const std::uint32_t> lengths = postings.lengths();
  const auto total_length =
      static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0}));
  const auto chunk_count = static_cast<double>(lengths.size());
  const double average_length = total_length > 0.0 ? total_length / chunk_count : 1.0;
  std::vector<double> saturations(lengths.size());  // [chunk] what is added to tf below the line
  std::transform(lengths.begin(), lengths.end(), saturations.begin(), [&](std::uint32_t length) {
    return options.k1 * (1.0 - options.b + options.b * length / average_length);
  });

  constexpr std::size_t kWordsPerRange = 4096;
  run_ranges(
      executor, postings.word_count(), kWordsPerRange, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          const auto word = static_cast<WordIndex>(i);
          const auto df = static_cast<double>(postings.end(word) - postings.begin(word));
          const double scale =
              std::log1p((chunk_count - df + 0.5) / (df + 0.5)) * (options.k1 + 1.0);
          for (std::uint64_t p = postings.begin(word); p < postings.end(word); ++p) {
            const double tf = postings.frequencies()[p];
            impacts_[p] = static_cast<float>(scale * tf / (tf + saturations[postings.chunks()[p]]));
          }
        }
      });
}

std::vector<std::vector<Hit>> Bm25Index::search(std::span<const std::string_view> queries,
                                                std::size_t top_k, Executor& executor) const {
  std::vector<std::vector<Hit>> results(queries.size());
  constexpr std::size_t kQueriesPerRange = 8;
  run_ranges(executor, queries.size(), kQueriesPerRange, [&](std::size_t begin, std::size_t end) {
    WordReader reader(*analyzer_);
    std::vector<double> scores(kWindowChunks);
    std::vector<WordIndex> words;
    std::vector<Cursor> cursors;
    for (std::size_t query = begin; query < end; ++query) {
      words.clear();
      for (const std::string_view text : reader.words(queries[query])) {
        if (const auto word = postings_->find(text)) {
          words.push_back(*word);
        }
      }
      std::sort(words.begin(), words.end());
      cursors.clear();
      for (auto first = words.begin(); first != words.end();) {
        const auto last = std::upper_bound(first, words.end(), *first);
        cursors.push_back({.chunk = postings_->chunks().data() + postings_->begin(*first),
                           .end = postings_->chunks().data() + postings_->end(*first),
                           .impact = impacts_.data() + postings_->begin(*first),
                           .occurrences = static_cast<double>(last - first)});
        first = last;
      }
      BestHits best(top_k);
      for (std::size_t first = 0; first < postings_->chunk_count() && !cursors.empty();
           first += kWindowChunks) {
        std::fill(scores.begin(), scores.end(), 0.0);
        accumulate(cursors, first, first + kWindowChunks, scores.data());
        select(scores, first, best);
      }
      results[query] = std::move(best).take();
    }
  });
  return results;
}

}  // namespace crudbench
