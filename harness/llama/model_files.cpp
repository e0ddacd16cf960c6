#include "harness/llama/model_files.h"

#include <cstdio>
#include <regex>

#include "harness/core/error.h"
#include "harness/core/file_hash.h"
#include "harness/core/fingerprint.h"

namespace crudbench {

namespace {

/// "-00002-of-00003": what llama.cpp appends to the name of a part.
std::string part_suffix(int part, int count) {
  char text[32];
  std::snprintf(text, sizeof text, "-%05d-of-%05d", part, count);
  return text;
}

}  // namespace

std::vector<std::filesystem::path> model_files(const std::filesystem::path& first) {
  static const std::regex kPart(R"((.*)-(\d{5})-of-(\d{5})\.gguf)");
  const std::string name = first.filename().string();
  std::vector<std::filesystem::path> files{first};
  if (std::smatch match; std::regex_match(name, match, kPart)) {
    const int count = std::stoi(match[3]);
    if (std::stoi(match[2]) != 1) {
      throw Error(ErrorCode::kInvalidData, first.string() + ": is part " + match[2].str() + " of " +
                                               match[3].str() + "; name the first part");
    }
    for (int part = 2; part <= count; ++part) {
      files.push_back(first.parent_path() / (match[1].str() + part_suffix(part, count) + ".gguf"));
    }
  }
  for (const std::filesystem::path& file : files) {
    std::error_code problem;
    if (!std::filesystem::exists(file, problem)) {
      throw io_error("read", file.string(), problem ? problem.value() : ENOENT);
    }
    if (!std::filesystem::is_regular_file(file, problem)) {
      throw Error(ErrorCode::kInvalidData, file.string() + ": is no file");
    }
  }
  return files;
}

std::string model_sha256(const std::filesystem::path& first) {
  const std::vector<std::filesystem::path> files = model_files(first);
  if (files.size() == 1) {
    return remembered_sha256(first);
  }
  FingerprintBuilder all("model parts", 1);
  for (const std::filesystem::path& file : files) {
    all.add(remembered_sha256(file));
  }
  return all.hex_digest();
}

}  // namespace crudbench
