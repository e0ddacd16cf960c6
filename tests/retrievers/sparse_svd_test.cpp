#include "retrievers/embedders/sparse_svd.h"

#include <cmath>

#include "tests/fakes/thread_pool_executor.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

SparseMatrix diagonal(const std::vector<float>& values) {
  SparseMatrix matrix;
  matrix.column_count = values.size();
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    matrix.columns.push_back(i);
    matrix.values.push_back(values[i]);
    matrix.row_ends.push_back(i + 1);
  }
  return matrix;
}

TEST(RightSingularVectors, AreTheAxesOfADiagonalMatrixLargestFirst) {
  SerialExecutor executor;
  const DenseMatrix vectors =
      right_singular_vectors(diagonal({2.0F, 5.0F, 1.0F, 3.0F}), {.rank = 2}, executor);
  ASSERT_EQ(vectors.width, 2U);
  ASSERT_EQ(vectors.row_count(), 4U);
  EXPECT_NEAR(std::abs(vectors.row(1)[0]), 1.0F, 1e-5F);
  EXPECT_NEAR(std::abs(vectors.row(3)[1]), 1.0F, 1e-5F);
  EXPECT_NEAR(vectors.row(1)[1], 0.0F, 1e-5F);
  EXPECT_NEAR(vectors.row(0)[0], 0.0F, 1e-5F);
}

TEST(RightSingularVectors, AreFewerForALowerRank) {
  // Two rows, the second twice the first: rank 1, direction (3, 4) / 5.
  const SparseMatrix matrix{.column_count = 2,
                            .row_ends = {2, 4},
                            .columns = {0, 1, 0, 1},
                            .values = {3.0F, 4.0F, 6.0F, 8.0F}};
  SerialExecutor executor;
  const DenseMatrix vectors = right_singular_vectors(matrix, {.rank = 10}, executor);
  ASSERT_EQ(vectors.width, 1U);
  EXPECT_NEAR(std::abs(vectors.row(0)[0]), 0.6F, 1e-5F);
  EXPECT_NEAR(std::abs(vectors.row(1)[0]), 0.8F, 1e-5F);
}

TEST(RightSingularVectors, AreNoneForAnEmptyMatrix) {
  SerialExecutor executor;
  EXPECT_EQ(right_singular_vectors({}, {.rank = 4}, executor).width, 0U);
  EXPECT_EQ(right_singular_vectors(diagonal({0.0F, 0.0F}), {.rank = 4}, executor).width, 0U);
}

TEST(RightSingularVectors, AreTheSameOnAnyNumberOfThreads) {
  std::vector<float> values;
  for (int i = 0; i < 9000; ++i) {
    values.push_back(1.0F + static_cast<float>(i % 97));
  }
  SerialExecutor serial;
  testing_support::ThreadPoolExecutor threads(4);
  const SparseMatrix matrix = diagonal(values);
  const SvdOptions options{.rank = 12, .power_iterations = 2, .seed = 5};
  EXPECT_EQ(right_singular_vectors(matrix, options, serial).values,
            right_singular_vectors(matrix, options, threads).values);
}

}  // namespace
}  // namespace crudbench
