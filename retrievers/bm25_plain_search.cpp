#include "retrievers/bm25_plain_search.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace crudbench {

namespace {

/// Scores are accumulated for this many chunks at a time: 128 KiB, which stays in the cache.
constexpr std::size_t kWindowChunks = 16384;

/// The postings of one word of a query that are still to be added.
struct Cursor {
  QueryWord word;
  const ChunkIndex* chunk = nullptr;
  const ChunkIndex* end = nullptr;
  const WordFrequency* frequency = nullptr;
};

std::vector<Cursor> open_cursors(const Postings& postings, std::span<const QueryWord> query,
                                 ChunkIndex first) {
  std::vector<Cursor> cursors;
  cursors.reserve(query.size());
  for (const QueryWord& word : query) {
    const ChunkIndex* const begin = postings.chunks().data() + postings.begin(word.word);
    const ChunkIndex* const end = postings.chunks().data() + postings.end(word.word);
    const ChunkIndex* const chunk = std::lower_bound(begin, end, first);
    cursors.push_back(
        {.word = word,
         .chunk = chunk,
         .end = end,
         .frequency = postings.frequencies().data() + postings.begin(word.word) + (chunk - begin)});
  }
  return cursors;
}

/// Adds what the cursors hold of the window that begins at `first` and ends before `last`.
void accumulate(const Bm25Weights& weights, std::vector<Cursor>& cursors, std::size_t first,
                std::size_t last, double* scores) {
  for (Cursor& cursor : cursors) {
    const auto occurrences = static_cast<double>(cursor.word.occurrences);
    const ChunkIndex* chunk = cursor.chunk;
    const WordFrequency* frequency = cursor.frequency;
    for (; chunk != cursor.end && *chunk < last; ++chunk, ++frequency) {
      scores[*chunk - first] +=
          occurrences * static_cast<double>(weights.impact(cursor.word.word, *chunk, *frequency));
    }
    cursor.chunk = chunk;
    cursor.frequency = frequency;
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

void search_plainly(const Postings& postings, const Bm25Weights& weights,
                    std::span<const QueryWord> query, ChunkIndex first, BestHits& best) {
  std::vector<Cursor> cursors = open_cursors(postings, query, first);
  std::vector<double> scores(kWindowChunks);
  for (std::size_t begin = first; begin < postings.chunk_count() && !cursors.empty();
       begin += kWindowChunks) {
    std::fill(scores.begin(), scores.end(), 0.0);
    accumulate(weights, cursors, begin, begin + kWindowChunks, scores.data());
    select(scores, begin, best);
  }
}

}  // namespace crudbench
