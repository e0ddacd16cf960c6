#include <algorithm>
#include <filesystem>

#include "harness/core/files.h"
#include "retrievers/indexes/builtin_indexes.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/vector_rows.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::news_like_rows;
using testing_support::TemporaryFolder;

constexpr std::size_t kDimension = 64;
constexpr std::size_t kRowCount = 4000;
constexpr std::size_t kQueryCount = 100;

using Hits = std::vector<std::vector<Neighbor>>;

std::unique_ptr<VectorIndex> make_index(const Json& options) {
  Catalog catalog;
  add_builtin_indexes(catalog);
  return catalog.indexes.build(catalog.indexes.resolve(options, "test", ""));
}

std::vector<std::string> member_names() {
  Catalog catalog;
  add_builtin_indexes(catalog);
  std::vector<std::string> names;
  for (const auto& [name, entry] : catalog.indexes.entries()) {
    names.push_back(name);
  }
  return names;
}

double recall(const Hits& found, const Hits& expected) {
  std::size_t shared = 0;
  std::size_t wanted = 0;
  for (std::size_t query = 0; query < expected.size(); ++query) {
    wanted += expected[query].size();
    for (const Neighbor& neighbor : expected[query]) {
      shared += std::find(found[query].begin(), found[query].end(), neighbor) != found[query].end();
    }
  }
  return static_cast<double>(shared) / static_cast<double>(wanted);
}

/// What must hold for every member with its default options.
class VectorIndexContract : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<VectorIndex> make() const { return make_index({{"type", GetParam()}}); }
  std::unique_ptr<VectorIndex> built(Executor& executor) const {
    std::unique_ptr<VectorIndex> index = make();
    index->build(rows_, kDimension, executor);
    return index;
  }
  /// The one file that the member saves; nothing for those that need none.
  std::filesystem::path saved_file() const {
    built(const_cast<SerialExecutor&>(serial_))->save(folder_.path());
    const std::filesystem::directory_iterator files(folder_.path());
    return files == std::filesystem::directory_iterator() ? std::filesystem::path() : files->path();
  }

  SerialExecutor serial_;
  TemporaryFolder folder_;
  std::vector<float> rows_ = news_like_rows(kRowCount, kDimension, 1);
  std::vector<float> queries_ = news_like_rows(kQueryCount, kDimension, 2);
};

TEST_P(VectorIndexContract, FindsTheNearestRows) {
  const Hits found = built(serial_)->search(queries_, 8, serial_);
  const std::unique_ptr<VectorIndex> flat = make_index({{"type", "flat"}});
  flat->build(rows_, kDimension, serial_);
  // Neighbours are equal with their scores, which are exact.
  EXPECT_GE(recall(found, flat->search(queries_, 8, serial_)), 0.95);
}

TEST_P(VectorIndexContract, ListsRowsByFallingScoreAndEqualOnesByRow) {
  // Every row twice, the second half a copy of the first.
  const std::size_t half = rows_.size() / 2;
  std::copy_n(rows_.begin(), half, rows_.begin() + static_cast<std::ptrdiff_t>(half));
  for (const std::vector<Neighbor>& hits : built(serial_)->search(queries_, 8, serial_)) {
    ASSERT_EQ(hits.size(), 8U);
    for (std::size_t i = 1; i < hits.size(); ++i) {
      EXPECT_TRUE(hits[i - 1].score > hits[i].score ||
                  (hits[i - 1].score == hits[i].score && hits[i - 1].row < hits[i].row));
    }
  }
}

TEST_P(VectorIndexContract, FindsTheSameAfterSavingAndLoading) {
  const std::unique_ptr<VectorIndex> index = built(serial_);
  index->save(folder_.path());
  const std::unique_ptr<VectorIndex> loaded = make();
  loaded->load(folder_.path(), rows_, kDimension);
  EXPECT_EQ(loaded->search(queries_, 8, serial_), index->search(queries_, 8, serial_));
}

