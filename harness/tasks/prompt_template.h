#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/core/types.h"

namespace crudbench {

/// A prompt with placeholders like `{search_documents}`.
///
/// Written as Python's `str.format` reads it, so that upstream's files work unchanged: `{name}` is
/// a placeholder, `{{` and `}}` are braces; any other brace stands for itself. Filling is
/// single-pass: a brace inside a value is never a placeholder. Immutable; callable from any thread.
class PromptTemplate {
 public:
  /// `file` is for messages. Throws Error(kInvalidConfig) on a placeholder that no task has, with
  /// line and nearest known one, and on a template without `{search_documents}`, which would hide
  /// the retrieved documents from the model.
  PromptTemplate(std::string_view text, const std::string& file);

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

}  // namespace crudbench
