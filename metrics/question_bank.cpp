#include "metrics/question_bank.h"

#include <algorithm>
#include <array>
#include <utility>

#include "harness/core/error.h"

namespace crudbench {

namespace {

/// Upstream's class names, which its files are named after.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kBankNames{{
    {"event_summary", "Summary"},
    {"continuing_writing", "ContinueWriting"},
    {"hallu_modified", "HalluModified"},
    {"questanswer_1doc", "QuestAnswer1Doc"},
    {"questanswer_2docs", "QuestAnswer2Docs"},
    {"questanswer_3docs", "QuestAnswer3Docs"},
}};

/// The list of strings under `key`, empty if it is not there. False if it is something else.
bool read_strings(const Json& entry, const char* key, std::vector<std::string>& strings) {
  if (!entry.contains(key)) {
    return true;
  }
  const Json& list = entry.at(key);
  if (!list.is_array()) {
    return false;
  }
  for (const Json& text : list) {
    if (!text.is_string()) {
      return false;
    }
    strings.push_back(text.get<std::string>());
  }
  return true;
}

}  // namespace

Json to_json(const BankHealth& health) {
  return {{"entries", health.entries},
          {"usable", health.usable()},
          {"empty", health.empty},
          {"without_answer", health.without_answer},
          {"unequal", health.unequal},
          {"unanswerable", health.unanswerable},
          {"malformed", health.malformed},
          {"questions", health.questions},
          {"unanswerable_questions", health.unanswerable_questions}};
}

QuestionBank::QuestionBank(const std::filesystem::path& file) {
  const Json bank = read_json_file(file, ErrorCode::kInvalidData);
  if (!bank.is_object()) {
    throw Error(ErrorCode::kInvalidData,
                file.string() +
                    ": expected an object {ID: {\"question\": […], \"answers\": […]}}, found " +
                    std::string(type_name(bank)));
  }
  for (const auto& [sample_id, entry] : bank.items()) {
    add(sample_id, entry);
  }
}

void QuestionBank::add(const std::string& sample_id, const Json& entry) {
  ++health_.entries;
  QuestionSet set;
  if (!entry.is_object() || !read_strings(entry, "question", set.questions) ||
      !read_strings(entry, "answers", set.gold_answers)) {
    ++health_.malformed;
    return;
  }
  const auto unanswerable =
      std::count_if(set.gold_answers.begin(), set.gold_answers.end(), is_unanswerable);
  health_.questions += set.questions.size();
  health_.unanswerable_questions += static_cast<std::size_t>(unanswerable);
  if (set.questions.empty()) {
    ++health_.empty;
  } else if (set.questions.size() != set.gold_answers.size()) {
    ++health_.unequal;
    health_.without_answer += set.gold_answers.empty() ? 1 : 0;
  } else if (static_cast<std::size_t>(unanswerable) == set.gold_answers.size()) {
    ++health_.unanswerable;
  }
  sets_.emplace(sample_id, std::move(set));
}

const QuestionSet* QuestionBank::find(std::string_view sample_id) const {
  const auto found = sets_.find(sample_id);
  return found != sets_.end() ? &found->second : nullptr;
}

std::filesystem::path bank_file(const std::filesystem::path& bank, std::string_view task) {
  if (std::filesystem::is_regular_file(bank)) {
    return bank;
  }
  if (!std::filesystem::is_directory(bank)) {
    throw Error(ErrorCode::kIo, "question bank '" + bank.string() +
                                    "': expected a file or a folder, found neither");
  }
  const auto* const name = std::find_if(kBankNames.begin(), kBankNames.end(),
                                        [task](const auto& pair) { return pair.first == task; });
  if (name != kBankNames.end()) {
    std::filesystem::path file = bank / (std::string(name->second) + "_quest_gt_save.json");
    if (std::filesystem::is_regular_file(file)) {
      return file;
    }
  }
  return {};
}

}  // namespace crudbench
