#include "harness/runner/judging.h"

#include <chrono>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "harness/core/fingerprint.h"
#include "harness/core/log.h"
#include "harness/runner/examiner.h"
#include "harness/runner/scorer.h"
#include "metrics/question_bank.h"

namespace crudbench {

namespace {

constexpr std::size_t kWriteBatch = 64;
constexpr std::chrono::milliseconds kWriteInterval{1000};

/// The questions of judges in the workspace: one judge with one set of prompts makes those of a
/// reference once.
class StoredQuestions final : public QuestionCache {
 public:
  StoredQuestions(Store& store, std::string label) : store_(store), label_(std::move(label)) {}

  std::optional<QuestionSet> find(std::string_view reference) override {
    const auto stored = store_.find_questions(key_of(reference));
    if (!stored) {
      return std::nullopt;
    }
    return QuestionSet{.questions = stored->at("question").get<std::vector<std::string>>(),
                       .gold_answers = stored->at("answers").get<std::vector<std::string>>()};
  }

  void insert(std::string_view reference, const QuestionSet& questions) override {
    store_.put_questions(key_of(reference),
                         {{"question", questions.questions}, {"answers", questions.gold_answers}});
  }

 private:
  std::string key_of(std::string_view reference) const {
    return FingerprintBuilder("questions", 1).add(label_).add(reference).hex_digest();
  }

  Store& store_;
  std::string label_;
};

/// A finished sample and its reference.
struct JudgedSample {
  SampleRecord record;
  std::string reference;
};

class Judging {
 public:
  explicit Judging(const JudgingParts& parts)
      : parts_(parts),
        label_(metric_label(parts.metric, parts.catalog)),
        scorer_({&parts.metric, 1}, parts.catalog, resources_) {
    if (const Json bank = parts.metric.value("bank", Json()); bank.is_string()) {
      open_bank(bank.get<std::string>());
    }
    parts.store.visit_samples(parts.run_id, [this](const ItemRecord& item, SampleRecord&& sample) {
      const bool retrieved = !sample.failure || sample.failure->stage != Stage::kRetrieval;
      if (retrieved) {
        samples_.push_back({.record = std::move(sample), .reference = item.reference});
      }
    });
  }

  bool run(const std::stop_token& stop) {
    std::map<std::size_t, std::vector<std::size_t>> to_ask;  // [repeat] positions in `samples_`
    std::size_t count = 0;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (needs_judge(samples_[i].record)) {
        to_ask[static_cast<std::size_t>(samples_[i].record.repeat)].push_back(i);
        ++count;
      } else {
        finished_.push_back(i);
      }
    }
    write();
    parts_.started(count);
    for (const auto& [repeat, positions] : to_ask) {
      if (!stop.stop_requested()) {
        ask(repeat, positions, stop);
      }
    }
    write();
    return asked_count_ == count;
  }

 private:
  void open_bank(const std::string& bank) {
    bank_is_given_ = true;
    const std::filesystem::path file = bank_file(bank, parts_.task);
    if (file.empty()) {
      log_warning("judge", "question bank '" + bank + "' has no file for task " + parts_.task +
                               "; its samples are left out");
    } else {
      bank_.emplace(file);
      Json health = to_json(bank_->health());
      health["file"] = file.filename().string();
      parts_.store.put_bank(parts_.run_id, label_, health);
    }
  }

  bool needs_judge(const SampleRecord& record) const {
    if (record.failure) {
      return false;
    }
    const auto stored = record.examinations.find(label_);
    const auto examination =
        stored == record.examinations.end() ? std::nullopt : examination_from(*stored);
    return !examination || (parts_.retry_failed && !examination->failure_class.empty());
  }

  void ask(std::size_t repeat, const std::vector<std::size_t>& positions,
           const std::stop_token& stop) {
    static const QuestionSet kNoQuestions;
    std::vector<ExamTask> tasks;
    for (const std::size_t position : positions) {
      const JudgedSample& sample = samples_[position];
      ExamTask task{.sample_id = sample.record.sample_id,
                    .task = parts_.task,
                    .reference = sample.reference,
                    .prediction = sample.record.prediction};
      if (bank_is_given_) {
        const QuestionSet* found = bank_ ? bank_->find(task.sample_id) : nullptr;
        task.questions = found != nullptr ? found : &kNoQuestions;
      }
      tasks.push_back(std::move(task));
    }
    StoredQuestions questions(parts_.store, label_);
    Examiner examiner(parts_.metric.at("prompts").get<std::string>(), questions);
    const std::unique_ptr<Generator> judge = parts_.make_judge(repeat);
    examiner.examine(
        tasks, *judge,
        [&](std::size_t task, Examination examination) {
          if (examination.failure_class == "judge_budget") {
            return;  // It is open what the judge would say.
          }
          SampleRecord& record = samples_[positions[task]].record;
          record.examinations[label_] = to_json(examination);
          finished_.push_back(positions[task]);
          ++asked_count_;
          parts_.sample_judged();
          if (finished_.size() >= kWriteBatch || Clock::now() - last_write_ >= kWriteInterval) {
            write();
          }
        },
        stop);
  }

  /// Scores and stores what is finished.
  void write() {
    std::vector<std::optional<Examination>> examinations;
    examinations.reserve(finished_.size());
    std::vector<ScorerInput> inputs;
    for (const std::size_t position : finished_) {
      const auto& [record, reference] = samples_[position];
      const auto stored = record.examinations.find(label_);
      examinations.push_back(stored == record.examinations.end() ? std::nullopt
                                                                 : examination_from(*stored));
      const auto& examination = examinations.back();
      inputs.push_back({.task = parts_.task,
                        .prediction = record.prediction,
                        .reference = reference,
                        .reply = {},
                        .answered = !record.failure.has_value(),
                        .documents = {},
                        .gold = {},
                        .examination = examination ? &*examination : nullptr});
    }
    const std::vector<Json> scores = scorer_.score_all(inputs, parts_.executor);
    std::vector<SampleRecord> records;
    for (std::size_t i = 0; i < finished_.size(); ++i) {
      SampleRecord& record = samples_[finished_[i]].record;
      record.scores.update(scores[i]);
      records.push_back(record);
    }
    parts_.store.put_scores(parts_.run_id, records);
    finished_.clear();
    last_write_ = Clock::now();
  }

  using Clock = std::chrono::steady_clock;

  const JudgingParts& parts_;
  std::string label_;
  ScorerResources resources_;
  Scorer scorer_;
  bool bank_is_given_ = false;
  std::optional<QuestionBank> bank_;
  std::vector<JudgedSample> samples_;
  std::vector<std::size_t> finished_;  ///< Positions in `samples_`, not yet stored.
  std::size_t asked_count_ = 0;
  Clock::time_point last_write_ = Clock::now();
};

}  // namespace

bool judge_run(const JudgingParts& parts, const std::stop_token& stop) {
  return Judging(parts).run(stop);
}

}  // namespace crudbench
