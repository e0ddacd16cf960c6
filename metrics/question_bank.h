#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "harness/core/json.h"
#include "metrics/quest_eval.h"

namespace crudbench {

/// What is wrong with a question bank, in entries unless stated otherwise.
struct BankHealth {
  std::size_t entries = 0;
  std::size_t empty = 0;                   ///< `{}`, or without questions.
  std::size_t without_answer = 0;          ///< Questions, but no gold answer at all.
  std::size_t unequal = 0;                 ///< Questions and gold answers differ in number.
  std::size_t unanswerable = 0;            ///< Every gold answer says that it cannot be told.
  std::size_t malformed = 0;               ///< Not of the form that the bank should have; left out.
  std::size_t questions = 0;               ///< In number.
  std::size_t unanswerable_questions = 0;  ///< Questions whose gold answer says so.

  /// Entries that `clean_quest_scores` can use.
  std::size_t usable() const noexcept {
    return entries - empty - malformed - unequal - unanswerable;
  }
};

/// The fields under their names, and "usable".
Json to_json(const BankHealth& health);

/// Questions by sample id, as upstream publishes them: an object `{ID: {"key_info": […],
/// "question": […], "answers": […]}}` (`src/quest_eval/*_quest_gt_save.json`). Never written to.
class QuestionBank {
 public:
  /// Throws Error(kIo) if the file cannot be read, Error(kInvalidData) if it is no JSON object.
  explicit QuestionBank(const std::filesystem::path& file);

  /// The questions of a sample, as they stand in the bank; nullptr if it has none.
  const QuestionSet* find(std::string_view sample_id) const;

  const BankHealth& health() const noexcept { return health_; }

 private:
  void add(const std::string& sample_id, const Json& entry);

  std::map<std::string, QuestionSet, std::less<>> sets_;
  BankHealth health_;
};

/// The bank of a task: `bank` itself if it is a file, else the file of upstream's name in the
/// folder
/// (`HalluModified_quest_gt_save.json`, …). An empty path if the folder has none for the task.
/// Throws Error(kIo) if `bank` is neither.
std::filesystem::path bank_file(const std::filesystem::path& bank, std::string_view task);

}  // namespace crudbench
