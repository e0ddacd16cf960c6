#include "harness/runner/context_tokens.h"

#include "harness/llama/model.h"

namespace crudbench {

std::string vocabulary_file_of(const ContextOptions& options, const Json& generator) {
  if (options.unit == "model") {
    return options.vocabulary_file;
  }
  const bool is_local = options.unit == "auto" && generator.value("type", "") == "llama";
  return is_local ? generator.at("model").get<std::string>() : std::string();
}

ContextTokens::ContextTokens() = default;
ContextTokens::~ContextTokens() = default;

CountTokens ContextTokens::counter(const ContextOptions& options, const Json& generator) {
  const std::string file = vocabulary_file_of(options, generator);
  if (file.empty()) {
    return {};
  }
  std::unique_ptr<const LlamaModel>& vocabulary = vocabularies_[file];
  if (!vocabulary) {
    vocabulary = std::make_unique<LlamaModel>(ModelOptions{.file = file, .vocabulary_only = true});
  }
  return [model = vocabulary.get()](std::string_view text) {
    return model->tokenize(text, false).size();
  };
}

Json essential_context(const Json& context, const Json& generator) {
  Json essential = context;
  essential.erase("vocabulary_file");
  if (essential.value("unit", "auto") != "auto") {
    return essential;
  }
  essential.erase("unit");
  const bool is_limited = essential.value("max_tokens", std::int64_t{0}) != 0;
  if (is_limited && generator.value("type", "") == "llama") {
    essential["unit"] = "generator";
  }
  return essential;
}

}  // namespace crudbench
