#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// What a kind of prompt may hold, and what it must hold to be of any use.
struct PlaceholderRules {
  std::vector<std::string> known;
  std::vector<std::string> required;
};

/// A prompt with placeholders like `{search_documents}`.
///
/// Written as Python's `str.format` reads it, so that upstream's files work unchanged: `{name}` is
/// a placeholder, `{{` and `}}` are braces; any other brace stands for itself. Filling is
/// single-pass: a brace inside a value is never a placeholder. Immutable; callable from any thread.
class PromptTemplate {
 public:
  /// `file` is for messages. Throws Error(kInvalidConfig) on a placeholder that is not known, with
  /// line and nearest known one, and on a template without a required one. The default rules are
  /// those of tasks: all their placeholders, and `{search_documents}` required, without which the
  /// retrieved documents would not reach the model.
  PromptTemplate(std::string_view text, const std::string& file);
  PromptTemplate(std::string_view text, const std::string& file, const PlaceholderRules& rules);

  /// Throws Error(kInvalidConfig) if a placeholder of the template has no value in `fields`.
  std::string fill(const Fields& fields) const;

  const std::string& sha256() const noexcept { return sha256_; }

 private:
  /// A literal text followed by a placeholder; the last piece may have none.
  struct Piece {
    std::string literal;
    std::string placeholder;
  };

  std::string file_;
  std::vector<Piece> pieces_;
  std::string sha256_;
};

/// The template of `task` in a prompt set: "default" is compiled in; anything else is a folder
/// with `<task>.txt` or upstream's file for the task (`summary.txt`, `continue_writing.txt`,
/// `hallu_mod.txt`, `quest_answer.txt`). Throws Error(kInvalidConfig) naming what was looked for.
PromptTemplate load_prompt_template(const std::string& prompt_set, std::string_view task);

/// The prompts of a judge: "quest_eval_gen" (`{news}`, `{json_response}`) asks for questions about
/// a text, "quest_eval_answer" (`{context}`, `{questions}`) for the answers that a text gives to
/// questions. Looked for as those of tasks; upstream's files have these names.
PromptTemplate load_judge_template(const std::string& prompt_set, std::string_view name);

}  // namespace crudbench
