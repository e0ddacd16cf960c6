#include "harness/core/files.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

std::size_t entry_count(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(ReadFile, NamesTheFileThatCannotBeRead) {
  const TemporaryFolder folder;
  EXPECT_ERROR(read_file(folder.path() / "absent"), ErrorCode::kIo, "absent");
  EXPECT_ERROR(read_file(folder.path()), ErrorCode::kIo, "Is a directory");
}

TEST(WriteFileAtomically, ReplacesTheContentAndLeavesNothingElse) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "file";
  write_file_atomically(path, "first");
  write_file_atomically(path, "second");
  EXPECT_EQ(read_file(path), "second");
  EXPECT_EQ(entry_count(folder.path()), 1U);
}

TEST(AtomicFileWriter, LeavesTheOldFileWithoutCommit) {
  const TemporaryFolder folder;
  const auto path = folder.write("file", "old");
  {
    AtomicFileWriter writer(path);
    writer.write(std::string(1'000'000, 'x'));
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(entry_count(folder.path()), 1U);
}

TEST(AtomicFileWriter, NamesAPlaceItCannotWriteTo) {
  EXPECT_ERROR(AtomicFileWriter("/proc/crudbench-test"), ErrorCode::kIo,
               "cannot write '/proc/crudbench-test'");
}

TEST(AtomicFolder, AppearsWholeOnCommit) {
  const TemporaryFolder parent;
  const auto target = parent.path() / "kb";
  {
    AtomicFolder folder(target);
    write_file_atomically(folder.path() / "part", "data");
    EXPECT_FALSE(std::filesystem::exists(target));
    folder.commit();
  }
  EXPECT_EQ(read_file(target / "part"), "data");
  EXPECT_EQ(entry_count(parent.path()), 1U);
}

TEST(AtomicFolder, VanishesWithoutCommit) {
  const TemporaryFolder parent;
  {
    const AtomicFolder folder(parent.path() / "kb");
    write_file_atomically(folder.path() / "part", "data");
  }
  EXPECT_EQ(entry_count(parent.path()), 0U);
}

TEST(AtomicFolder, KeepsAFolderThatCameMeanwhile) {
  const TemporaryFolder parent;
  const auto target = parent.path() / "kb";
  {
    AtomicFolder folder(target);
    write_file_atomically(folder.path() / "part", "slow");
    std::filesystem::create_directory(target);
    write_file_atomically(target / "part", "fast");
    folder.commit();
  }
  EXPECT_EQ(read_file(target / "part"), "fast");
  EXPECT_EQ(entry_count(parent.path()), 1U);
}

TEST(MappedFile, ShowsTheBytes) {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("file", "bytes"));
  EXPECT_EQ(file.bytes(), "bytes");
  const MappedFile empty(folder.write("empty", ""));
  EXPECT_TRUE(empty.bytes().empty());
}

}  // namespace
}  // namespace crudbench
