#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/json.h"

/// RAGQuestEval: does a text answer the questions that its reference answers? (CRUD-RAG, arXiv
/// 2401.17043, section 4.4; upstream's src/metric/quest_eval.py.)
namespace crudbench {

/// What upstream's judge says where a text does not answer a question.
inline constexpr std::string_view kUnanswerable = "无法推断";

/// Questions about a reference and the answers that the reference gives. In foreign banks the two
/// lists may differ in length.
struct QuestionSet {
  std::vector<std::string> questions;
  std::vector<std::string> gold_answers;

  friend bool operator==(const QuestionSet&, const QuestionSet&) = default;
};

/// What a judge made of one prediction.
struct Examination {
  QuestionSet set;
  /// By question; fewer or more than questions only if `failure_class` says so.
  std::vector<std::string> answers;
  /// Why there are no answers to go by: "judge_unparsable", "judge_refusal", "judge_timeout" (any
  /// failure class of generators, behind "judge_"), "questions_unparsable", …; empty if there are.
  std::string failure_class;
  bool parsed_at_once = false;  ///< The first reply could be read; false also if none came.
  bool refused = false;         ///< A reply was a refusal.

  friend bool operator==(const Examination&, const Examination&) = default;
};

Json to_json(const Examination& examination);
/// The inverse; nullopt for anything that `to_json` does not write.
std::optional<Examination> examination_from(const Json& value);

/// Upstream's two numbers.
struct QuestScores {
  double f1 = 0.0;      ///< QA_avg_F1: mean token F1 over the questions that were answered.
  double recall = 0.0;  ///< QA_recall: share of the questions that were answered.
  /// False where upstream raises inside and then leaves the sample out of its means.
  bool is_counted = true;
};

/// Upstream's `quest_eval`, rule by rule: questions whose gold answer is exactly 无法推断 are left
/// out; of the rest, those whose answer is exactly 无法推断 are unanswered; F1 is over `jieba.cut`
/// of both answers (1 for two empty ones). Both numbers are 0 where nothing is left, and where
/// there are fewer answers than needed, which is a fault (IndexError) that upstream does not count.
QuestScores upstream_quest_scores(std::span<const std::string> gold_answers,
                                  std::span<const std::string> answers);

/// The same idea without the faults.
struct CleanQuestScores {
  std::size_t asked = 0;     ///< Questions whose gold answer says something.
  std::size_t answered = 0;  ///< Of these, those that the text answers.
  double recall = 0.0;       ///< answered / asked.
  std::optional<double> f1;  ///< Mean F1 over the answered ones; nullopt if there are none.
  double overall = 0.0;      ///< Mean F1 over all that were asked, 0 for an unanswered one.
};

/// Left out: questions that are empty or whose gold answer is empty or says that it cannot be told
/// (`is_unanswerable`). An answer that is empty or says so counts as unanswered, whatever its
/// wording. F1 compares the words that carry meaning, so punctuation and white space neither help
/// nor hurt. nullopt if nothing is left, or if questions and gold answers differ in number, for
/// then nobody knows which belongs to which. `answers` has one a question.
std::optional<CleanQuestScores> clean_quest_scores(const QuestionSet& set,
                                                   std::span<const std::string> answers);

/// 无法推断 and its kin (无法确定, 文中未提及, 不知道, …) with whatever punctuation around; also a
/// text without any word.
bool is_unanswerable(std::string_view answer);

}  // namespace crudbench
