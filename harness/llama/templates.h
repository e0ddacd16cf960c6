#pragma once

#include <string>

#include "harness/core/json.h"
#include "harness/llama/model.h"

/// What llama.cpp's own support library does for us. A build without that library has the chat
/// templates that llama.cpp itself knows by heart and no grammars from schemas.
namespace crudbench {

struct ChatMessages {
  std::string system;  ///< Empty: none.
  std::string user;
};

/// The text that a chat template makes of a conversation in which the model is to speak next.
/// `template_text` is Jinja; it is told one fixed date, so that prompts are the same on every day,
/// and whether the model may think before it answers. Throws Error(kInvalidConfig) for a template
/// that cannot be used.
std::string render_chat(const LlamaModel& model, const std::string& template_text,
                        const ChatMessages& messages, bool thinking);

/// The GBNF grammar of the JSON texts that a JSON Schema allows. Throws Error(kInvalidConfig) for a
/// schema that is malformed or beyond what llama.cpp can turn into a grammar.
std::string grammar_of_schema(const Json& schema);

}  // namespace crudbench
