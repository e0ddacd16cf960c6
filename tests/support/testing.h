#pragma once

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/error.h"

namespace crudbench::testing_support {

/// A fresh folder, removed with everything in it at the end of the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Writes a file below the folder and returns its path.
  std::filesystem::path write(const std::string& name, std::string_view content) const;

 private:
  std::filesystem::path path_;
};

/// A file of the material that users do not have: `CRUDBENCH_SHARED`, default `../shared` beside
/// the checkout. Empty if it is not there; then the test skips with `skip_message`.
std::filesystem::path shared_file(const std::string& relative);
std::string skip_message(const std::string& relative);

/// The root of the source tree.
std::filesystem::path source_root();

std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace crudbench::testing_support

/// Expects `statement` to throw crudbench::Error with this code and a message that contains
/// `fragment`.
#define EXPECT_ERROR(statement, expected_code, fragment)                    \
  try {                                                                     \
    statement;                                                              \
    ADD_FAILURE() << "no error was thrown by: " #statement;                 \
  } catch (const ::crudbench::Error& error) {                               \
    EXPECT_EQ(error.code(), expected_code) << error.what();                 \
    EXPECT_THAT(std::string(error.what()), ::testing::HasSubstr(fragment)); \
  }
