#include "retrievers/artifact_store.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include "harness/core/files.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

Artifact example() {
  return {.kind = "chunks", .fingerprint = "abc123", .parameters = {{"size", 128}}};
}

class ArtifactStoreTest : public testing::Test {
 protected:
  std::filesystem::path ensure() {
    return store_.ensure(example(), [this](const std::filesystem::path& folder) {
      ++builds_;
      write_file_atomically(folder / "content.bin", "content");
      return std::string("7 bytes");
    });
  }

  TemporaryFolder folder_;
  std::filesystem::path root_ = folder_.path() / "kb";
  ArtifactStore store_{root_};
  std::atomic<int> builds_ = 0;
};

TEST_F(ArtifactStoreTest, BuildsOnce) {
  EXPECT_FALSE(store_.has(example()));
  EXPECT_FALSE(std::filesystem::exists(root_));
  EXPECT_EQ(ensure(), root_ / "abc123");
  EXPECT_TRUE(store_.has(example()));
  EXPECT_EQ(read_file(ensure() / "content.bin"), "content");
  EXPECT_EQ(builds_, 1);
}

TEST_F(ArtifactStoreTest, ListsFilesInTheManifest) {
  const Json manifest = read_json_file(ensure() / "manifest.json", ErrorCode::kInvalidData);
  EXPECT_EQ(manifest.at("kind"), "chunks");
  EXPECT_EQ(manifest.at("parameters").at("size"), 128);
  ASSERT_EQ(manifest.at("files").size(), 1U);
  EXPECT_EQ(manifest.at("files")[0].at("size_bytes"), 7);
  // printf content | sha256sum
  EXPECT_EQ(manifest.at("files")[0].at("sha256"),
            "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73");
}

TEST_F(ArtifactStoreTest, RebuildsWhatIsTruncatedChangedOrWithoutManifest) {
  const std::filesystem::path folder = ensure();
  std::filesystem::resize_file(folder / "content.bin", 3);
  EXPECT_FALSE(store_.has(example()));
  ensure();
  EXPECT_EQ(builds_, 2);
  write_file_atomically(folder / "content.bin", "CONTENT");
  ensure();
  EXPECT_EQ(builds_, 3);
  std::filesystem::remove(folder / "manifest.json");
  ensure();
  EXPECT_EQ(builds_, 4);
  write_file_atomically(folder / "manifest.json", "{\"kind\": ");
  ensure();
  EXPECT_EQ(builds_, 5);
  write_file_atomically(folder / "manifest.json", "[1]");
  ensure();
  EXPECT_EQ(builds_, 6);
  EXPECT_EQ(read_file(folder / "content.bin"), "content");
}

TEST_F(ArtifactStoreTest, LeavesNothingOfAFailedBuild) {
  EXPECT_ERROR(store_.ensure(example(),
                             [](const std::filesystem::path& folder) -> std::string {
                               write_file_atomically(folder / "half.bin", "x");
                               throw Error(ErrorCode::kIo, "cannot write 'half.bin': disk full");
                             }),
               ErrorCode::kIo, "disk full");
  for (const auto& entry : std::filesystem::directory_iterator(root_)) {
    EXPECT_EQ(entry.path().extension(), ".lock") << entry.path();
  }
}

TEST_F(ArtifactStoreTest, RemovesWhatAKilledProcessLeft) {
  std::filesystem::create_directories(root_ / ".abc123.tmp-99-0");
  ensure();
  EXPECT_FALSE(std::filesystem::exists(root_ / ".abc123.tmp-99-0"));
}

TEST_F(ArtifactStoreTest, LetsConcurrentBuildersWait) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([this] { ensure(); });
    }
  }
  EXPECT_EQ(builds_, 1);
}

TEST_F(ArtifactStoreTest, NamesARootThatCannotBeWritten) {
  folder_.write("kb", "a file where the folder should be");
  EXPECT_ERROR(ensure(), ErrorCode::kIo, root_.string());
}

}  // namespace
}  // namespace crudbench
