#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/random.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric.h"

namespace crudbench::testing_support {

inline std::unique_ptr<Metric> build_metric(const Json& options) {
  Catalog catalog;
  add_builtin_metrics(catalog);
  return catalog.metrics.build(catalog.metrics.resolve(options, "test.json", ""), MetricParts());
}

/// A prediction and a reference that own what a Prediction views. Words are separated by '|'.
class Pair {
 public:
  Pair(std::string_view prediction, std::string_view reference)
      : text_(without_bars(prediction)), reference_(without_bars(reference)) {
    cut(prediction, text_, text_words_);
    cut(reference, reference_, reference_words_);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Prediction prediction() const {
    return {.task = "event_summary",
            .text = text_,
            .reference = reference_,
            .text_words = text_words_,
            .reference_words = reference_words_,
            .ranking = {},
            .answered = true,
            .reply = text_};
  }

 private:
  static std::string without_bars(std::string_view text) {
    std::string result;
    for (const char character : text) {
      if (character != '|') {
        result += character;
      }
    }
    return result;
  }

  static void cut(std::string_view barred, std::string_view text,
                  std::vector<std::string_view>& words) {
    std::size_t offset = 0;
    while (!barred.empty()) {
      const std::size_t size = std::min(barred.find('|'), barred.size());
      words.push_back(text.substr(offset, size));
      offset += size;
      barred.remove_prefix(std::min(size + 1, barred.size()));
    }
  }

  std::string text_;
  std::string reference_;
  std::vector<std::string_view> text_words_;
  std::vector<std::string_view> reference_words_;
};

/// The values of one metric by name.
class Scores {
 public:
  Scores(const Metric& metric, const Prediction& prediction) {
    for (MetricValue& value : metric.score(prediction)) {
      names_.push_back(value.name);
      by_name_.emplace(value.name, std::move(value));
    }
  }
  Scores(const Json& options, const Prediction& prediction)
      : Scores(*build_metric(options), prediction) {}

  const std::vector<std::string>& names() const { return names_; }
  const MetricValue& at(const std::string& name) const { return by_name_.at(name); }
  /// Throws if there is no value.
  double value(const std::string& name) const { return at(name).value.value(); }
  const std::string& failure(const std::string& name) const { return at(name).failure_class; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, MetricValue> by_name_;
};

/// 1 to `max_words` words of a small vocabulary, separated by '|'.
inline std::string random_words(Random& random, std::size_t max_words, std::size_t vocabulary) {
  static const std::vector<std::string> kWords = {"的",   "新闻", "北京",   "，",     "。",
                                                  "2024", "发布", " ",      "新华社", "记者",
                                                  "A",    "a",    "𠮷野家", "经济",   "增长"};
  std::string text;
  for (std::size_t count = 1 + random.below(max_words); count > 0; --count) {
    text += kWords.at(random.below(vocabulary));
    text += count > 1 ? "|" : "";
  }
  return text;
}

}  // namespace crudbench::testing_support
