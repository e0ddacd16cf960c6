#include "metrics/quest_eval.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <unordered_map>

#include "harness/core/options.h"
#include "harness/text/segmenter.h"
#include "metrics/builtin_metrics.h"
#include "metrics/judge_reply.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

/// Ways to say that the text does not tell, without the words that may stand around them.
constexpr std::array<std::string_view, 16> kUnanswerableWordings = {
    "无法推断", "无法判断", "无法确定", "无法得知", "无法回答", "不能确定", "不能推断", "未知",
    "不知道",   "未提及",   "未提到",   "没有提及", "没有提到", "未说明",   "没有说明", "不详"};

/// Words that may stand in front of such a wording without changing what it says.
constexpr std::array<std::string_view, 14> kNarratorWords = {
    "根据", "文字", "文中", "文章", "原文",   "新闻",   "资料",
    "内容", "摘要", "中",   "并",   "该问题", "此问题", "信息"};

/// The words that carry meaning.
const Segmenter& content_segmenter() {
  return jieba_segmenter({.content_only = true});
}

std::vector<std::string_view> cut(const Segmenter& segmenter, std::string_view text) {
  std::vector<std::string_view> words;
  segmenter.segment(text, words);
  return words;
}

/// Words in common, each as often as in both.
std::size_t count_common(const std::vector<std::string_view>& left,
                         const std::vector<std::string_view>& right) {
  std::unordered_map<std::string_view, std::size_t> counts;
  for (const std::string_view word : left) {
    ++counts[word];
  }
  std::size_t common = 0;
  for (const std::string_view word : right) {
    if (const auto found = counts.find(word); found != counts.end() && found->second > 0) {
      --found->second;
      ++common;
    }
  }
  return common;
}

/// Upstream's `compute_f1`, in its order of operations.
double token_f1(const Segmenter& segmenter, std::string_view gold, std::string_view answer) {
  const std::vector<std::string_view> gold_words = cut(segmenter, gold);
  const std::vector<std::string_view> answer_words = cut(segmenter, answer);
  if (gold_words.empty() || answer_words.empty()) {
    return gold_words.empty() && answer_words.empty() ? 1.0 : 0.0;
  }
  const std::size_t common = count_common(gold_words, answer_words);
  if (common == 0) {
    return 0.0;
  }
  const double precision = static_cast<double>(common) / static_cast<double>(answer_words.size());
  const double recall = static_cast<double>(common) / static_cast<double>(gold_words.size());
  return (2 * precision * recall) / (precision + recall);
}

Json strings(const std::vector<std::string>& texts) {
  return Json(texts);
}

bool is_string_list(const Json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(),
                                         [](const Json& element) { return element.is_string(); });
}

class QuestEval final : public SampleMetric {
 public:
  explicit QuestEval(const std::string& label) : label_("[" + label + "]") {}

 private:
  bool reads_words() const noexcept override { return false; }

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    std::vector<MetricValue> values;
    const auto name = [this](const char* value) { return value + label_; };
    if (!prediction.answered || prediction.examination == nullptr) {
      for (const char* value : {"quest_upstream_f1", "quest_upstream_recall", "quest_clean_f1",
                                "quest_clean_recall", "quest_clean_overall"}) {
        values.push_back(failed(name(value), kNoPrediction));
      }
      values.push_back(undefined(name("judge_parsed")));
      values.push_back(undefined(name("judge_refusal")));
      return values;
    }
    const Examination& examination = *prediction.examination;
    add_upstream(values, examination);
    add_clean(values, examination);
    const bool was_asked = !examination.set.questions.empty();
    for (const auto& [value, flag] : {std::pair("judge_parsed", examination.parsed_at_once),
                                      std::pair("judge_refusal", examination.refused)}) {
      values.push_back(was_asked ? scored(name(value), flag ? 1.0 : 0.0) : undefined(name(value)));
    }
    return values;
  }

  void add_upstream(std::vector<MetricValue>& values, const Examination& examination) const {
    const std::string f1 = "quest_upstream_f1" + label_;
    const std::string recall = "quest_upstream_recall" + label_;
    // What could not be read is fewer answers than questions to upstream; a judge that did not
    // reply at all ends its whole run.
    const bool replied = examination.failure_class.empty() ||
                         examination.failure_class == kJudgeUnparsable ||
                         examination.failure_class == kJudgeRefusal;
    if (!replied) {
      values.push_back(failed(f1, examination.failure_class));
      values.push_back(failed(recall, examination.failure_class));
      return;
    }
    const QuestScores scores =
        upstream_quest_scores(examination.set.gold_answers, examination.answers);
    const bool is_counted = scores.is_counted && !examination.set.questions.empty();
    values.push_back(is_counted ? scored(f1, scores.f1) : undefined(f1));
    values.push_back(is_counted ? scored(recall, scores.recall) : undefined(recall));
  }

  void add_clean(std::vector<MetricValue>& values, const Examination& examination) const {
    const std::array<std::string, 3> names = {
        "quest_clean_f1" + label_, "quest_clean_recall" + label_, "quest_clean_overall" + label_};
    if (!examination.failure_class.empty()) {
      for (const std::string& name : names) {
        values.push_back(failed(name, examination.failure_class));
      }
      return;
    }
    const auto scores = clean_quest_scores(examination.set, examination.answers);
    if (!scores) {
      for (const std::string& name : names) {
        values.push_back(undefined(name));
      }
      return;
    }
    values.push_back(scores->f1 ? scored(names[0], *scores->f1) : undefined(names[0]));
    values.push_back(scored(names[1], scores->recall));
    values.push_back(scored(names[2], scores->overall));
  }

  std::string label_;  ///< In brackets.
};

}  // namespace

