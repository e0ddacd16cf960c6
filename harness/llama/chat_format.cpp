#include "harness/llama/chat_format.h"

#include <algorithm>

#include "harness/core/error.h"
#include "harness/llama/templates.h"

namespace crudbench {

namespace {

void append(std::vector<Token>& tokens, const std::vector<Token>& more) {
  tokens.insert(tokens.end(), more.begin(), more.end());
}

}  // namespace

ChatFormat::ChatFormat(const LlamaModel& model, const ChatOptions& options) : model_(model) {
  if (options.chat_template != "none") {
    std::string text = options.chat_template;
    if (text == "model") {
      text = model.chat_template();
      if (text.empty()) {
        throw Error(
            ErrorCode::kInvalidConfig,
            "the model's file has no chat template: set \"chat_template\" to \"none\" for a "
            "model that only continues texts, or to a file with a template");
      }
    }
    // No text has these characters, which Unicode leaves to private use.
    constexpr std::string_view kUser = "\uE000user\uE001";
    const std::string rendered = render_chat(
        model, text, {.system = options.system, .user = std::string(kUser)}, options.thinking);
    const std::size_t place = rendered.find(kUser);
    if (place == std::string::npos || rendered.find(kUser, place + 1) != std::string::npos) {
      throw Error(ErrorCode::kInvalidConfig,
                  "the chat template cannot be used: it does not repeat the user's message once");
    }
    before_ = rendered.substr(0, place);
    after_ = rendered.substr(place + kUser.size());
  } else if (!options.system.empty()) {
    before_ = options.system + "\n\n";
  }
  before_tokens_ = model.tokenize(before_, true);
  // The begin token that some models want stands before the whole text only.
  after_tokens_ = model.tokenize(after_, true);
  const std::vector<Token> nothing = model.tokenize("", true);
  if (!nothing.empty() && after_tokens_.size() >= nothing.size() &&
      std::equal(nothing.begin(), nothing.end(), after_tokens_.begin())) {
    after_tokens_.erase(after_tokens_.begin(),
                        after_tokens_.begin() + static_cast<std::ptrdiff_t>(nothing.size()));
  }
}

std::vector<Token> ChatFormat::encode_user(std::string_view user_text) const {
  return model_.tokenize(user_text, false);
}

EncodedPrompt ChatFormat::encode(std::string_view user_text) const {
  const std::vector<Token> parsed = model_.tokenize(user_text, true);
  const std::size_t begin = model_.tokenize("", true).size();
  const bool names_control =
      std::any_of(parsed.begin() + static_cast<std::ptrdiff_t>(std::min(begin, parsed.size())),
                  parsed.end(), [this](Token token) { return model_.is_control(token); });
  if (!names_control) {  // As one text, the way models have been trained.
    return {.tokens = model_.tokenize(before_ + std::string(user_text) + after_, true)};
  }
  EncodedPrompt prompt{.tokens = before_tokens_};
  append(prompt.tokens, encode_user(user_text));
  append(prompt.tokens, after_tokens_);
  return prompt;
}

EncodedPrompt ChatFormat::encode_within(std::string_view user_text, std::size_t limit) const {
  EncodedPrompt whole = encode(user_text);
  const std::size_t frame = before_tokens_.size() + after_tokens_.size();
  if (whole.tokens.size() <= limit || frame >= limit) {
    return whole;
  }
  const std::vector<Token> user = encode_user(user_text);
  const std::size_t kept = std::min(limit - frame, user.size());
  const auto head = static_cast<std::ptrdiff_t>(kept - kept / 2);
  const auto tail = static_cast<std::ptrdiff_t>(kept / 2);
  EncodedPrompt prompt{.tokens = before_tokens_, .left_out = user.size() - kept};
  prompt.tokens.insert(prompt.tokens.end(), user.begin(), user.begin() + head);
  prompt.tokens.insert(prompt.tokens.end(), user.end() - tail, user.end());
  append(prompt.tokens, after_tokens_);
  return prompt;
}

}  // namespace crudbench
