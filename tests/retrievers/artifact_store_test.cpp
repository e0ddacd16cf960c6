#include "retrievers/artifact_store.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <sched.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

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

/// Runs `work` in a process of its own and returns its id.
pid_t in_child(const std::function<void()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    int status = 0;
    try {
      work();
    } catch (const std::exception&) {
      status = 1;
    }
    ::_exit(status);
  }
  return child;
}

int exit_status(pid_t child) {
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void wait_for(const std::filesystem::path& file) {
  while (!std::filesystem::exists(file)) {
    ::sched_yield();
  }
}

TEST_F(ArtifactStoreTest, LetsAnotherProcessWait) {
  const std::filesystem::path first_builds = folder_.path() / "first_builds";
  const std::filesystem::path second_asks = folder_.path() / "second_asks";
  const pid_t first = in_child([&] {
    store_.ensure(example(), [&](const std::filesystem::path& folder) {
      write_file_atomically(first_builds, "");
      wait_for(second_asks);
      write_file_atomically(folder / "content.bin", "first");
      return std::string("5 bytes");
    });
  });
  const pid_t second = in_child([&] {
    wait_for(first_builds);
    if (store_.remove("abc123")) {
      throw Error(ErrorCode::kIo, "what is being built was removed");
    }
    write_file_atomically(second_asks, "");
    store_.ensure(example(), [&](const std::filesystem::path&) -> std::string {
      throw Error(ErrorCode::kIo, "it was built a second time");
    });
  });
  EXPECT_EQ(exit_status(first), 0);
  EXPECT_EQ(exit_status(second), 0);
  EXPECT_EQ(read_file(root_ / "abc123" / "content.bin"), "first");
}

TEST_F(ArtifactStoreTest, KeepsUnfinishedWorkUntilTheArtifactIsBuilt) {
  const std::filesystem::path unfinished = store_.unfinished_folder(example());
  EXPECT_ERROR(store_.ensure(example(),
                             [&](const std::filesystem::path&) -> std::string {
                               create_folders(unfinished);
                               throw Error(ErrorCode::kUnavailable, "the provider is down");
                             }),
               ErrorCode::kUnavailable, "down");
  EXPECT_TRUE(std::filesystem::exists(unfinished));
  ensure();
  EXPECT_FALSE(std::filesystem::exists(unfinished));
}

TEST_F(ArtifactStoreTest, ListsVerifiesAndRemovesWhatStandsThere) {
  EXPECT_TRUE(store_.list().empty());
  Artifact good = example();
  good.fingerprint = std::string(64, 'a');
  Artifact bad = example();
  bad.fingerprint = std::string(64, 'b');
  for (const Artifact& artifact : {good, bad}) {
    store_.ensure(artifact, [](const std::filesystem::path& folder) {
      write_file_atomically(folder / "content.bin", "content");
      return std::string();
    });
  }
  create_folders(root_ / (std::string(64, 'c') + ".unfinished"));
  write_file_atomically(root_ / bad.fingerprint / "content.bin", "CONTENT");

  const std::vector<StoredArtifact> stored = store_.list();
  ASSERT_EQ(stored.size(), 3U);
  EXPECT_EQ(stored[0].fingerprint, good.fingerprint);
  EXPECT_EQ(stored[0].kind, "chunks");
  EXPECT_EQ(stored[0].parameters, example().parameters);
  EXPECT_GT(stored[0].size_bytes, 7U);
  EXPECT_EQ(stored[1].defect, "");
  EXPECT_EQ(stored[2].defect, "it was never finished");
  EXPECT_EQ(store_.verify(good.fingerprint), "");
  EXPECT_EQ(store_.verify(bad.fingerprint), "content.bin has changed");

  for (const StoredArtifact& artifact : stored) {
    EXPECT_TRUE(store_.remove(artifact.fingerprint));
  }
  EXPECT_TRUE(store_.list().empty());
}

}  // namespace
}  // namespace crudbench
