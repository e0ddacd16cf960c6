#include "reports/judge_health.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "metrics/quest_eval.h"

namespace crudbench {

namespace {

/// The list under `key`; an empty one if there is none.
Json list_at(const Json& examination, const char* key) {
  const Json list =
      examination.is_object() && examination.contains(key) ? examination[key] : Json();
  return list.is_array() ? list : Json::array();
}

std::size_t lacking(std::size_t wanted, std::size_t there) {
  return wanted - std::min(wanted, there);
}

class JudgeTally {
 public:
  void add(const ItemRecord& item, const SampleRecord& sample) {
    for (const auto& [label, examination] : sample.examinations.items()) {
      JudgeHealth& health = judges_[label];
      const std::size_t questions = list_at(examination, "questions").size();
      // A judge that failed has said why; what is counted here are replies that were too short.
      const bool failed = examination.is_object() && examination.value("failure", Json("")) != "";
      if (!failed) {
        health.answers_missing += lacking(questions, list_at(examination, "answers").size());
      }
      const auto [seen, is_first] = last_items_.try_emplace(label, item.item_id);
      if (is_first || seen->second != item.item_id) {
        seen->second = item.item_id;
        add_questions(health, questions, list_at(examination, "gold_answers"));
      }
    }
  }

  std::map<std::string, JudgeHealth> take() && { return std::move(judges_); }

 private:
  static void add_questions(JudgeHealth& health, std::size_t questions, const Json& gold_answers) {
    ++health.items;
    ++health.by_question_count[questions];
    health.questions += questions;
    health.gold_answers_missing += lacking(questions, gold_answers.size());
    health.unanswerable += static_cast<std::size_t>(
        std::count(gold_answers.begin(), gold_answers.end(), Json(std::string(kUnanswerable))));
  }

  std::map<std::string, JudgeHealth> judges_;
  std::map<std::string, std::int64_t> last_items_;  ///< By label.
};

}  // namespace

std::size_t JudgeHealth::without_questions() const {
  const auto found = by_question_count.find(0);
  return found != by_question_count.end() ? found->second : 0;
}

std::map<std::string, JudgeHealth> read_judge_health(const Store& store, std::int64_t run_id) {
  JudgeTally tally;
  store.visit_samples(
      run_id,
      [&](const ItemRecord& item, SampleRecord&& sample) {
        if (sample.examinations.is_object()) {
          tally.add(item, sample);
        }
      },
      SampleDetail::kExaminations);
  std::map<std::string, JudgeHealth> judges = std::move(tally).take();
  for (auto& [label, bank] : store.banks(run_id)) {
    judges[label].bank = std::move(bank);
  }
  return judges;
}

Json judge_health_json(const std::map<std::string, JudgeHealth>& judges) {
  Json object = Json::object();
  for (const auto& [label, health] : judges) {
    Json by_question_count = Json::object();
    for (const auto& [count, items] : health.by_question_count) {
      by_question_count[std::to_string(count)] = items;
    }
    object[label] = {{"items", health.items},
                     {"by_question_count", std::move(by_question_count)},
                     {"without_questions", health.without_questions()},
                     {"questions", health.questions},
                     {"gold_answers_missing", health.gold_answers_missing},
                     {"unanswerable", health.unanswerable},
                     {"answers_missing", health.answers_missing},
                     {"bank", health.bank}};
  }
  return object;
}

}  // namespace crudbench
