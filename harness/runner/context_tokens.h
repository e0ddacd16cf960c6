#pragma once

#include <map>
#include <memory>
#include <string>

#include "harness/core/json.h"
#include "harness/runner/context_builder.h"

namespace crudbench {

class LlamaModel;

/// The file whose vocabulary a context's tokens are counted with, "" for cl100k: that of "unit":
/// "model" or, with "auto", a local generator's own.
std::string vocabulary_file_of(const ContextOptions& options, const Json& generator);

/// What counts the tokens of contexts. Keeps vocabularies loaded; what `counter` returns is valid
/// for the object's life.
class ContextTokens {
 public:
  ContextTokens();
  ~ContextTokens();

  /// For the contexts of a resolved generator. Throws what `LlamaModel` throws.
  CountTokens counter(const ContextOptions& options, const Json& generator);

 private:
  std::map<std::string, std::unique_ptr<const LlamaModel>> vocabularies_;  // by file
};

/// What of a context's options decides which prompts come out, for fingerprints: no path, and
/// nothing that says what goes without saying.
Json essential_context(const Json& context, const Json& generator);

}  // namespace crudbench
