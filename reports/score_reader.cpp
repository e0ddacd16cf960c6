#include "reports/score_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace crudbench {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

void skip_space(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
}

bool take(std::string_view& text, char wanted) {
  skip_space(text);
  const bool found = !text.empty() && text.front() == wanted;
  text.remove_prefix(found ? 1 : 0);
  return found;
}

/// The bytes of the string at the front of `text`, quotes included; nullopt if it does not end.
std::optional<std::string_view> take_string(std::string_view& text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      const std::string_view string = text.substr(0, i + 1);
      text.remove_prefix(i + 1);
      return string;
    }
  }
  return std::nullopt;
}

/// The bytes of the value at the front of `text`: up to the comma or bracket that ends it.
std::optional<std::string_view> take_value(std::string_view& text) {
  std::string_view rest = text;
  for (int depth = 0; !rest.empty();) {
    const char byte = rest.front();
    if (depth == 0 && (byte == ',' || byte == '}')) {
      const std::string_view value = text.substr(0, text.size() - rest.size());
      text = rest;
      return value;
    }
    if (byte == '"') {
      if (!take_string(rest)) {
        return std::nullopt;
      }
      continue;
    }
    depth += byte == '{' || byte == '[' ? 1 : byte == '}' || byte == ']' ? -1 : 0;
    rest.remove_prefix(1);
  }
  return std::nullopt;
}

/// A number that a double holds and whose form JSON allows; what is not a number is left to the
/// parser.
std::optional<double> number_of(std::string_view value) {
  const std::size_t first_digit = value.starts_with('-') ? 1 : 0;
  const bool starts_well = value.size() > first_digit && value[first_digit] >= '0' &&
                           value[first_digit] <= '9';  // And is not "inf".
  double number = 0.0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  return starts_well && problem == std::errc() && end == value.data() + value.size()
             ? std::optional(number)
             : std::nullopt;
}

Json parse_part(std::string_view part) {
  return parse_json(part, "scores in the store", ErrorCode::kInvalidData);
}

/// The name of a metric, quotes and escapes undone.
std::string_view name_of(std::string_view string, std::string& unescaped) {
  if (string.find('\\') == std::string_view::npos) {
    return string.substr(1, string.size() - 2);
  }
  unescaped = parse_part(string).get<std::string>();
  return unescaped;
}

/// Whether `text` was an object that was read to its end.
bool read_members(std::string_view text, ScoreVisitor& visitor) {
  std::string unescaped;
  if (!take(text, '{')) {
    return false;
  }
  for (bool is_first = true; !take(text, '}'); is_first = false) {
    if (!is_first && !take(text, ',')) {
      return false;
    }
    skip_space(text);
    const auto name = text.starts_with('"') ? take_string(text) : std::nullopt;
    if (!name || !take(text, ':')) {
      return false;
    }
    skip_space(text);
    const auto value = take_value(text);
    if (!value) {
      return false;
    }
    if (const std::optional<double> number = number_of(*value)) {
      visitor.on_value(name_of(*name, unescaped), *number);
    } else {
      visitor.on_other(name_of(*name, unescaped), parse_part(*value));
    }
  }
  skip_space(text);
  return text.empty();
}

}  // namespace

void read_score_text(std::string_view text, ScoreVisitor& visitor) {
  if (!read_members(text, visitor)) {
    throw Error(ErrorCode::kInvalidData,
                "scores in the store: expected an object of metrics, found '" +
                    std::string(text.substr(0, 80)) + "'");
  }
}

void read_scores(const Json& scores, ScoreVisitor& visitor) {
  for (const auto& [metric, score] : scores.items()) {
    if (score.is_number()) {
      visitor.on_value(metric, score.get<double>());
    } else {
      visitor.on_other(metric, score);
    }
  }
}

}  // namespace crudbench
