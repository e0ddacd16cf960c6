#include "tests/support/testing.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace crudbench::testing_support {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "crudbench-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw std::runtime_error("cannot create a temporary folder");
  }
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::filesystem::path TemporaryFolder::write(const std::string& name,
                                             std::string_view content) const {
  const std::filesystem::path file = path_ / name;
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
  return file;
}

std::filesystem::path source_root() {
  return CRUDBENCH_SOURCE_ROOT;
}

std::filesystem::path shared_file(const std::string& relative) {
  const char* folder = std::getenv("CRUDBENCH_SHARED");
  const std::filesystem::path root =
      folder != nullptr ? std::filesystem::path(folder) : source_root() / ".." / "shared";
  const std::filesystem::path file = root / relative;
  return std::filesystem::exists(file) ? file : std::filesystem::path();
}

std::string skip_message(const std::string& relative) {
  return "not here: " + relative + " (set CRUDBENCH_SHARED to the folder that holds it)";
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

}  // namespace crudbench::testing_support
