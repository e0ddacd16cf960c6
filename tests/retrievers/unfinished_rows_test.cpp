#include "retrievers/unfinished_rows.h"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sys/resource.h>

#include "harness/core/files.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::TemporaryFolder;

class UnfinishedRowsTest : public testing::Test {
 protected:
  /// Writes `value` into the rows and notes them as final.
  static void fill(UnfinishedRows& rows, RowRange range, float value) {
    const std::span<float> values = rows.rows(range);
    std::fill(values.begin(), values.end(), value);
    rows.finish(range);
  }

  TemporaryFolder folder_;
  std::filesystem::path unfinished_ = folder_.path() / "unfinished";
};

TEST_F(UnfinishedRowsTest, RemembersWhatWasFinished) {
  {
    UnfinishedRows rows(unfinished_, 10, 2);
    EXPECT_THAT(rows.missing(), ElementsAre(RowRange{0, 10}));
    fill(rows, {6, 8}, 2.0F);
    fill(rows, {0, 3}, 1.0F);
    rows.rows({3, 4})[0] = 5.0F;  // Begun, not finished.
  }
  UnfinishedRows rows(unfinished_, 10, 2);
  EXPECT_THAT(rows.missing(), ElementsAre(RowRange{3, 6}, RowRange{8, 10}));
  EXPECT_EQ(rows.rows({7, 8})[1], 2.0F);
}

TEST_F(UnfinishedRowsTest, PublishesTheFileWhole) {
  UnfinishedRows rows(unfinished_, 3, 1);
  fill(rows, {1, 3}, 2.0F);
  fill(rows, {0, 1}, 1.0F);
  EXPECT_THAT(rows.missing(), IsEmpty());
  rows.publish(folder_.path() / "rows");
  const std::vector<float> expected{1.0F, 2.0F, 2.0F};
  EXPECT_EQ(read_file(folder_.path() / "rows"),
            std::string(reinterpret_cast<const char*>(expected.data()), 12));
}

TEST_F(UnfinishedRowsTest, DoesNotTrustRowsThatAreNotWhatWasNoted) {
  {
    UnfinishedRows rows(unfinished_, 4, 1);
    fill(rows, {0, 2}, 1.0F);
    fill(rows, {2, 3}, 1.0F);
  }
  {
    std::fstream file(unfinished_ / "rows.f32", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4);
    file.write("\0\0\0\0", 4);  // As if a power cut had lost the second row.
  }
  const UnfinishedRows rows(unfinished_, 4, 1);
  EXPECT_THAT(rows.missing(), ElementsAre(RowRange{0, 2}, RowRange{3, 4}));
}

TEST_F(UnfinishedRowsTest, IgnoresHalfAnEntryAndGoesOnBehindIt) {
  {
    UnfinishedRows rows(unfinished_, 4, 1);
    fill(rows, {0, 1}, 1.0F);
    fill(rows, {1, 2}, 1.0F);
  }
  const std::filesystem::path journal = unfinished_ / "journal";
  std::filesystem::resize_file(journal, std::filesystem::file_size(journal) - 7);
  {
    UnfinishedRows rows(unfinished_, 4, 1);
    EXPECT_THAT(rows.missing(), ElementsAre(RowRange{1, 4}));
    fill(rows, {3, 4}, 1.0F);
  }
  const UnfinishedRows rows(unfinished_, 4, 1);
  EXPECT_THAT(rows.missing(), ElementsAre(RowRange{1, 3}));
}

TEST_F(UnfinishedRowsTest, BeginsAnewForAnotherShape) {
  {
    UnfinishedRows rows(unfinished_, 4, 2);
    fill(rows, {0, 4}, 1.0F);
  }
  const UnfinishedRows rows(unfinished_, 4, 1);
  EXPECT_THAT(rows.missing(), ElementsAre(RowRange{0, 4}));
}

TEST_F(UnfinishedRowsTest, SaysSoBeforeAnythingIsComputedWhenTheDiskIsTooSmall) {
  // A file size limit stands for the full disk.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{.rlim_cur = 1000, .rlim_max = before.rlim_max};
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_ERROR(UnfinishedRows(unfinished_, 1000, 16), ErrorCode::kIo, "rows.f32");
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
}

}  // namespace
}  // namespace crudbench
