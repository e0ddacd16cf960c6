#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/core/executor.h"

namespace crudbench {

/// A sparse matrix, row by row: row r has the entries [row_ends[r - 1], row_ends[r]).
struct SparseMatrix {
  std::size_t column_count = 0;
  std::vector<std::uint64_t> row_ends;  ///< [row]
  std::vector<std::uint32_t> columns;   ///< [entry]
  std::vector<float> values;            ///< [entry]

  std::size_t row_count() const noexcept { return row_ends.size(); }
  std::uint64_t row_begin(std::size_t row) const { return row == 0 ? 0 : row_ends[row - 1]; }
};

/// A dense matrix, row-major [rows, width].
struct DenseMatrix {
  std::size_t width = 0;
  std::vector<float> values;

  std::size_t row_count() const noexcept { return width == 0 ? 0 : values.size() / width; }
  float* row(std::size_t index) { return values.data() + index * width; }
  const float* row(std::size_t index) const { return values.data() + index * width; }
};

struct SvdOptions {
  std::size_t rank = 256;
  std::size_t power_iterations = 4;
  std::uint64_t seed = 0;
};

/// The leading right singular vectors of `matrix` as the columns of [column_count, rank], the
/// largest singular value first; fewer columns where the matrix has a lower rank. Randomised range
/// finder with power iterations: Halko, Martinsson, Tropp 2011, algorithm 4.4, 16 samples more than
/// `rank`. The result does not depend on the number of threads.
DenseMatrix right_singular_vectors(const SparseMatrix& matrix, const SvdOptions& options,
                                   Executor& executor);

}  // namespace crudbench
