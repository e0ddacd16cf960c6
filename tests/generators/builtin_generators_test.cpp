#include "harness/generators/builtin_generators.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

Catalog generators_only() {
  Catalog catalog;
  add_builtin_generators(catalog);
  return catalog;
}

TEST(BuiltinGenerators, HaveAValidExampleAndASummary) {
  const Catalog catalog = generators_only();
  for (const auto& [name, entry] : catalog.generators.entries()) {
    EXPECT_FALSE(entry.summary.empty()) << name;
    EXPECT_EQ(entry.example.at("type"), name);
    EXPECT_NO_THROW(catalog.generators.resolve(entry.example, "example", "")) << name;
  }
}

TEST(BuiltinGenerators, ResolveToWhatResolvesToItself) {
  const Catalog catalog = generators_only();
  for (const auto& [name, entry] : catalog.generators.entries()) {
    const Json resolved = catalog.generators.resolve(entry.example, "example", "");
    EXPECT_EQ(catalog.generators.resolve(resolved, "example", ""), resolved) << name;
  }
}

TEST(BuiltinGenerators, SayWhichAnswersAreCostly) {
  const Catalog catalog = generators_only();
  EXPECT_TRUE(catalog.generators.entries().at("openai").costly);
  EXPECT_FALSE(catalog.generators.entries().at("extractive").costly);
}

TEST(BuiltinGenerators, NameNeutralOptionsThatExist) {
  const Catalog catalog = generators_only();
  for (const auto& [name, entry] : catalog.generators.entries()) {
    const Json resolved = catalog.generators.resolve(entry.example, "example", "");
    for (const std::string& option : entry.neutral_options) {
      EXPECT_TRUE(resolved.contains(option)) << name << " " << option;
    }
  }
}

}  // namespace
}  // namespace crudbench
