#include "reports/sample_data.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/store/compression.h"
#include "reports/base64.h"

namespace crudbench {

namespace {

constexpr int kCompressionLevel = 4;  // Faster than libdeflate's default, 6.
constexpr int kPromptCompressionLevel = 1;
constexpr std::size_t kShownHashDigits = 12;
constexpr const char* kPromptKeys = "prompts-";

/// Builds the payload of a `SampleFile`.
class PayloadWriter {
 public:
  void add(const Json& part) { add_text(to_text(part)); }
  void add_text(std::string_view part) { add_packed(gzip(part, kCompressionLevel)); }
  void add_packed(std::string_view part) {
    payload_ += payload_.empty() ? "[\"" : ",\"";
    payload_ += base64(part);
    payload_ += '"';
  }
  std::string finish() && { return std::move(payload_) + "]"; }

 private:
  std::string payload_;
};

/// Prompts for a report, which does without those that are damaged: all else in it is whole.
class ReportedPrompts {
 public:
  explicit ReportedPrompts(const Store& store) : reader_(store) {}

  /// nullopt for one that was not kept or is damaged.
  std::optional<std::string> find(const std::string& sha256) {
    try {
      return reader_.find(sha256);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kInvalidData) {
        throw;
      }
      ++damaged_count_;
      return std::nullopt;
    }
  }

  std::size_t damaged_count() const noexcept { return damaged_count_; }

 private:
  PromptReader reader_;
  std::size_t damaged_count_ = 0;
};

/// A JSON array of texts that are JSON, page by page.
class PageWriter {
 public:
  explicit PageWriter(PayloadWriter& payload) : payload_(payload) {}

  void add(const std::string& row) {
    page_ += page_.empty() ? "[" : ",";
    page_ += row;
    if (++count_ % kSamplesPerPage == 0) {
      flush();
    }
  }
  void flush() {
    if (!page_.empty()) {
      payload_.add_text(page_ + "]");
      page_.clear();
    }
  }

 private:
  PayloadWriter& payload_;
  std::string page_;
  std::size_t count_ = 0;
};

void add_pages(PayloadWriter& payload, Json& rows) {
  Json page = Json::array();
  for (Json& row : rows) {
    page.push_back(std::move(row));
    if (page.size() == kSamplesPerPage) {
      payload.add(page);
      page = Json::array();
    }
  }
  if (!page.empty()) {
    payload.add(page);
  }
}

/// At most `limit` of them, evenly spread.
std::vector<std::int64_t> spread_choice(const std::vector<std::int64_t>& item_ids,
                                        std::size_t limit) {
  if (item_ids.size() <= limit) {
    return item_ids;
  }
  std::vector<std::int64_t> chosen;
  for (std::size_t i = 0; i < limit; ++i) {
    chosen.push_back(item_ids[i * item_ids.size() / limit]);
  }
  return chosen;
}

/// Position of an item in a choice that holds it.
std::size_t position_of_item(const ItemChoice& choice, std::int64_t item_id) {
  const auto found = std::lower_bound(choice.item_ids.begin(), choice.item_ids.end(), item_id);
  return static_cast<std::size_t>(found - choice.item_ids.begin());
}

bool holds(const ItemChoice& choice, std::int64_t item_id) {
  return std::binary_search(choice.item_ids.begin(), choice.item_ids.end(), item_id);
}

bool holds_prompt(const ItemChoice& choice, std::int64_t item_id) {
  return std::binary_search(choice.prompted_item_ids.begin(), choice.prompted_item_ids.end(),
                            item_id);
}

/// Numbers to 6 decimals, wherever they stand: what a reader can see, at half the bytes.
Json rounded(const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    return std::abs(number) < 1e9 ? Json(std::round(number * 1e6) / 1e6) : value;
  }
  if (value.is_structured()) {
    Json copy = value;
    for (Json& child : copy) {
      child = rounded(child);
    }
    return copy;
  }
  return value;
}

/// The same as text.
std::string rounded_text(double number) {
  const double shown = std::abs(number) < 1e9 ? std::round(number * 1e6) / 1e6 : number;
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), shown).ptr;
  return {digits.data(), end};
}

std::string hits_text(std::span<const StoredHit> hits) {
  std::string text = "[";
  for (const StoredHit& hit : hits) {
    text += (text.size() > 1 ? ",[" : "[") + to_text(Json(hit.doc_id)) + "," +
            std::to_string(hit.span.begin) + "," + std::to_string(hit.span.end) + "," +
            rounded_text(hit.score) + (hit.is_gold ? ",1]" : ",0]");
  }
  return text + "]";
}

