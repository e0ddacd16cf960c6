#include <gtest/gtest.h>
#include <regex>
#include <set>

#include "harness/core/files.h"
#include "harness/core/json.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using namespace testing_support;
using testing::ContainerEq;
using testing::IsSubsetOf;

const std::filesystem::path kPage = source_root() / "reports" / "html";

std::set<std::string> keys_of(const Json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) {
    keys.insert(key);
  }
  return keys;
}

/// The "{names}" that a label takes.
std::set<std::string> placeholders_of(const std::string& label) {
  static const std::regex kPlaceholder(R"(\{(\w+)\})");
  return {std::sregex_token_iterator(label.begin(), label.end(), kPlaceholder, 1),
          std::sregex_token_iterator()};
}

TEST(PageLabels, AreTheSameInEveryLanguage) {
  const Json labels = read_json_file(kPage / "labels.json", ErrorCode::kInvalidData);
  EXPECT_THAT(keys_of(labels.at("zh")), ContainerEq(keys_of(labels.at("en"))));
  for (const auto& [key, label] : labels.at("en").items()) {
    EXPECT_THAT(placeholders_of(labels.at("zh").at(key)), IsSubsetOf(placeholders_of(label)))
        << key;
  }
}

TEST(PageLabels, HoldEveryLabelThatThePageAsksFor) {
  const std::set<std::string> known =
      keys_of(read_json_file(kPage / "labels.json", ErrorCode::kInvalidData).at("en"));
  static const std::regex kUse(R"re(\bt\("([^"]+)")re");
  std::set<std::string> used;
  for (const auto& entry : std::filesystem::directory_iterator(kPage)) {
    if (entry.path().extension() == ".js") {
      const std::string script = read_file(entry.path());
      used.insert(std::sregex_token_iterator(script.begin(), script.end(), kUse, 1),
                  std::sregex_token_iterator());
    }
  }
  EXPECT_GT(used.size(), 100U);
  EXPECT_THAT(used, IsSubsetOf(known));
}

}  // namespace
}  // namespace crudbench
