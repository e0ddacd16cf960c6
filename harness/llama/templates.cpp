#include "harness/llama/templates.h"

#include <chat.h>
#include <chrono>
#include <json-schema-to-grammar.h>

#include "harness/core/error.h"

namespace crudbench {

std::string render_chat(const LlamaModel& model, const std::string& template_text,
                        const ChatMessages& messages, bool thinking) {
  constexpr std::chrono::seconds kFixedDate{1'735'689'600};  // 2025-01-01, as good as any.
  try {
    const common_chat_templates_ptr templates =
        common_chat_templates_init(model.handle(), template_text);
    common_chat_templates_inputs inputs;
    inputs.enable_thinking = thinking;
    inputs.now = std::chrono::system_clock::time_point(kFixedDate);
    const auto add = [&inputs](const char* role, const std::string& content) {
      common_chat_msg message;
      message.role = role;
      message.content = content;
      inputs.messages.push_back(std::move(message));
    };
    if (!messages.system.empty()) {
      add("system", messages.system);
    }
    add("user", messages.user);
    return common_chat_templates_apply(templates.get(), inputs).prompt;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kInvalidConfig,
                std::string("the chat template cannot be used: ") + error.what());
  }
}

std::string grammar_of_schema(const Json& schema) {
  try {
    return json_schema_to_grammar(common_json::parse(to_text(schema)), /*force_gbnf=*/true);
  } catch (const std::exception& error) {
    throw Error(ErrorCode::kInvalidConfig,
                std::string("the JSON Schema cannot be turned into a grammar: ") + error.what());
  }
}

}  // namespace crudbench