std::string scores_text(const Json& scores) {
  std::string text = "{";
  for (const auto& [metric, score] : scores.items()) {
    text += (text.size() > 1 ? "," : "") + to_text(Json(metric)) + ":" +
            (score.is_number_float() ? rounded_text(score.get<double>()) : to_text(rounded(score)));
  }
  return text + "}";
}

/// A JSON object, written as it comes: samples are too many to build one of each.
class ObjectText {
 public:
  void add(const char* key, const std::string& value_text) {
    text_ += text_.size() > 1 ? ",\"" : "\"";
    text_ += key;
    text_ += "\":";
    text_ += value_text;
  }
  void add_text(const char* key, const std::string& value) { add(key, to_text(Json(value))); }
  void add_number(const char* key, double value) { add(key, rounded_text(value)); }
  void add_number(const char* key, const std::optional<double>& value) {
    if (value) {
      add_number(key, *value);
    }
  }
  /// null for one that is not known.
  void add_count(const char* key, std::int64_t count) {
    add(key, count >= 0 ? std::to_string(count) : "null");
  }
  void add_flag(const char* key, bool value) { add(key, value ? "true" : "false"); }
  std::string finish() && { return std::move(text_) + "}"; }

 private:
  std::string text_ = "{";
};

std::string request_text(const SampleRecord& sample, const ItemChoice& choice) {
  ObjectText request;
  request.add_text("prompt_sha256", sample.prompt_sha256.substr(0, kShownHashDigits));
  request.add_count("context_chars", sample.context_chars);
  request.add_count("context_tokens", sample.context_tokens);
  request.add_flag("context_truncated", sample.context_truncated);
  request.add_count("prompt_tokens", sample.usage.prompt_tokens);
  request.add_count("completion_tokens", sample.usage.completion_tokens);
  request.add_number("retrieval_seconds", sample.retrieval_seconds);
  request.add_number("generation_seconds", sample.generation_seconds);
  request.add_count("attempts", sample.attempt_count);
  request.add_text("finish_reason", sample.finish_reason);
  request.add_flag("cached", sample.cached);
  request.add_number("first_token_seconds", sample.first_token_seconds);
  request.add_number("inter_token_seconds", sample.inter_token_seconds);
  request.add_number("cost", sample.cost);
  request.add_number("saved", sample.saved);
  if (!sample.prompt_sha256.empty()) {
    request.add_text("prompt", !sample.prompt_is_kept                 ? "not_kept"
                               : holds_prompt(choice, sample.item_id) ? "here"
                                                                      : "in_store");
  }
  return std::move(request).finish();
}

/// Everything about a sample that a reader may ask for, as JSON.
std::string detail_text(const SampleRecord& sample, const ItemChoice& choice) {
  ObjectText detail;
  detail.add_text("prediction", sample.prediction);
  detail.add("request", request_text(sample, choice));
  if (sample.reply && *sample.reply != sample.prediction) {
    detail.add_text("reply", *sample.reply);
  }
  if (sample.failure) {
    detail.add("failure", to_text(Json{to_string(sample.failure->stage),
                                       sample.failure->failure_class, sample.failure->message}));
  }
  if (!sample.examinations.empty()) {
    detail.add("examinations", to_text(sample.examinations));
  }
  detail.add("hits", hits_text(sample.hits));
  detail.add("scores", scores_text(sample.scores));
  return std::move(detail).finish();
}

bool lacks_tag(const SampleRecord& sample) {
  const auto score = sample.scores.find("missing_response_tag");
  return score != sample.scores.end() && score->is_number() && score->get<double>() == 1.0;
}

}  // namespace

ItemChoice choose_items(const Store& store, std::span<const std::int64_t> run_ids,
                        std::size_t limit, std::size_t prompt_limit) {
  std::set<std::int64_t> all;
  for (const std::int64_t run_id : run_ids) {
    for (const auto& [item_id, repeat] : store.finished(run_id, false)) {
      all.insert(item_id);
    }
  }
  ItemChoice choice{.item_ids = spread_choice({all.begin(), all.end()}, limit),
                    .total_count = all.size()};
  choice.prompted_item_ids = spread_choice(choice.item_ids, prompt_limit);
  return choice;
}

