#include "harness/core/file_hash.h"

#include <cstdlib>
#include <fstream>
#include <optional>

#include "harness/core/fingerprint.h"
#include "harness/core/json.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

/// A cache folder of the test's own.
class RememberedSha256 : public testing::Test {
 protected:
  RememberedSha256() {
    if (const char* before = std::getenv("XDG_CACHE_HOME")) {
      before_ = before;
    }
    ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }
  ~RememberedSha256() override {
    before_ ? ::setenv("XDG_CACHE_HOME", before_->c_str(), 1) : ::unsetenv("XDG_CACHE_HOME");
  }

  /// The one note in the cache.
  std::filesystem::path note() const {
    for (const auto& entry : std::filesystem::directory_iterator(user_cache_folder() / "hashes")) {
      return entry.path();
    }
    return {};
  }

  const TemporaryFolder folder_;
  std::optional<std::string> before_;
};

TEST_F(RememberedSha256, IsThatOfTheContentAlsoWhenItChanges) {
  const auto file = folder_.write("f", "one");
  EXPECT_EQ(remembered_sha256(file), sha256_hex("one"));
  folder_.write("f", "three");
  EXPECT_EQ(remembered_sha256(file), sha256_hex("three"));
}

TEST_F(RememberedSha256, IsNotComputedAgain) {
  const auto file = folder_.write("f", "one");
  remembered_sha256(file);
  Json known = read_json_file(note(), ErrorCode::kInvalidData);
  known["sha256"] = "as remembered";
  std::ofstream(note()) << known;
  EXPECT_EQ(remembered_sha256(file), "as remembered");
}

TEST_F(RememberedSha256, IsComputedAgainWhereTheNoteIsDamaged) {
  const auto file = folder_.write("f", "one");
  remembered_sha256(file);
  std::ofstream(note()) << "{";
  EXPECT_EQ(remembered_sha256(file), sha256_hex("one"));
}

TEST_F(RememberedSha256, SaysWhichFileCannotBeRead) {
  EXPECT_ERROR(remembered_sha256("/nowhere/f"), ErrorCode::kIo, "cannot read '/nowhere/f'");
}

}  // namespace
}  // namespace crudbench
