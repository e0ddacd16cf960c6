#include "metrics/judge_reply.h"

#include <algorithm>
#include <array>

#include "harness/core/json.h"
#include "harness/text/utf8.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

using Strings = std::vector<std::string>;

/// Longer lines without any mark are prose.
constexpr std::size_t kMaxBareAnswerChars = 60;

std::string stripped(std::string_view text) {
  return std::string(strip(text));
}

/// Where the JSON value that begins at `begin` ends (one past its last bracket), by counting
/// brackets outside strings; npos if they do not close.
std::size_t end_of_json(std::string_view text, std::size_t begin) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char byte = text[i];
    if (in_string) {
      if (byte == '\\') {
        ++i;
      } else if (byte == '"') {
        in_string = false;
      }
    } else if (byte == '"') {
      in_string = true;
    } else if (byte == '[' || byte == '{') {
      ++depth;
    } else if (byte == ']' || byte == '}') {
      if (--depth == 0) {
        return i + 1;
      }
    }
  }
  return std::string_view::npos;
}

/// Calls `take` with the JSON lists and objects in a text, outermost first, from left to right,
/// until it returns true. A reply may begin many values that never close; each such start costs a
/// look at the rest, so only so many are tried.
template <class Take>
bool visit_json(std::string_view text, const Take& take) {
  constexpr int kMaxStarts = 64;
  std::size_t begin = 0;
  for (int start = 0; start < kMaxStarts; ++start) {
    begin = text.find_first_of("[{", begin);
    if (begin == std::string_view::npos) {
      return false;
    }
    const std::size_t end = end_of_json(text, begin);
    const Json value = end == std::string_view::npos
                           ? Json(Json::value_t::discarded)
                           : Json::parse(text.substr(begin, end - begin), nullptr, false);
    if (value.is_discarded()) {
      ++begin;
      continue;
    }
    if (take(value)) {
      return true;
    }
    begin = end;
  }
  return false;
}

/// A text, or a number as it is written.
std::optional<std::string> scalar_text(const Json& value) {
  if (value.is_string()) {
    return stripped(value.get_ref<const std::string&>());
  }
  if (value.is_number() || value.is_boolean()) {
    return to_text(value);
  }
  return std::nullopt;
}

std::optional<std::string> answer_text(const Json& value) {
  if (value.is_object()) {
    for (const char* key : {"answer", "回答", "答案"}) {
      if (value.contains(key)) {
        return scalar_text(value.at(key));
      }
    }
    return std::nullopt;
  }
  return scalar_text(value);
}

std::optional<Strings> answers_in(const Json& value, std::size_t count) {
  if (value.is_object()) {
    for (const char* key : {"answers", "answer", "回答", "答案"}) {
      if (value.contains(key) && value.at(key).is_array()) {
        return answers_in(value.at(key), count);
      }
    }
  }
  if (value.size() != count) {
    return std::nullopt;
  }
  Strings answers;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i + 1);
    if (value.is_object() && !value.contains(number)) {
      return std::nullopt;
    }
    auto answer = answer_text(value.is_object() ? value.at(number) : value.at(i));
    if (!answer) {
      return std::nullopt;
    }
    answers.push_back(std::move(*answer));
  }
  return answers;
}

bool skip(std::string_view& text, std::string_view prefix) {
  const bool found = text.starts_with(prefix);
  text.remove_prefix(found ? prefix.size() : 0);
  return found;
}

bool skip_one_of(std::string_view& text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&text](std::string_view prefix) { return skip(text, prefix); });
}

