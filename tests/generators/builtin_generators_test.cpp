#include "harness/generators/builtin_generators.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

Catalog generators_only() {
  Catalog catalog;
  add_builtin_generators(catalog);
  return catalog;
}

/// The example, with the hash of a model's file that tests do not have.
Json example_of(const Registry<Generator, const GeneratorParts&>::Entry& entry) {
  Json example = entry.example;
  if (example.at("type") == "llama") {
    example["model_sha256"] = std::string(64, '0');
  }
  return example;
}

TEST(BuiltinGenerators, HaveAValidExampleAndASummary) {
  const Catalog catalog = generators_only();
  for (const auto& [name, entry] : catalog.generators.entries()) {
    EXPECT_FALSE(entry.summary.empty()) << name;
    EXPECT_EQ(entry.example.at("type"), name);
    EXPECT_NO_THROW(catalog.generators.resolve(example_of(entry), "example", "")) << name;
  }
}

TEST(BuiltinGenerators, ResolveToWhatResolvesToItself) {
  const Catalog catalog = generators_only();
  for (const auto& [name, entry] : catalog.generators.entries()) {
    const Json resolved = catalog.generators.resolve(example_of(entry), "example", "");
    EXPECT_EQ(catalog.generators.resolve(resolved, "example", ""), resolved) << name;
  }
}

TEST(BuiltinGenerators, SayWhichAnswersAreCostly) {
  const Catalog catalog = generators_only();
  for (const char* name : {"openai", "rag_endpoint", "exec"}) {
    EXPECT_TRUE(catalog.generators.entries().at(name).costly) << name;
  }
  EXPECT_FALSE(catalog.generators.entries().at("extractive").costly);
}

TEST(BuiltinGenerators, NameNeutralOptionsThatExist) {
  const Catalog catalog = generators_only();
  for (const auto& [name, entry] : catalog.generators.entries()) {
    const Json resolved = catalog.generators.resolve(example_of(entry), "example", "");
    for (const std::string& option : entry.neutral_options) {
      EXPECT_TRUE(resolved.contains(option)) << name << " " << option;
    }
  }
}

}  // namespace
}  // namespace crudbench