TEST_P(VectorIndexContract, BuildsAndFindsTheSameOnAnyNumberOfThreads) {
  testing_support::ThreadPoolExecutor threads(3);
  const std::filesystem::path file = saved_file();
  const TemporaryFolder other;
  const std::unique_ptr<VectorIndex> index = built(threads);
  index->save(other.path());
  if (!file.empty()) {
    EXPECT_EQ(read_file(file), read_file(other.path() / file.filename()));
  }
  const Hits together = index->search(queries_, 8, threads);
  EXPECT_EQ(together, built(serial_)->search(queries_, 8, serial_));
  for (std::size_t query = 0; query < kQueryCount; query += 17) {
    const auto alone = std::span(queries_).subspan(query * kDimension, kDimension);
    EXPECT_EQ(index->search(alone, 8, serial_).front(), together[query]);
  }
}

TEST_P(VectorIndexContract, GivesFewerHitsAsAPrefixOfMore) {
  const std::unique_ptr<VectorIndex> index = built(serial_);
  Hits more = index->search(queries_, 64, serial_);
  for (std::vector<Neighbor>& hits : more) {
    hits.resize(5);
  }
  EXPECT_EQ(index->search(queries_, 5, serial_), more);
}

TEST_P(VectorIndexContract, GivesAllRowsWhereThereAreFewerThanAskedFor) {
  for (const std::size_t count : {1U, 3U, 50U}) {
    const std::span<const float> few = std::span(rows_).first(count * kDimension);
    const std::unique_ptr<VectorIndex> index = make();
    index->build(few, kDimension, serial_);
    index->save(folder_.path());
    const std::unique_ptr<VectorIndex> loaded = make();
    loaded->load(folder_.path(), few, kDimension);
    for (const std::vector<Neighbor>& hits : loaded->search(queries_, 100, serial_)) {
      EXPECT_EQ(hits.size(), count);
    }
  }
}

TEST_P(VectorIndexContract, TakesZeroRowsAndZeroQueries) {
  std::fill_n(rows_.begin(), 10 * kDimension, 0.0F);
  std::fill_n(queries_.begin(), kDimension, 0.0F);
  const Hits found = built(serial_)->search(queries_, 3, serial_);
  ASSERT_EQ(found[0].size(), 3U);
  EXPECT_EQ(found[0][0].score, 0.0F);
}

TEST_P(VectorIndexContract, RefusesFilesOfOtherRows) {
  if (saved_file().empty()) {
    GTEST_SKIP() << GetParam() << " saves nothing";
  }
  EXPECT_ERROR(make()->load(folder_.path(), rows_, kDimension / 2), ErrorCode::kInvalidData,
               "of other rows");
  EXPECT_ERROR(make()->load(folder_.path(), std::span(rows_).first(10 * kDimension), kDimension),
               ErrorCode::kInvalidData, "of other rows");
}

