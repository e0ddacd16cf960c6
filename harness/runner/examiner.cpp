#include "harness/runner/examiner.h"

#include <algorithm>
#include <utility>

#include "harness/core/json.h"
#include "metrics/judge_reply.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

/// What `{json_response}` stands for: the form that questions are asked for in.
constexpr std::string_view kQuestionsExample =
    R"({"key_info": ["18公里", "23时", "2元"], "question": ["云栖市夜间公交环线全长多少？", )"
    R"("云栖市夜间公交环线每晚几点发车？", "云栖市夜间公交环线的票价是多少？"]})";

/// Makes the second request another prompt.
constexpr std::string_view kSecondTry =
    "\n\n上一次的回复无法读取。请严格按照上面要求的格式和个数回复，不要输出其他内容。";

}  // namespace

Examiner::Examiner(const std::string& prompt_set, QuestionCache& questions)
    : generation_prompt_(load_judge_template(prompt_set, "quest_eval_gen")),
      answer_prompt_(load_judge_template(prompt_set, "quest_eval_answer")),
      questions_(questions) {}

void Examiner::examine(std::span<const ExamTask> tasks, Generator& judge, const Done& done,
                       const std::stop_token& stop) {
  tasks_ = tasks;
  done_ = &done;
  dialogues_.assign(tasks.size(), Dialogue());
  next_task_ = 0;
  ready_.clear();
  waiting_ = 0;
  judge.generate(*this, *this, stop);
}

PromptSource::Status Examiner::next(Prompt& prompt, std::chrono::milliseconds /*wait*/) {
  while (ready_.empty() && next_task_ < tasks_.size()) {
    const std::size_t task = next_task_++;
    if (begin(task)) {
      finish(task);
    } else {
      ready_.push_back(task);
    }
  }
  if (ready_.empty()) {
    return waiting_ == 0 ? Status::kEnd : Status::kPending;
  }
  const std::size_t task = ready_.front();
  ready_.pop_front();
  ++waiting_;
  prompt = {.ticket = task,
            .sample_id = tasks_[task].sample_id,
            .task = tasks_[task].task,
            .text = prompt_text(task)};
  return Status::kPrompt;
}

bool Examiner::begin(std::size_t task) {
  Dialogue& dialogue = dialogues_[task];
  if (tasks_[task].questions != nullptr) {
    dialogue.examination.set = *tasks_[task].questions;
  } else if (auto known = questions_.find(tasks_[task].reference)) {
    dialogue.examination.set = std::move(*known);
  } else {
    dialogue.step = Step::kQuestions;
    return false;
  }
  dialogue.step = Step::kAnswers;
  return dialogue.examination.set.questions.empty();
}

std::string Examiner::prompt_text(std::size_t task) const {
  const Dialogue& dialogue = dialogues_[task];
  std::string text;
  if (dialogue.step == Step::kQuestions) {
    text = generation_prompt_.fill({{"news", std::string(tasks_[task].reference)},
                                    {"json_response", std::string(kQuestionsExample)}});
  } else {
    const std::string_view context =
        dialogue.step == Step::kGoldAnswers ? tasks_[task].reference : tasks_[task].prediction;
    text = answer_prompt_.fill({{"context", std::string(context)},
                                {"questions", to_text(Json(dialogue.examination.set.questions))}});
  }
  return dialogue.is_second_try ? text + std::string(kSecondTry) : text;
}

void Examiner::accept(std::size_t ticket, Reply reply) {
  --waiting_;
  Dialogue& dialogue = dialogues_[ticket];
  Examination& examination = dialogue.examination;
  if (reply.failure) {
    examination.failure_class = "judge_" + reply.failure->failure_class;
    finish(ticket);
    return;
  }
  if (read_reply(ticket, reply.text)) {
    examination.failure_class.clear();
    advance(ticket);
    return;
  }
  const bool is_refused = is_refusal(reply.text);
  examination.refused = examination.refused || is_refused;
  examination.failure_class = is_refused                          ? kJudgeRefusal
                              : dialogue.step == Step::kQuestions ? kQuestionsUnparsable
                                                                  : kJudgeUnparsable;
  if (dialogue.is_second_try) {
    if (dialogue.step == Step::kAnswers) {
      examination.answers = tagged_answers(reply.text);  // What upstream would go by.
    }
    finish(ticket);
    return;
  }
  dialogue.is_second_try = true;
  ready_.push_back(ticket);
}

bool Examiner::read_reply(std::size_t task, const std::string& text) {
  Dialogue& dialogue = dialogues_[task];
  Examination& examination = dialogue.examination;
  QuestionSet& set = examination.set;
  if (dialogue.step == Step::kQuestions) {
    auto questions = parse_questions(text);
    set.questions = std::move(questions).value_or(std::vector<std::string>());
    return !set.questions.empty();
  }
  auto answers = parse_answers(text, set.questions.size());
  if (!answers) {
    return false;
  }
  if (dialogue.step == Step::kGoldAnswers) {
    set.gold_answers = std::move(*answers);
  } else {
    examination.answers = std::move(*answers);
    examination.parsed_at_once = !dialogue.is_second_try;
  }
  return true;
}

void Examiner::advance(std::size_t task) {
  Dialogue& dialogue = dialogues_[task];
  dialogue.is_second_try = false;
  switch (dialogue.step) {
    case Step::kQuestions:
      dialogue.step = Step::kGoldAnswers;
      ready_.push_back(task);
      break;
    case Step::kGoldAnswers:
      questions_.insert(tasks_[task].reference, dialogue.examination.set);
      dialogue.step = Step::kAnswers;
      ready_.push_back(task);
      break;
    case Step::kAnswers:
      finish(task);
      break;
  }
}

void Examiner::finish(std::size_t task) {
  (*done_)(task, std::move(dialogues_[task].examination));
}

}  // namespace crudbench