SampleFile item_file(const std::string& key, const Store& store,
                     std::span<const std::int64_t> run_ids, const ItemChoice& choice) {
  std::vector<std::optional<ItemRecord>> items(choice.item_ids.size());
  std::size_t found = 0;
  for (const std::int64_t run_id : run_ids) {
    if (found == items.size()) {
      break;
    }
    store.visit_samples(
        run_id,
        [&](const ItemRecord& item, SampleRecord&& /*sample*/) {
          std::optional<ItemRecord>& place = items[position_of_item(choice, item.item_id)];
          found += place ? 0 : 1;
          place = item;
        },
        SampleDetail::kEverything,
        [&](std::int64_t item_id) {
          return holds(choice, item_id) && !items[position_of_item(choice, item_id)];
        });
  }
  Json rows = Json::array();
  for (const std::optional<ItemRecord>& item : items) {
    rows.push_back(item ? Json{item->sample_id, item->query, item->reference, item->gold_doc_ids}
                        : Json{"", "", "", Json::array()});
  }
  PayloadWriter payload;
  payload.add({{"count", items.size()}, {"total", choice.total_count}});
  add_pages(payload, rows);
  return {.key = key, .payload = std::move(payload).finish()};
}

std::string run_key(std::int64_t run_id) {
  return "run-" + std::to_string(run_id);
}

SampleFile run_file(const Store& store, std::int64_t run_id, const ItemChoice& choice,
                    std::span<const std::string> metrics) {
  std::vector<SampleRecord> samples;
  store.visit_samples(
      run_id,
      [&](const ItemRecord& /*item*/, SampleRecord&& sample) {
        samples.push_back(std::move(sample));
      },
      SampleDetail::kEverything, [&](std::int64_t item_id) { return holds(choice, item_id); });
  Json index = {{"items", Json::array()},
                {"repeats", Json::array()},
                {"failed", Json::array()},
                {"format", Json::array()},
                {"metrics", Json::object()}};
  for (const SampleRecord& sample : samples) {
    index["items"].push_back(position_of_item(choice, sample.item_id));
    index["repeats"].push_back(sample.repeat);
    index["failed"].push_back(sample.failure ? 1 : 0);
    index["format"].push_back(lacks_tag(sample) ? 1 : 0);
    for (const std::string& metric : metrics) {
      const auto score = sample.scores.find(metric);
      const bool is_number = score != sample.scores.end() && score->is_number();
      index["metrics"][metric].push_back(is_number ? rounded(*score) : Json());
    }
  }
  PayloadWriter payload;
  payload.add(index);
  PageWriter pages(payload);
  for (SampleRecord& sample : samples) {
    pages.add(detail_text(sample, choice));
    sample = {};
  }
  pages.flush();
  return {.key = run_key(run_id), .payload = std::move(payload).finish()};
}

std::string prompt_key(std::int64_t run_id) {
  return kPromptKeys + std::to_string(run_id);
}

bool is_prompt_key(std::string_view key) {
  return key.starts_with(kPromptKeys);
}

std::optional<SampleFile> prompt_file(const Store& store, std::int64_t run_id,
                                      const ItemChoice& choice) {
  std::vector<std::string> hashes;  // By sample; empty for a prompt that is not wanted.
  store.visit_samples(
      run_id,
      [&](const ItemRecord& /*item*/, SampleRecord&& sample) {
        hashes.push_back(holds_prompt(choice, sample.item_id) ? std::move(sample.prompt_sha256)
                                                              : std::string());
      },
      SampleDetail::kScoreText, [&](std::int64_t item_id) { return holds(choice, item_id); });
  ReportedPrompts reader(store);
  std::vector<std::string> prompts;  // Packed one by one: a reader looks at few.
  std::size_t count = 0;
  for (const std::string& hash : hashes) {
    const std::optional<std::string> prompt = hash.empty() ? std::nullopt : reader.find(hash);
    prompts.push_back(prompt ? gzip(*prompt, kPromptCompressionLevel) : "");
    count += prompt ? 1 : 0;
  }
  if (reader.damaged_count() > 0) {
    log_warning("report", "run " + std::to_string(run_id) + ": " +
                              std::to_string(reader.damaged_count()) +
                              " prompts are damaged and left out; 'crudbench fsck' says more");
  }
  if (count == 0) {
    return std::nullopt;
  }
  PayloadWriter payload;
  payload.add({{"count", count}});
  for (const std::string& prompt : prompts) {
    payload.add_packed(prompt);
  }
  return SampleFile{.key = prompt_key(run_id), .payload = std::move(payload).finish()};
}

}  // namespace crudbench
