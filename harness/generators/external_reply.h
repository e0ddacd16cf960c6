#pragma once

#include <optional>
#include <vector>

#include "harness/core/json.h"
#include "harness/generators/generator.h"

namespace crudbench {

/// Passages as a foreign system returns them: a list of texts, or of objects with the text under
/// `text_key` and the document's name under `id_key`, one of which may be absent. nullopt for
/// anything else.
std::optional<std::vector<ExternalContext>> read_external_contexts(const Json& list,
                                                                   const char* text_key,
                                                                   const char* id_key);

/// Token counts as OpenAI's interface reports them ("prompt_tokens", "completion_tokens",
/// "prompt_tokens_details"); DeepSeek's names for cached ones too. What is no count is unknown.
Usage read_usage(const Json& usage);

}  // namespace crudbench
