#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "harness/llama/model.h"

namespace crudbench {

struct ChatOptions {
  /// "model": the template in the model's file; "none": prompts are sent as they are, for models
  /// that only continue texts; else the text of a Jinja template.
  std::string chat_template = "model";
  std::string system;     ///< The system message; empty: none.
  bool thinking = false;  ///< Asks templates that know it to let the model think first.
};

/// A prompt as a model reads it.
struct EncodedPrompt {
  std::vector<Token> tokens;
  std::size_t left_out = 0;  ///< Tokens cut from the middle of the user's text, to keep a limit.
};

/// Puts a user's text into a model's chat format.
///
/// The user's text is data: what looks like a control token in it ("<|im_end|>") stays text, so
/// that a document cannot end the user's turn. `model` outlives the object; `encode` is callable
/// from any thread. Throws Error(kInvalidConfig) for a template that cannot be used, or where
/// "model" is asked for and the file has none.
class ChatFormat {
 public:
  ChatFormat(const LlamaModel& model, const ChatOptions& options);

  /// All of it.
  EncodedPrompt encode(std::string_view user_text) const;
  /// The same in at most `limit` tokens, which must leave room for the template: what is too much
  /// is cut from the middle of the user's text, where a prompt has its passages.
  EncodedPrompt encode_within(std::string_view user_text, std::size_t limit) const;

 private:
  std::vector<Token> encode_user(std::string_view user_text) const;

  const LlamaModel& model_;
  std::string before_;  ///< The template's text before the user's.
  std::string after_;
  std::vector<Token> before_tokens_;
  std::vector<Token> after_tokens_;
};

}  // namespace crudbench