bool starts_with_digit(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

/// The text behind the number if the line is item `number` of a list.
std::optional<std::string_view> item_text(std::string_view line, std::size_t number) {
  line = strip(line);
  const bool named = skip_one_of(line, {"答案", "回答", "问题", "答"});
  line = strip(line);
  const bool bracketed = skip_one_of(line, {"（", "(", "["});
  if (!skip(line, std::to_string(number)) || starts_with_digit(line)) {
    return std::nullopt;
  }
  const bool closed = skip_one_of(line, {"）", ")", "]"});
  bool separated = skip_one_of(line, {"．", "、", "：", ":"});
  // "3.5亿元" is an amount and no third item.
  if (!separated && line.starts_with('.') && !starts_with_digit(line.substr(1))) {
    separated = skip(line, ".");
  }
  const bool is_item = bracketed ? closed : closed || separated || named;
  return is_item ? std::optional(strip(line)) : std::nullopt;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const std::string_view line = strip(text.substr(0, end)); !line.empty()) {
      lines.push_back(line);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Items 1 … count of a numbered list, each with the lines up to the next; an item that repeats its
/// question has the answer behind "答：". nullopt if an item is missing.
std::optional<Strings> numbered_answers(const std::vector<std::string_view>& lines,
                                        std::size_t count) {
  Strings answers;
  for (const std::string_view line : lines) {
    if (const auto text = item_text(line, answers.size() + 1); text && answers.size() < count) {
      answers.emplace_back(*text);
    } else if (item_text(line, answers.size() + 1)) {
      return std::nullopt;  // More items than questions.
    } else if (!answers.empty()) {
      std::string& answer = answers.back();
      answer += answer.empty() ? "" : "\n";
      answer += line;
    }
  }
  if (answers.size() != count) {
    return std::nullopt;
  }
  for (std::string& answer : answers) {
    for (const std::string_view mark : {"回答：", "答案：", "答：", "回答:", "答案:", "答:"}) {
      if (const std::size_t found = answer.find(mark); found != std::string::npos) {
        answer = stripped(std::string_view(answer).substr(found + mark.size()));
        break;
      }
    }
  }
  return answers;
}

}  // namespace

Strings tagged_answers(std::string_view reply) {
  constexpr std::string_view kOpen = "<response>";
  constexpr std::string_view kClose = "</response>";
  Strings answers;
  for (std::size_t begin = reply.find(kOpen); begin != std::string_view::npos;) {
    begin += kOpen.size();
    const std::size_t end = reply.find(kClose, begin);
    if (end == std::string_view::npos) {
      break;
    }
    answers.push_back(stripped(reply.substr(begin, end - begin)));
    begin = reply.find(kOpen, end);
  }
  return answers;
}

std::optional<Strings> parse_answers(std::string_view reply, std::size_t count) {
  if (reply.size() > kMaxJudgeReplyBytes) {
    return std::nullopt;
  }
  std::optional<Strings> answers;
  visit_json(reply, [&](const Json& value) {
    answers = answers_in(value, count);
    return answers.has_value();
  });
  if (answers) {
    return answers;
  }
  if (Strings tagged = tagged_answers(reply); !tagged.empty()) {
    return tagged.size() == count ? std::optional(std::move(tagged)) : std::nullopt;
  }
  const std::vector<std::string_view> lines = lines_of(reply);
  if (auto numbered = numbered_answers(lines, count)) {
    return numbered;
  }
  const bool are_answers = lines.size() == count && !is_refusal(reply) &&
                           std::all_of(lines.begin(), lines.end(), [](std::string_view line) {
                             return count_code_points(line) <= kMaxBareAnswerChars;
                           });
  return are_answers ? std::optional(Strings(lines.begin(), lines.end())) : std::nullopt;
}

std::optional<Strings> parse_questions(std::string_view reply) {
  if (reply.size() > kMaxJudgeReplyBytes) {
    return std::nullopt;
  }
  Strings questions;
  visit_json(reply, [&](const Json& value) {
    for (const char* key : {"question", "questions", "问题"}) {
      if (!value.is_object() || !value.contains(key) || !value.at(key).is_array()) {
        continue;
      }
      for (const Json& question : value.at(key)) {
        if (auto text = scalar_text(question); text && !text->empty()) {
          questions.push_back(std::move(*text));
        }
      }
    }
    return !questions.empty();
  });
  return questions.empty() ? std::nullopt : std::optional(std::move(questions));
}

}  // namespace crudbench
