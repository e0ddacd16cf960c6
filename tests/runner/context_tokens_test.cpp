#include "harness/runner/context_tokens.h"

#include "tests/support/testing.h"

namespace crudbench {
namespace {

const Json kLlama{{"type", "llama"}, {"model", "m.gguf"}};
const Json kOpenai{{"type", "openai"}, {"model", "m"}};

ContextOptions with_unit(const std::string& unit, const std::string& file = "") {
  ContextOptions options;
  options.unit = unit;
  options.vocabulary_file = file;
  return options;
}

TEST(ContextTokens, AreThoseOfALocalGeneratorUnlessTheConfigurationSaysOtherwise) {
  EXPECT_EQ(vocabulary_file_of(with_unit("auto"), kLlama), "m.gguf");
  EXPECT_EQ(vocabulary_file_of(with_unit("auto"), kOpenai), "");
  EXPECT_EQ(vocabulary_file_of(with_unit("cl100k"), kLlama), "");
  EXPECT_EQ(vocabulary_file_of(with_unit("model", "v.gguf"), kOpenai), "v.gguf");
  EXPECT_FALSE(ContextTokens().counter(with_unit("auto"), kOpenai));
}

TEST(ContextTokens, NameContextsByWhatDecides) {
  const auto essential = [](const Json& context, const Json& generator) {
    return essential_context(context, generator);
  };
  const Json plain{{"max_tokens", 100}, {"order", "rank"}};
  Json automatic = plain;
  automatic["unit"] = "auto";
  EXPECT_EQ(essential(automatic, kOpenai), plain);
  // A limit in a model's own tokens is another than one in cl100k's.
  EXPECT_NE(essential(automatic, kLlama), plain);
  automatic["max_tokens"] = 0;
  EXPECT_EQ(essential(automatic, kLlama), essential(automatic, kOpenai));
  const Json here{{"unit", "model"}, {"vocabulary_file", "here"}, {"vocabulary_sha256", "ab"}};
  Json there = here;
  there["vocabulary_file"] = "there";
  EXPECT_EQ(essential(here, kOpenai), essential(there, kOpenai));
  there["vocabulary_sha256"] = "cd";
  EXPECT_NE(essential(here, kOpenai), essential(there, kOpenai));
}

TEST(ContextTokens, WantAVocabularyForAModelsUnit) {
  const Json no_file{{"unit", "model"}};
  Options missing(no_file, "test.json", "/context");
  EXPECT_ERROR(read_context_options(missing), ErrorCode::kInvalidConfig,
               "/context/vocabulary_file");
  const Json unknown{{"unit", "tokens"}};
  Options wrong(unknown, "test.json", "/context");
  EXPECT_ERROR(read_context_options(wrong), ErrorCode::kInvalidConfig, "/context/unit");
}

}  // namespace
}  // namespace crudbench
