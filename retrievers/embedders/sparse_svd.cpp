#include "retrievers/embedders/sparse_svd.h"

// Threads are the Executor's; without this Eigen would use OpenMP's.
#define EIGEN_DONT_PARALLELIZE

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>

#include "harness/core/random.h"

namespace crudbench {

namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstRows = Eigen::Map<const RowMajor>;
using Rows = Eigen::Map<RowMajor>;

/// Columns sampled beyond the rank that is wanted.
constexpr std::size_t kOversampling = 16;
/// Rows of a dense matrix that are handled as one piece of work.
constexpr std::size_t kRowsPerRange = 4096;

Eigen::Index index_of(std::size_t size) {
  return static_cast<Eigen::Index>(size);
}

ConstRows rows_of(const DenseMatrix& matrix, std::size_t begin, std::size_t end) {
  return {matrix.row(begin), index_of(end - begin), index_of(matrix.width)};
}

Rows rows_of(DenseMatrix& matrix, std::size_t begin, std::size_t end) {
  return {matrix.row(begin), index_of(end - begin), index_of(matrix.width)};
}

SparseMatrix transpose(const SparseMatrix& matrix) {
  SparseMatrix result;
  result.column_count = matrix.row_count();
  std::vector<std::uint64_t> next(matrix.column_count + 1);
  for (const std::uint32_t column : matrix.columns) {
    ++next[column + 1];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  result.row_ends.assign(next.begin() + 1, next.end());
  result.columns.resize(matrix.columns.size());
  result.values.resize(matrix.values.size());
  for (std::size_t row = 0; row < matrix.row_count(); ++row) {
    for (std::uint64_t entry = matrix.row_begin(row); entry < matrix.row_ends[row]; ++entry) {
      const std::uint64_t place = next[matrix.columns[entry]]++;
      result.columns[place] = static_cast<std::uint32_t>(row);
      result.values[place] = matrix.values[entry];
    }
  }
  return result;
}

DenseMatrix multiply(const SparseMatrix& left, const DenseMatrix& right, Executor& executor) {
  constexpr std::size_t kSparseRowsPerRange = 512;
  DenseMatrix product{right.width, std::vector<float>(left.row_count() * right.width)};
  run_ranges(executor, left.row_count(), kSparseRowsPerRange,
             [&](std::size_t begin, std::size_t end) {
               for (std::size_t row = begin; row < end; ++row) {
                 float* sums = product.row(row);
                 for (std::uint64_t e = left.row_begin(row); e < left.row_ends[row]; ++e) {
                   const float value = left.values[e];
                   const float* values = right.row(left.columns[e]);
                   for (std::size_t i = 0; i < right.width; ++i) {
                     sums[i] += value * values[i];
                   }
                 }
               }
             });
  return product;
}

/// `matrix` transposed times `matrix`, in double precision.
Eigen::MatrixXd gram(const DenseMatrix& matrix, Executor& executor) {
  const std::size_t count = matrix.row_count();
  std::vector<Eigen::MatrixXd> parts((count + kRowsPerRange - 1) / kRowsPerRange);
  run_ranges(executor, count, kRowsPerRange, [&](std::size_t begin, std::size_t end) {
    const Eigen::MatrixXd rows = rows_of(matrix, begin, end).cast<double>();
    Eigen::MatrixXd& part = parts[begin / kRowsPerRange];
    part.setZero(rows.cols(), rows.cols());
    part.selfadjointView<Eigen::Lower>().rankUpdate(rows.transpose());
  });
  Eigen::MatrixXd sum = Eigen::MatrixXd::Zero(index_of(matrix.width), index_of(matrix.width));
  for (const Eigen::MatrixXd& part : parts) {
    sum += part;
  }
  return sum;
}

/// At most `most` orthonormal columns that span what the columns of `matrix` span, along its left
/// singular vectors, the largest first; directions that are only rounding noise are left out.
DenseMatrix orthonormal_basis(const DenseMatrix& matrix, std::size_t most, Executor& executor) {
  if (matrix.width == 0) {
    return {};
  }
  // Singular values below 3e-5 of the largest cannot be told from float rounding.
  constexpr double kNoise = 1e-9;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram(matrix, executor));
  const Eigen::VectorXd eigenvalues = solver.eigenvalues().reverse();  // Descending.
  std::size_t rank = 0;
  while (rank < std::min(most, matrix.width) && eigenvalues[index_of(rank)] > 0.0 &&
         eigenvalues[index_of(rank)] > kNoise * eigenvalues[0]) {
    ++rank;
  }
  const RowMajor turn = (solver.eigenvectors().rowwise().reverse().leftCols(index_of(rank)) *
                         eigenvalues.head(index_of(rank)).cwiseSqrt().cwiseInverse().asDiagonal())
                            .cast<float>();
  DenseMatrix basis{rank, std::vector<float>(matrix.row_count() * rank)};
  run_ranges(executor, matrix.row_count(), kRowsPerRange, [&](std::size_t begin, std::size_t end) {
    rows_of(basis, begin, end).noalias() = rows_of(matrix, begin, end) * turn;
  });
  return basis;
}

/// Independent standard normal numbers; each row has a seed of its own.
DenseMatrix random_matrix(std::size_t rows, std::size_t width, std::uint64_t seed,
                          Executor& executor) {
  DenseMatrix matrix{width, std::vector<float>(rows * width)};
  run_ranges(executor, rows, kRowsPerRange, [&](std::size_t begin, std::size_t end) {
    for (std::size_t row = begin; row < end; ++row) {
      Random random(derive_seed(seed, std::to_string(row)));
      std::generate_n(matrix.row(row), width,
                      [&random] { return static_cast<float>(random.normal()); });
    }
  });
  return matrix;
}

}  // namespace

DenseMatrix right_singular_vectors(const SparseMatrix& matrix, const SvdOptions& options,
                                   Executor& executor) {
  const SparseMatrix transposed = transpose(matrix);
  const std::size_t samples =
      std::min({options.rank + kOversampling, matrix.row_count(), matrix.column_count});
  DenseMatrix sampled = multiply(
      matrix, random_matrix(matrix.column_count, samples, options.seed, executor), executor);
  for (std::size_t i = 0; i < options.power_iterations; ++i) {
    const DenseMatrix basis = orthonormal_basis(sampled, samples, executor);
    const DenseMatrix back =
        orthonormal_basis(multiply(transposed, basis, executor), samples, executor);
    sampled = multiply(matrix, back, executor);
  }
  const DenseMatrix basis = orthonormal_basis(sampled, samples, executor);
  // With Q the basis, the left singular vectors of (Q^T A)^T = A^T Q are the right ones of Q^T A.
  return orthonormal_basis(multiply(transposed, basis, executor), options.rank, executor);
}

}  // namespace crudbench
