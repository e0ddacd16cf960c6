#include "harness/runner/config_file.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

Json complete(const std::filesystem::path& file, const std::vector<std::string>& overrides = {}) {
  return complete_config(read_json_file(file, ErrorCode::kInvalidConfig), file.string(),
                         file.parent_path(), overrides);
}

TEST(CompleteConfig, MergesABaseKeyByKey) {
  const TemporaryFolder folder;
  folder.write("base.json",
               R"({"chunker": {"type": "fixed", "size": 64}, "metrics": ["bleu", "rouge"],
                   "repeats": 3})");
  const auto file =
      folder.write("c.json", R"({"base": "base.json", "chunker": {"size": 128}, "metrics": ["chrf"],
                    "repeats": null})");
  EXPECT_EQ(complete(file), Json::parse(R"({"chunker": {"type": "fixed", "size": 128},
                                           "metrics": ["chrf"]})"));
}

TEST(CompleteConfig, LetsLaterBasesWinAndBasesHaveBases) {
  const TemporaryFolder folder;
  folder.write("root.json", R"({"index": {"type": "flat"}, "repeats": 1})");
  folder.write("first.json", R"({"base": "root.json", "repeats": 2})");
  folder.write("second.json", R"({"repeats": 3})");
  const auto file = folder.write("c.json", R"({"base": ["first.json", "second.json"]})");
  EXPECT_EQ(complete(file), Json::parse(R"({"index": {"type": "flat"}, "repeats": 3})"));
}

TEST(CompleteConfig, StartsPathsAtTheFileThatSaysThem) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "common");
  folder.write("common/base.json", R"({"dataset": {"samples": "s.json", "corpus": "docs"}})");
  const auto file =
      folder.write("c.json", R"({"base": "common/base.json", "dataset": {"corpus": "mine"},
                    "variants": [{"label": "a", "prompts": "texts"}],
                    "exclude": [{"/prompts": "texts"}]})");
  const Json config = complete(file);
  EXPECT_EQ(config["dataset"]["samples"], (folder.path() / "common/s.json").string());
  EXPECT_EQ(config["dataset"]["corpus"], (folder.path() / "mine").string());
  EXPECT_EQ(config["variants"][0]["prompts"], (folder.path() / "texts").string());
  EXPECT_EQ(config["exclude"][0]["/prompts"], (folder.path() / "texts").string());
}

TEST(CompleteConfig, AppliesOverridesLast) {
  const TemporaryFolder folder;
  folder.write("base.json", R"({"repeats": 2})");
  const auto file = folder.write("c.json", R"({"base": "base.json"})");
  EXPECT_EQ(complete(file, {"/repeats=5"})["repeats"], 5);
}

TEST(CompleteConfig, RefusesAFileThatExtendsItself) {
  const TemporaryFolder folder;
  folder.write("b.json", R"({"base": "c.json"})");
  const auto file = folder.write("c.json", R"({"base": "b.json"})");
  EXPECT_ERROR(complete(file), ErrorCode::kInvalidConfig, "c.json' extends itself");
}

TEST(CompleteConfig, LetsTwoBasesShareOne) {
  const TemporaryFolder folder;
  folder.write("root.json", R"({"repeats": 2})");
  folder.write("a.json", R"({"base": "root.json"})");
  folder.write("b.json", R"({"base": "root.json"})");
  const auto file = folder.write("c.json", R"({"base": ["a.json", "b.json"]})");
  EXPECT_EQ(complete(file)["repeats"], 2);
}

TEST(CompleteConfig, NamesTheBaseThatCannotBeUsed) {
  const TemporaryFolder folder;
  EXPECT_ERROR(complete(folder.write("c.json", R"({"base": "none.json"})")), ErrorCode::kIo,
               "none.json");
  folder.write("bad.json", "{");
  EXPECT_ERROR(complete(folder.write("d.json", R"({"base": "bad.json"})")),
               ErrorCode::kInvalidConfig, "bad.json:1:2");
  folder.write("list.json", "[]");
  EXPECT_ERROR(complete(folder.write("e.json", R"({"base": "list.json"})")),
               ErrorCode::kInvalidConfig, "list.json: /: expected an object");
  EXPECT_ERROR(complete(folder.write("f.json", R"({"base": 3})")), ErrorCode::kInvalidConfig,
               "f.json: /base: expected the path");
}

}  // namespace
}  // namespace crudbench