TEST_P(VectorIndexContract, RefusesOrSurvivesDamagedFiles) {
  const std::filesystem::path file = saved_file();
  if (file.empty()) {
    GTEST_SKIP() << GetParam() << " saves nothing";
  }
  const std::string content = read_file(file);
  write_file_atomically(file, std::string_view(content).substr(0, content.size() / 2));
  EXPECT_ERROR(make()->load(folder_.path(), rows_, kDimension), ErrorCode::kInvalidData,
               file.string());
  // Wherever bits have turned, the file is refused or searched without reading beyond the rows.
  for (std::size_t place = 0; place < 64; ++place) {
    std::string damaged = content;
    const std::size_t begin = place < 16 ? 16 * place : place * content.size() / 64;
    for (std::size_t i = begin; i < std::min(begin + 5, damaged.size()); ++i) {
      damaged[i] = static_cast<char>(~damaged[i]);
    }
    write_file_atomically(file, damaged);
    try {
      const std::unique_ptr<VectorIndex> index = make();
      index->load(folder_.path(), rows_, kDimension);
      for (const auto& hits : index->search(std::span(queries_).first(kDimension), 8, serial_)) {
        for (const Neighbor& hit : hits) {
          EXPECT_LT(hit.row, kRowCount);
        }
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidData);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Builtin, VectorIndexContract, testing::ValuesIn(member_names()),
                         [](const auto& parameter) { return parameter.param; });

TEST(VectorIndexOptions, AreCheckedAgainstTheirRanges) {
  EXPECT_ERROR(make_index({{"type", "hnsw"}, {"m", 1}}), ErrorCode::kInvalidConfig, "/m");
  EXPECT_ERROR(make_index({{"type", "hnswlib"}, {"ef_search", 0}}), ErrorCode::kInvalidConfig,
               "/ef_search");
  EXPECT_ERROR(make_index({{"type", "ivf_flat"}, {"lists", 0}}), ErrorCode::kInvalidConfig,
               "/lists");
  EXPECT_ERROR(make_index({{"type", "ivf_pq"}, {"bits", 13}}), ErrorCode::kInvalidConfig, "/bits");
  EXPECT_ERROR(make_index({{"type", "sq8"}, {"reranked", 8}}), ErrorCode::kInvalidConfig, "rerank");
}

TEST(VectorIndexOptions, RefuseMoreHitsThanTheIndexMayLookAt) {
  const std::vector<float> rows = news_like_rows(500, kDimension, 1);
  SerialExecutor executor;
  for (const auto& [type, option] :
       {std::pair{"hnsw", "ef_search"}, std::pair{"hnswlib", "ef_search"},
        std::pair{"ivf_pq", "rerank"}, std::pair{"sq8", "rerank"}}) {
    const std::unique_ptr<VectorIndex> index = make_index({{"type", type}, {option, 20}});
    index->build(rows, kDimension, executor);
    EXPECT_EQ(index->search(rows, 20, executor).front().size(), 20U);
    EXPECT_ERROR(index->search(rows, 21, executor), ErrorCode::kInvalidConfig, option);
  }
}

TEST(VectorIndexOptions, RefuseSubquantizersThatDoNotDivideTheDimension) {
  const std::vector<float> rows = news_like_rows(500, kDimension, 1);
  SerialExecutor executor;
  const std::unique_ptr<VectorIndex> index =
      make_index({{"type", "ivf_pq"}, {"subquantizers", 24}});
  EXPECT_ERROR(index->build(rows, kDimension, executor), ErrorCode::kInvalidConfig,
               "must divide the dimension of the vectors (64), found 24");
}

TEST(IvfIndex, IsExactWhereAllListsAreProbed) {
  const std::vector<float> rows = news_like_rows(2000, kDimension, 1);
  const std::vector<float> queries = news_like_rows(20, kDimension, 2);
  SerialExecutor executor;
  const std::unique_ptr<VectorIndex> flat = make_index({{"type", "flat"}});
  const std::unique_ptr<VectorIndex> ivf =
      make_index({{"type", "ivf_flat"}, {"lists", 16}, {"probes", 16}});
  flat->build(rows, kDimension, executor);
  ivf->build(rows, kDimension, executor);
  EXPECT_EQ(ivf->search(queries, 8, executor), flat->search(queries, 8, executor));
}

TEST(IvfIndex, TakesCodesOfAnyNumberOfBits) {
  const std::vector<float> rows = news_like_rows(2000, kDimension, 1);
  const std::vector<float> queries = news_like_rows(20, kDimension, 2);
  SerialExecutor executor;
  const std::unique_ptr<VectorIndex> flat = make_index({{"type", "flat"}});
  flat->build(rows, kDimension, executor);
  for (const int bits : {4, 6, 9}) {
    const std::unique_ptr<VectorIndex> index = make_index(
        {{"type", "ivf_pq"}, {"lists", 16}, {"probes", 16}, {"bits", bits}, {"rerank", 200}});
    index->build(rows, kDimension, executor);
    EXPECT_GT(recall(index->search(queries, 8, executor), flat->search(queries, 8, executor)), 0.9)
        << bits << " bits";
  }
}

}  // namespace
}  // namespace crudbench
