/// `templates.h` where llama.cpp came without its support library.
#include <array>
#include <llama.h>
#include <vector>

#include "harness/core/error.h"
#include "harness/llama/templates.h"

namespace crudbench {

std::string render_chat(const LlamaModel& /*model*/, const std::string& template_text,
                        const ChatMessages& messages, bool /*thinking*/) {
  std::vector<llama_chat_message> chat;
  if (!messages.system.empty()) {
    chat.push_back({"system", messages.system.c_str()});
  }
  chat.push_back({"user", messages.user.c_str()});
  std::string text(2 * (messages.system.size() + messages.user.size()) + 1024, '\0');
  const auto call = [&] {
    return llama_chat_apply_template(template_text.c_str(), chat.data(), chat.size(), true,
                                     text.data(), static_cast<std::int32_t>(text.size()));
  };
  std::int32_t size = call();
  if (size > static_cast<std::int32_t>(text.size())) {
    text.resize(static_cast<std::size_t>(size));
    size = call();
  }
  if (size < 0) {
    throw Error(ErrorCode::kInvalidConfig,
                "the chat template is none of those that llama.cpp knows without its support "
                "library (libllama-common), which this build lacks");
  }
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string grammar_of_schema(const Json& /*schema*/) {
  throw Error(ErrorCode::kInvalidConfig,
              "\"json_schema\" needs llama.cpp's support library (libllama-common), which this "
              "build lacks; \"grammar\" takes a GBNF grammar");
}

}  // namespace crudbench
