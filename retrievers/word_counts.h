#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/types.h"
#include "retrievers/analyzer.h"
#include "retrievers/chunk_table.h"
#include "retrievers/vocabulary.h"

namespace crudbench {

/// How often a word occurs in a chunk. More than 65,535 times count as 65,535.
using WordFrequency = std::uint16_t;

/// The words of some chunks as a sparse matrix, row by row: row r has the entries
/// [row_ends[r - 1], row_ends[r]), ascending by word.
struct WordCounts {
  Vocabulary vocabulary;                   ///< In order of first occurrence.
  std::vector<std::uint64_t> row_ends;     ///< [row]
  std::vector<std::uint32_t> row_lengths;  ///< [row] number of words, repetitions included
  std::vector<WordIndex> words;            ///< [entry]
  std::vector<WordFrequency> frequencies;  ///< [entry]

  std::uint64_t row_begin(std::size_t row) const { return row == 0 ? 0 : row_ends[row - 1]; }
};

/// Counts the words of `chunks`, one row a chunk. The result does not depend on the number of
/// threads.
WordCounts count_words(const ChunkTable& table, std::span<const ChunkIndex> chunks,
                       const Analyzer& analyzer, Executor& executor);

}  // namespace crudbench
