#include "retrievers/self_retrieval.h"

#include "tests/fakes/thread_pool_executor.h"
#include "tests/retrievers/retrieving.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing_support::make_chunker;
using testing_support::make_corpus;
using testing_support::Retrieving;

/// Finds the same chunks whatever it is asked.
class Stubborn final : public Retriever {
 public:
  Stubborn(const ChunkTable& table, std::vector<ChunkIndex> found)
      : table_(table), found_(std::move(found)) {}

  std::vector<Retrieval> retrieve(std::span<const Query> queries, std::size_t,
                                  Executor&) const override {
    std::vector<Retrieval> retrievals(queries.size());
    for (Retrieval& retrieval : retrievals) {
      for (const ChunkIndex chunk : found_) {
        retrieval.hits.push_back({chunk, 1.0});
      }
    }
    return retrievals;
  }
  const ChunkTable& chunks() const override { return table_; }

 private:
  const ChunkTable& table_;
  std::vector<ChunkIndex> found_;
};

/// Documents of two, one and two chunks, the last one a copy of the first.
class SelfRetrieval : public testing::Test {
 protected:
  double quality(std::vector<ChunkIndex> found) {
    return self_retrieval_quality(Stubborn(table_, std::move(found)), serial_);
  }

  SerialExecutor serial_;
  Corpus corpus_ = make_corpus({"甲乙丙丁", "戊己", "甲乙丙丁"});
  ChunkTable table_ =
      ChunkTable::build(corpus_, *make_chunker({{"type", "fixed"}, {"size", 2}}), serial_);
};

TEST_F(SelfRetrieval, IsTheReciprocalRankOfAnotherChunkOfTheDocument) {
  // Asked is chunk 0 or 1 of the first document; chunk 2 stands before the other one.
  EXPECT_DOUBLE_EQ(quality({2, 0, 1}), 0.5);
  EXPECT_DOUBLE_EQ(quality({0, 1}), 1.0);
  EXPECT_DOUBLE_EQ(quality({2}), 0.0);
}

TEST_F(SelfRetrieval, LooksPastCopiesOfTheDocument) {
  EXPECT_DOUBLE_EQ(quality({3, 4, 0, 1}), 1.0);
}

TEST_F(SelfRetrieval, IsNothingWhereDocumentsAreWhole) {
  const ChunkTable whole =
      ChunkTable::build(corpus_, *make_chunker({{"type", "document"}}), serial_);
  EXPECT_DOUBLE_EQ(self_retrieval_quality(Stubborn(whole, {0, 1}), serial_), 0.0);
}

TEST(SelfRetrievalQuality, DoesNotDependOnThreads) {
  Retrieving retrieving;
  testing_support::ThreadPoolExecutor threads(4);
  const auto dense = retrieving.open({{"type", "dense"}});
  EXPECT_EQ(self_retrieval_quality(*dense, retrieving.serial()),
            self_retrieval_quality(*dense, threads));
}

TEST(WeightsByQuality, AreSharesOfTheSumOfCubes) {
  EXPECT_THAT(weights_by_quality({0.5, 0.25}),  // 8 : 1
              ElementsAre(testing::DoubleEq(8.0 / 9.0), testing::DoubleEq(1.0 / 9.0)));
  EXPECT_THAT(weights_by_quality({0.0, 0.0}), ElementsAre(0.5, 0.5));
}

}  // namespace
}  // namespace crudbench
