#include <algorithm>
#include <cmath>

#include "harness/core/random.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::IsEmpty;

std::unique_ptr<VectorIndex> make_flat(std::span<const float> rows, std::size_t dimension) {
  Catalog catalog;
  add_builtin_indexes(catalog);
  SerialExecutor executor;
  std::unique_ptr<VectorIndex> index = catalog.indexes.build({{"type", "flat"}});
  index->build(rows, dimension, executor);
  return index;
}

std::vector<float> random_unit_rows(std::size_t count, std::size_t dimension, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> rows(count * dimension);
  for (std::size_t row = 0; row < count; ++row) {
    double square = 0.0;
    for (std::size_t i = 0; i < dimension; ++i) {
      const double value = random.normal();
      rows[row * dimension + i] = static_cast<float>(value);
      square += value * value;
    }
    for (std::size_t i = 0; i < dimension; ++i) {
      rows[row * dimension + i] /= static_cast<float>(std::sqrt(square));
    }
  }
  return rows;
}

std::vector<Neighbor> brute_force(std::span<const float> rows, std::span<const float> query,
                                  std::size_t top_k) {
  std::vector<Neighbor> all;
  for (std::size_t row = 0; row * query.size() < rows.size(); ++row) {
    double score = 0.0;
    for (std::size_t i = 0; i < query.size(); ++i) {
      score += static_cast<double>(rows[row * query.size() + i]) * static_cast<double>(query[i]);
    }
    all.push_back({static_cast<std::uint32_t>(row), static_cast<float>(score)});
  }
  std::stable_sort(all.begin(), all.end(), [](const Neighbor& left, const Neighbor& right) {
    return left.score > right.score;
  });
  all.resize(std::min(all.size(), top_k));
  return all;
}

void expect_same_rows(const std::vector<Neighbor>& found, const std::vector<Neighbor>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].row, expected[i].row) << "rank " << i + 1;
    EXPECT_NEAR(found[i].score, expected[i].score, 1e-6F);
  }
}

TEST(FlatIndex, EqualsBruteForce) {
  constexpr std::size_t kDimension = 24;
  const std::vector<float> rows = random_unit_rows(40'000, kDimension, 1);
  const std::vector<float> queries = random_unit_rows(30, kDimension, 2);
  SerialExecutor executor;
  const auto results = make_flat(rows, kDimension)->search(queries, 10, executor);
  for (std::size_t i = 0; i < results.size(); ++i) {
    expect_same_rows(results[i],
                     brute_force(rows, std::span(queries).subspan(i * kDimension, kDimension), 10));
  }
}

TEST(FlatIndex, ListsEqualRowsInOrder) {
  constexpr std::size_t kDimension = 8;
  const std::vector<float> some = random_unit_rows(3, kDimension, 3);
  std::vector<float> rows;
  for (int i = 0; i < 12'000; ++i) {  // Far more ties than are fetched, over several ranges.
    rows.insert(rows.end(), some.begin(), some.end());
  }
  SerialExecutor executor;
  const std::vector<float> query(some.begin() + kDimension, some.begin() + 2 * kDimension);
  const auto found = make_flat(rows, kDimension)->search(query, 5, executor).front();
  ASSERT_EQ(found.size(), 5U);
  for (std::uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(found[i].row, 3 * i + 1);
  }
}

TEST(FlatIndex, GivesTheSameInAnyBatchAndOnAnyNumberOfThreads) {
  constexpr std::size_t kDimension = 16;
  const std::vector<float> rows = random_unit_rows(70'000, kDimension, 4);
  const std::vector<float> queries = random_unit_rows(300, kDimension, 5);
  const auto index = make_flat(rows, kDimension);
  SerialExecutor serial;
  testing_support::ThreadPoolExecutor threads(3);
  const auto together = index->search(queries, 8, threads);
  ASSERT_EQ(together.size(), 300U);
  for (const std::size_t i : {0U, 17U, 255U, 256U, 299U}) {
    EXPECT_EQ(
        together[i],
        index->search(std::span(queries).subspan(i * kDimension, kDimension), 8, serial).front());
  }
}

TEST(FlatIndex, GivesFewerRowsThanAskedForWhereThereAreFewer) {
  const std::vector<float> rows{1.0F, 0.0F, 0.0F, 1.0F};
  const std::vector<float> query{0.6F, 0.8F};
  SerialExecutor executor;
  const auto index = make_flat(rows, 2);
  const auto found = index->search(query, 10, executor).front();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0], (Neighbor{1, 0.8F}));
  EXPECT_EQ(found[1], (Neighbor{0, 0.6F}));
  EXPECT_THAT(index->search(query, 0, executor).front(), IsEmpty());
}

}  // namespace
}  // namespace crudbench
