#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/generators/generator.h"
#include "harness/tasks/prompt_template.h"
#include "metrics/quest_eval.h"

namespace crudbench {

/// A prediction to be examined. Views outlive the examination.
struct ExamTask {
  std::string sample_id;
  std::string task;
  std::string_view reference;
  std::string_view prediction;
  /// The questions of a bank; nullptr: the judge makes them from the reference.
  const QuestionSet* questions = nullptr;
};

/// Questions that judges made, by reference.
class QuestionCache {
 public:
  virtual ~QuestionCache() = default;
  virtual std::optional<QuestionSet> find(std::string_view reference) = 0;
  virtual void insert(std::string_view reference, const QuestionSet& questions) = 0;
};

/// The dialogue of RAGQuestEval with a judge. For each task: questions about the reference and the
/// gold answers (unless a bank or the cache has them), then the answers that the prediction gives.
/// A reply that cannot be read is asked for once more, with other words, so that no cache answers.
/// Many tasks are under way at a time, as many as the judge takes.
class Examiner final : private PromptSource, private ReplySink {
 public:
  /// Called once a task is done, on the thread of `examine`.
  using Done = std::function<void(std::size_t task, Examination examination)>;

  /// `prompt_set` as for `load_judge_template`. `questions` outlives the examiner. Throws
  /// Error(kInvalidConfig) for prompts that cannot be used.
  Examiner(const std::string& prompt_set, QuestionCache& questions);

  /// Returns when all tasks are done, or soon after `stop`. What `done` throws ends it.
  void examine(std::span<const ExamTask> tasks, Generator& judge, const Done& done,
               const std::stop_token& stop);

 private:
  enum class Step { kQuestions, kGoldAnswers, kAnswers };

  /// Where one task is.
  struct Dialogue {
    Step step = Step::kQuestions;
    bool is_second_try = false;
    Examination examination;
  };

  Status next(Prompt& prompt, std::chrono::milliseconds wait) override;
  void accept(std::size_t ticket, Reply reply) override;

  /// Sets the first step; true if nothing has to be asked.
  bool begin(std::size_t task);
  std::string prompt_text(std::size_t task) const;
  bool read_reply(std::size_t task, const std::string& text);
  void advance(std::size_t task);
  void finish(std::size_t task);

  PromptTemplate generation_prompt_;
  PromptTemplate answer_prompt_;
  QuestionCache& questions_;
  std::span<const ExamTask> tasks_;
  const Done* done_ = nullptr;
  std::vector<Dialogue> dialogues_;  // [task]
  std::size_t next_task_ = 0;        ///< The first that was not begun.
  std::deque<std::size_t> ready_;    ///< Tasks whose next prompt can be sent.
  std::size_t waiting_ = 0;          ///< Tasks whose prompt was sent.
};

}  // namespace crudbench