Json to_json(const Examination& examination) {
  return {{"questions", strings(examination.set.questions)},
          {"gold_answers", strings(examination.set.gold_answers)},
          {"answers", strings(examination.answers)},
          {"failure", examination.failure_class},
          {"parsed_at_once", examination.parsed_at_once},
          {"refused", examination.refused}};
}

std::optional<Examination> examination_from(const Json& value) {
  const auto has = [&value](const char* key, auto is_right) {
    return value.is_object() && value.contains(key) && is_right(value.at(key));
  };
  const auto is_boolean = [](const Json& flag) { return flag.is_boolean(); };
  const bool is_whole = has("questions", is_string_list) && has("gold_answers", is_string_list) &&
                        has("answers", is_string_list) && has("parsed_at_once", is_boolean) &&
                        has("refused", is_boolean) &&
                        has("failure", [](const Json& text) { return text.is_string(); });
  if (!is_whole) {
    return std::nullopt;
  }
  using Strings = std::vector<std::string>;
  return Examination{.set = {.questions = value.at("questions").get<Strings>(),
                             .gold_answers = value.at("gold_answers").get<Strings>()},
                     .answers = value.at("answers").get<Strings>(),
                     .failure_class = value.at("failure").get<std::string>(),
                     .parsed_at_once = value.at("parsed_at_once").get<bool>(),
                     .refused = value.at("refused").get<bool>()};
}

QuestScores upstream_quest_scores(std::span<const std::string> gold_answers,
                                  std::span<const std::string> answers) {
  std::size_t asked = 0;
  std::size_t answered = 0;
  double f1_sum = 0.0;
  for (std::size_t i = 0; i < gold_answers.size(); ++i) {
    if (gold_answers[i] == kUnanswerable) {
      continue;
    }
    if (i >= answers.size()) {
      return {.is_counted = false};
    }
    ++asked;
    if (answers[i] != kUnanswerable) {
      ++answered;
      f1_sum += token_f1(jieba_segmenter(), gold_answers[i], answers[i]);
    }
  }
  if (answered == 0) {
    return {};
  }
  const double unanswered_ratio =
      static_cast<double>(asked - answered) / static_cast<double>(asked);
  return {.f1 = f1_sum / static_cast<double>(answered), .recall = 1.0 - unanswered_ratio};
}

std::optional<CleanQuestScores> clean_quest_scores(const QuestionSet& set,
                                                   std::span<const std::string> answers) {
  if (set.questions.size() != set.gold_answers.size() || answers.size() != set.questions.size()) {
    return std::nullopt;
  }
  CleanQuestScores scores;
  double f1_sum = 0.0;
  for (std::size_t i = 0; i < set.questions.size(); ++i) {
    if (cut(content_segmenter(), set.questions[i]).empty() ||
        is_unanswerable(set.gold_answers[i])) {
      continue;
    }
    ++scores.asked;
    if (!is_unanswerable(answers[i])) {
      ++scores.answered;
      f1_sum += token_f1(content_segmenter(), set.gold_answers[i], answers[i]);
    }
  }
  if (scores.asked == 0) {
    return std::nullopt;
  }
  const auto asked = static_cast<double>(scores.asked);
  const auto answered = static_cast<double>(scores.answered);
  scores.recall = answered / asked;
  scores.overall = f1_sum / asked;
  if (scores.answered > 0) {
    scores.f1 = f1_sum / answered;
  }
  return scores;
}

bool is_unanswerable(std::string_view answer) {
  std::string text;  // Without what carries no meaning.
  for (const std::string_view word : cut(content_segmenter(), answer)) {
    text += word;
  }
  std::string_view rest = text;
  const auto skip_narrator = [&rest] {
    return std::any_of(kNarratorWords.begin(), kNarratorWords.end(), [&](std::string_view word) {
      const bool found = rest.starts_with(word);
      rest.remove_prefix(found ? word.size() : 0);
      return found;
    });
  };
  while (skip_narrator()) {
  }
  return text.empty() || std::find(kUnanswerableWordings.begin(), kUnanswerableWordings.end(),
                                   rest) != kUnanswerableWordings.end();
}

void check_quest_eval(Options& options) {
  options.raw("judge");
  const auto bank = options.optional_text("bank");
  if (bank && bank->empty()) {
    options.fail("bank", "a folder of question banks or a file");
  }
  if (options.text("prompts", "default").empty()) {
    options.fail("prompts", "'default' or a folder of prompt files");
  }
}

std::unique_ptr<Metric> make_quest_eval(Options& options, const MetricParts& parts) {
  check_quest_eval(options);
  return std::make_unique<QuestEval>(parts.label);
}

}  // namespace crudbench
