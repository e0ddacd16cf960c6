#include "harness/tasks/prompt_template.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/core/json.h"
#include "harness/core/suggest.h"

namespace crudbench {

// Compiled in from configs/prompts/default.
std::string_view prompt_event_summary();
std::string_view prompt_continuing_writing();
std::string_view prompt_hallu_modified();
std::string_view prompt_quest_answer();
std::string_view prompt_quest_eval_gen();
std::string_view prompt_quest_eval_answer();

namespace {

/// A task's template: compiled in, and upstream's name for the file.
struct PromptFile {
  std::string_view task;
  std::string_view (*embedded)();
  std::string_view upstream_name;
};

constexpr std::array<PromptFile, 6> kPromptFiles{{
    {"event_summary", prompt_event_summary, "summary.txt"},
    {"continuing_writing", prompt_continuing_writing, "continue_writing.txt"},
    {"hallu_modified", prompt_hallu_modified, "hallu_mod.txt"},
    {"questanswer_1doc", prompt_quest_answer, "quest_answer.txt"},
    {"questanswer_2docs", prompt_quest_answer, "quest_answer.txt"},
    {"questanswer_3docs", prompt_quest_answer, "quest_answer.txt"},
}};

const PlaceholderRules& task_rules() {
  static const PlaceholderRules rules{.known = {"search_documents", "event", "beginning_text",
                                                "begin", "hallu_continue", "question"},
                                      .required = {"search_documents"}};
  return rules;
}

/// The text of a prompt: compiled in, or the first of the files that the folder has.
std::pair<std::string, std::string> find_prompt(const std::string& prompt_set,
                                                std::string_view name,
                                                std::string_view (*embedded)(),
                                                std::initializer_list<std::string> files) {
  if (prompt_set == "default") {
    return {std::string(embedded()), "prompt set 'default', " + std::string(name)};
  }
  std::string looked_for;
  for (const std::string& file : files) {
    const std::filesystem::path path = std::filesystem::path(prompt_set) / file;
    if (std::filesystem::is_regular_file(path)) {
      return {read_file(path), path.string()};
    }
    looked_for += (looked_for.empty() ? "" : " or ") + file;
  }
  throw Error(ErrorCode::kInvalidConfig,
              "prompts '" + prompt_set + "': expected 'default' or a folder with " + looked_for);
}

bool is_name_character(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '_';
}

/// The placeholder's name if one starts at `offset` (a brace), else an empty view.
std::string_view placeholder_at(std::string_view text, std::size_t offset) {
  std::size_t end = offset + 1;
  while (end < text.size() && is_name_character(text[end])) {
    ++end;
  }
  const bool closed = end < text.size() && text[end] == '}';
  return closed ? text.substr(offset + 1, end - offset - 1) : std::string_view();
}

}  // namespace

PromptTemplate::PromptTemplate(std::string_view text, const std::string& file)
    : PromptTemplate(text, file, task_rules()) {}

PromptTemplate::PromptTemplate(std::string_view text, const std::string& file,
                               const PlaceholderRules& rules)
    : file_(file), sha256_(sha256_hex(text)) {
  Piece piece;
  for (std::size_t i = 0; i < text.size();) {
    const bool doubled = i + 1 < text.size() && text[i + 1] == text[i];
    if ((text[i] == '{' || text[i] == '}') && doubled) {
      piece.literal += text[i];
      i += 2;
      continue;
    }
    const std::string_view name = text[i] == '{' ? placeholder_at(text, i) : std::string_view();
    if (name.empty()) {
      piece.literal += text[i];
      ++i;
      continue;
    }
    const auto& known = rules.known;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw Error(ErrorCode::kInvalidConfig,
                  file_ + ":" + std::to_string(position_of(text, i).line) +
                      ": unknown placeholder {" + std::string(name) + "}" +
                      suggestion(name, known) + " (write {{ for a brace)");
    }
    piece.placeholder = name;
    pieces_.push_back(std::move(piece));
    piece = Piece();
    i += name.size() + 2;
  }
  pieces_.push_back(std::move(piece));
  for (const std::string& required : rules.required) {
    const bool is_there = std::any_of(pieces_.begin(), pieces_.end(), [&](const Piece& each) {
      return each.placeholder == required;
    });
    if (!is_there) {
      throw Error(ErrorCode::kInvalidConfig, file_ + ": the prompt has no {" + required +
                                                 "}: what it stands for would not reach the "
                                                 "generator");
    }
  }
}

std::string PromptTemplate::fill(const Fields& fields) const {
  std::string text;
  for (const Piece& piece : pieces_) {
    text += piece.literal;
    if (piece.placeholder.empty()) {
      continue;
    }
    const auto value = fields.find(piece.placeholder);
    if (value == fields.end()) {
      throw Error(ErrorCode::kInvalidConfig,
                  file_ + ": placeholder {" + piece.placeholder + "} does not belong to this task");
    }
    text += value->second;
  }
  return text;
}

PromptTemplate load_prompt_template(const std::string& prompt_set, std::string_view task) {
  const auto* const file =
      std::find_if(kPromptFiles.begin(), kPromptFiles.end(),
                   [task](const PromptFile& candidate) { return candidate.task == task; });
  if (file == kPromptFiles.end()) {
    throw std::logic_error("no prompt is known for task " + std::string(task));
  }
  const auto [text, place] =
      find_prompt(prompt_set, task, file->embedded,
                  {std::string(task) + ".txt", std::string(file->upstream_name)});
  return {text, place};
}

PromptTemplate load_judge_template(const std::string& prompt_set, std::string_view name) {
  const bool generates = name == "quest_eval_gen";
  const auto [text, place] =
      find_prompt(prompt_set, name, generates ? prompt_quest_eval_gen : prompt_quest_eval_answer,
                  {std::string(name) + ".txt"});
  return generates ? PromptTemplate(text, place,
                                    {.known = {"news", "json_response"}, .required = {"news"}})
                   : PromptTemplate(
                         text, place,
                         {.known = {"context", "questions"}, .required = {"context", "questions"}});
}

}  // namespace crudbench
