#include "harness/store/completion_file.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/json.h"

namespace crudbench {

namespace {

constexpr const char* kFormatKey = "crudbench_completions";
constexpr int kFormat = 1;

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json to_json(const CompletionRecord& record) {
  return {{"key", record.key},
          {"text", record.text},
          {"reasoning", record.reasoning},
          {"finish_reason", record.finish_reason},
          {"prompt_tokens", record.usage.prompt_tokens},
          {"cached_prompt_tokens", record.usage.cached_prompt_tokens},
          {"completion_tokens", record.usage.completion_tokens},
          {"first_token_seconds", number_or_null(record.first_token_seconds)},
          {"inter_token_seconds", number_or_null(record.inter_token_seconds)},
          {"contexts", record.contexts},
          {"seconds", record.seconds}};
}

bool is_key(const std::string& text) {
  constexpr std::size_t kDigits = 64;
  return text.size() == kDigits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool is_context_list(const Json& value) {
  return value.is_null() ||
         (value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& entry) {
            return entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
                   entry[1].is_string();
          }));
}

/// Reads one line; every value is checked. Throws Error(kInvalidData).
class LineReader {
 public:
  LineReader(std::string_view line, std::string place)
      : place_(std::move(place)), value_(Json::parse(line, nullptr, false)) {
    if (!value_.is_object()) {
      fail("expected a JSON object");
    }
  }

  const Json& value() const noexcept { return value_; }

  CompletionRecord completion() const {
    CompletionRecord record{.key = text("key"),
                            .text = text("text"),
                            .reasoning = text("reasoning"),
                            .finish_reason = text("finish_reason"),
                            .usage = {.prompt_tokens = count("prompt_tokens"),
                                      .cached_prompt_tokens = count("cached_prompt_tokens"),
                                      .completion_tokens = count("completion_tokens")},
                            .first_token_seconds = optional_seconds("first_token_seconds"),
                            .inter_token_seconds = optional_seconds("inter_token_seconds"),
                            .contexts = at("contexts"),
                            .seconds = optional_seconds("seconds").value_or(0.0)};
    if (!is_key(record.key)) {
      fail("/key: expected 64 hexadecimal digits");
    }
    if (!is_context_list(record.contexts)) {
      fail("/contexts: expected null or a list of pairs of texts");
    }
    return record;
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kInvalidData, place_ + ": " + problem);
  }

 private:
  const Json& at(const char* key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) {
      fail(std::string("expected the member \"") + key + "\"");
    }
    return *found;
  }

  std::string text(const char* key) const {
    const Json& found = at(key);
    if (!found.is_string()) {
      fail(std::string("/") + key + ": expected a text");
    }
    return found.get<std::string>();
  }

  std::int64_t count(const char* key) const {
    const Json& found = at(key);
    if (!found.is_number_integer() || found.get<std::int64_t>() < -1) {
      fail(std::string("/") + key + ": expected an integer, -1 for unknown");
    }
    return found.get<std::int64_t>();
  }

  std::optional<double> optional_seconds(const char* key) const {
    const Json& found = at(key);
    if (found.is_null()) {
      return std::nullopt;
    }
    if (!found.is_number() || !std::isfinite(found.get<double>()) || found.get<double>() < 0) {
      fail(std::string("/") + key + ": expected seconds or null");
    }
    return found.get<double>();
  }

  std::string place_;
  Json value_;
};

}  // namespace

std::size_t export_completions(const Store& store, const std::filesystem::path& file) {
  AtomicFileWriter writer(file);
  std::size_t count = 0;
  writer.write(to_text({{kFormatKey, kFormat}}) + "\n");
  store.visit_completions([&](CompletionRecord&& record) {
    writer.write(to_text(to_json(record)) + "\n");
    ++count;
  });
  writer.commit();
  return count;
}

ImportCount import_completions(Store& store, const std::filesystem::path& file) {
  const std::string content = read_file(file);
  std::vector<CompletionRecord> records;
  std::string_view rest = content;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const LineReader reader(line, file.string() + ":" + std::to_string(number));
    if (number > 1) {
      records.push_back(reader.completion());
    } else if (reader.value().value(kFormatKey, Json()) != Json(kFormat)) {
      reader.fail("expected a file that 'crudbench cache export' has written, of format " +
                  std::to_string(kFormat));
    }
  }
  if (content.empty()) {
    throw Error(ErrorCode::kInvalidData, file.string() + ": the file is empty");
  }
  const std::int64_t before = store.completion_totals().count;
  store.put_completions(records);
  const std::int64_t after = store.completion_totals().count;
  return {.read = records.size(), .added = static_cast<std::size_t>(after - before)};
}

}  // namespace crudbench
