#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading what a judge says. Its replies are foreign text: anything may stand in them.
namespace crudbench {

/// Failure classes of an examination.
inline constexpr std::string_view kJudgeUnparsable = "judge_unparsable";
inline constexpr std::string_view kJudgeRefusal = "judge_refusal";
inline constexpr std::string_view kQuestionsUnparsable = "questions_unparsable";

/// Longer replies are not looked at.
inline constexpr std::size_t kMaxJudgeReplyBytes = 1 << 20;

/// The answers to `count` (>= 1) questions in the order of the questions, without white space
/// around them. Understood, whatever stands before and after:
/// - a JSON list of strings or numbers, or of objects with "answer"; an object with such a list
///   under "answers" or "answer"; an object whose keys are the numbers 1 … count;
/// - pairs of `<response>` and `</response>`, as upstream's prompt asks for;
/// - numbered lines ("1. …", "2、…", "（3）…", "答案4：…"), each up to the next;
/// - as many short lines as questions, and nothing else; no refusal.
/// nullopt if none of them gives exactly `count` answers.
std::optional<std::vector<std::string>> parse_answers(std::string_view reply, std::size_t count);

/// What stands between pairs of `<response>` and `</response>`, without white space around it.
std::vector<std::string> tagged_answers(std::string_view reply);

/// The questions of a reply to "quest_eval_gen": the list of strings under "question" or
/// "questions" of the JSON object in it. nullopt if there is none or it is empty. Empty questions
/// are left out.
std::optional<std::vector<std::string>> parse_questions(std::string_view reply);

}  // namespace crudbench
