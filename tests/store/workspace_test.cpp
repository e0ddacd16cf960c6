#include "harness/store/workspace.h"

#include <unistd.h>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

TEST(WorkspaceLock, TellsASecondHolderWhoHasIt) {
  const TemporaryFolder folder;
  const Workspace workspace{folder.path() / "ws"};
  {
    const WorkspaceLock lock(workspace);
    EXPECT_ERROR(WorkspaceLock{workspace}, ErrorCode::kIo,
                 "is in use by process " + std::to_string(::getpid()));
  }
  const WorkspaceLock again(workspace);
}

TEST(WorkspaceLock, NamesAFolderItCannotMake) {
  EXPECT_ERROR(WorkspaceLock{Workspace{"/proc/crudbench"}}, ErrorCode::kIo, "/proc/crudbench");
}

}  // namespace
}  // namespace crudbench
