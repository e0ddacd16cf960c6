#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "harness/core/json.h"
#include "harness/store/store.h"

namespace crudbench {

/// What a judge had to ask about the items of a run, and what it left open. The unit is the item,
/// with its first repeat that was examined, unless stated otherwise.
struct JudgeHealth {
  std::size_t items = 0;                                 ///< That were examined.
  std::map<std::size_t, std::size_t> by_question_count;  ///< Questions of an item → items.
  std::size_t questions = 0;                             ///< Over all items.
  std::size_t gold_answers_missing = 0;                  ///< Questions without a gold answer.
  std::size_t unanswerable = 0;                          ///< Gold answers that are 无法推断.
  std::size_t answers_missing = 0;  ///< Questions without a reply, over samples.
  Json bank;  ///< Of `BankHealth` with its "file", as it was read; null where there is none.

  std::size_t without_questions() const;
};

/// By the label of the judge's metric. Examinations that are not of the stored form count as empty.
std::map<std::string, JudgeHealth> read_judge_health(const Store& store, std::int64_t run_id);

/// {label: {the fields under their names, "without_questions"}}; `by_question_count` has texts as
/// keys.
Json judge_health_json(const std::map<std::string, JudgeHealth>& judges);

}  // namespace crudbench
