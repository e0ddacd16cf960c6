#include "harness/core/options.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "harness/core/suggest.h"

namespace crudbench {

namespace {

const Json& empty_object() {
  static const Json object = Json::object();
  return object;
}

/// A value as shown in a message: short, on one line.
std::string shown(const Json& value) {
  if (value.is_object() || value.is_array()) {
    return std::string(type_name(value));
  }
  constexpr std::size_t kLongest = 60;
  std::string text = to_text(value);
  if (text.size() > kLongest) {
    text.resize(kLongest);
    text += "…";
  }
  return text;
}

std::string escape_pointer(std::string_view key) {
  std::string escaped;
  for (const char character : key) {
    if (character == '~') {
      escaped += "~0";
    } else if (character == '/') {
      escaped += "~1";
    } else {
      escaped += character;
    }
  }
  return escaped;
}

std::string format_number(double value) {
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  stream << value;
  return stream.str();
}

}  // namespace

Options::Options(const Json& value, std::string file, std::string pointer)
    : value_(&value), file_(std::move(file)), pointer_(std::move(pointer)) {
  if (!value.is_object()) {
    throw Error(ErrorCode::kInvalidConfig, file_ + ": " + (pointer_.empty() ? "/" : pointer_) +
                                               ": expected an object, found " + shown(value));
  }
}

bool Options::has(std::string_view key) const {
  return value_->contains(key);
}

const Json* Options::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
    known_.emplace_back(key);
  }
  const auto found = value_->find(key);
  return found == value_->end() ? nullptr : &*found;
}

std::string Options::pointer_to(std::string_view key) const {
  return pointer_ + "/" + escape_pointer(key);
}

void Options::fail(std::string_view key, std::string_view expected) const {
  std::string message = file_ + ": " + pointer_to(key) + ": expected ";
  message.append(expected);
  if (const auto found = value_->find(key); found != value_->end()) {
    message += ", found " + shown(*found);
  } else {
    message += ", but the key is missing";
  }
  throw Error(ErrorCode::kInvalidConfig, message);
}

std::string Options::text(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr || !value->is_string()) {
    fail(key, "a string");
  }
  record(key, *value);
  return value->get<std::string>();
}

std::string Options::text(std::string_view key, std::string_view default_value) {
  if (find(key) == nullptr) {
    record(key, default_value);
    return std::string(default_value);
  }
  return text(key);
}

std::optional<std::string> Options::optional_text(std::string_view key) {
  if (find(key) == nullptr) {
    return std::nullopt;
  }
  return text(key);
}

std::string Options::one_of(std::string_view key, std::span<const std::string_view> allowed,
                            std::string_view default_value) {
  std::string value = text(key, default_value);
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    std::string expected = "one of";
    std::vector<std::string> names;
    for (const std::string_view name : allowed) {
      expected.append(names.empty() ? " '" : ", '").append(name).append("'");
      names.emplace_back(name);
    }
    const std::string nearest = nearest_word(value, names);
    fail(key, nearest.empty() ? expected : expected + " (did you mean '" + nearest + "'?)");
  }
  return value;
}

std::int64_t Options::integer(std::string_view key, std::int64_t default_value,
                              std::int64_t minimum, std::int64_t maximum) {
  const Json* value = find(key);
  std::int64_t result = default_value;
  if (value != nullptr) {
    std::string expected = "an integer >= " + std::to_string(minimum);
    if (maximum != std::numeric_limits<std::int64_t>::max()) {
      expected = "an integer from " + std::to_string(minimum) + " to " + std::to_string(maximum);
    }
    const bool too_large = value->is_number_unsigned() &&
                           value->get<std::uint64_t>() >
                               static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!value->is_number_integer() || too_large) {
      fail(key, expected);
    }
    result = value->get<std::int64_t>();
    if (result < minimum || result > maximum) {
      fail(key, expected);
    }
  }
  record(key, result);
  return result;
}

double Options::number(std::string_view key, double default_value, double minimum, double maximum) {
  const Json* value = find(key);
  double result = default_value;
  if (value != nullptr) {
    const std::string expected =
        "a number from " + format_number(minimum) + " to " + format_number(maximum);
    if (!value->is_number()) {
      fail(key, expected);
    }
    result = value->get<double>();
    if (!std::isfinite(result) || result < minimum || result > maximum) {
      fail(key, expected);
    }
  }
  record(key, result);
  return result;
}

bool Options::flag(std::string_view key, bool default_value) {
  const Json* value = find(key);
  if (value != nullptr && !value->is_boolean()) {
    fail(key, "true or false");
  }
  const bool result = value == nullptr ? default_value : value->get<bool>();
  record(key, result);
  return result;
}

std::vector<std::string> Options::texts(std::string_view key,
                                        std::vector<std::string> default_value) {
  const Json* value = find(key);
  if (value != nullptr) {
    default_value.clear();
    if (!value->is_array()) {
      fail(key, "a list of strings");
    }
    for (const Json& element : *value) {
      if (!element.is_string()) {
        fail(key, "a list of strings");
      }
      default_value.push_back(element.get<std::string>());
    }
  }
  record(key, default_value);
  return default_value;
}

std::vector<double> Options::numbers(std::string_view key, std::vector<double> default_value) {
  const Json* value = find(key);
  if (value != nullptr) {
    default_value.clear();
    if (!value->is_array()) {
      fail(key, "a list of numbers");
    }
    for (const Json& element : *value) {
      if (!element.is_number() || !std::isfinite(element.get<double>())) {
        fail(key, "a list of numbers");
      }
      default_value.push_back(element.get<double>());
    }
  }
  record(key, default_value);
  return default_value;
}

Options Options::object(std::string_view key) {
  const Json* value = find(key);
  return {value == nullptr ? empty_object() : *value, file_, pointer_to(key)};
}

Json Options::raw(std::string_view key) {
  const Json* value = find(key);
  record(key, value == nullptr ? Json() : *value);
  return value == nullptr ? Json() : *value;
}

void Options::record(std::string_view key, Json value) {
  resolved_[std::string(key)] = std::move(value);
}

void Options::finish() const {
  for (const auto& [key, value] : value_->items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      throw Error(ErrorCode::kInvalidConfig,
                  file_ + ": " + pointer_to(key) + ": unknown key" + suggestion(key, known_));
    }
  }
}

}  // namespace crudbench
