#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/types.h"
#include "retrievers/best_hits.h"
#include "retrievers/bm25_weights.h"
#include "retrievers/impact_kernels.h"
#include "retrievers/postings.h"

namespace crudbench {

/// Finds the hits of `search_plainly` without most of its additions in double precision.
///
/// Every impact is rounded up to one of 255 levels. The levels of a query's words are added in
/// 16-bit integers for a window of chunks at a time: a sum times the width of a level is at least
/// the score, so only chunks whose sum exceeds the score of the worst hit kept so far need be
/// scored exactly, which takes the list of the chunk's own words. The few words that a large part
/// of the chunks hold have their levels in a row over all chunks, which is added with SIMD
/// instructions; those of all others stand beside their postings.
///
/// Takes about 7 bytes a posting, and a byte a chunk for each of the frequent words. Immutable;
/// callable from any thread.
class ImpactIndex {
 public:
  /// What a search needs and does not return. Keeps its memory; one object a thread.
  class Buffers {
    friend class ImpactIndex;
    /// The postings of one word that are still to be added.
    struct Cursor {
      const ChunkIndex* chunk = nullptr;
      const ChunkIndex* end = nullptr;
      const std::uint8_t* level = nullptr;
      std::uint16_t occurrences = 1;
    };
    std::vector<Cursor> cursors;
    std::vector<const std::uint8_t*> rows;
    std::vector<std::size_t> group_ends;  // of rows, for ImpactKernels
    std::vector<std::uint16_t> sums;      // [chunk of the window]
  };

  /// `postings` and `weights` must outlive the index.
  ImpactIndex(const Postings& postings, const Bm25Weights& weights, Executor& executor);

  /// Offers `best`, in ascending order, every chunk before the returned one that belongs to the
  /// hits; the chunks from there on are left to `search_plainly`. That is the end of the corpus,
  /// unless the sums of this query might not fit 16 bits (a very long query) or scoring so many
  /// chunks one by one would take longer than the plain search (frequent words only, or a `top_k`
  /// of a large part of the corpus). `query` is ascending by word.
  ChunkIndex search(std::span<const QueryWord> query, const ImpactKernels& kernels,
                    Buffers& buffers, BestHits& best) const;

  std::size_t size_bytes() const noexcept;

 private:
  static constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();

  void quantise(Executor& executor);
  void fill_rows(Executor& executor);
  void transpose();

  /// False if the sums might not fit.
  bool open(std::span<const QueryWord> query, Buffers& buffers) const;
  /// Adds what the cursor holds of the chunks from `first` to before `last` to their sums.
  static void add_levels(Buffers::Cursor& cursor, std::size_t first, std::size_t last,
                         std::uint16_t* sums);
  /// The largest sum that a chunk can have which does not beat `threshold`.
  std::uint16_t largest_hopeless_sum(double threshold) const;
  /// With the additions of `search_plainly`, in the same order.
  double exact_score(std::span<const QueryWord> query, ChunkIndex chunk) const;

  const Postings* postings_;
  const Bm25Weights* weights_;
  double level_width_ = 1.0;
  std::vector<std::uint8_t> levels_;          // [posting] 1 … 255
  std::vector<std::uint8_t> largest_levels_;  // [word]
  std::size_t row_size_ = 0;                  // chunks, padded
  std::vector<std::uint32_t> row_of_word_;    // [word] kNoRow for most
  std::vector<std::uint8_t> rows_;            // [row][chunk] 0 where the chunk lacks the word
  // The words of each chunk, ascending, and how often they occur in it.
  std::vector<std::uint64_t> chunk_ends_;         // [chunk]
  std::vector<WordIndex> chunk_words_;            // [entry]
  std::vector<WordFrequency> chunk_frequencies_;  // [entry]
};

}  // namespace crudbench
