#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "harness/text/utf8.h"
#include "metrics/builtin_metrics.h"
#include "metrics/metric_values.h"

namespace crudbench {

namespace {

/// A refusal opens with one of these …
constexpr std::array<std::string_view, 17> kRefusalOpenings = {
    "抱歉",         "很抱歉",           "非常抱歉",     "十分抱歉",         "对不起",
    "不好意思",     "我无法",           "我不能",       "我没有办法",       "作为AI",
    "作为一个AI",   "作为一名AI",       "作为人工智能", "作为一个人工智能", "作为一名人工智能",
    "作为语言模型", "作为一个语言模型",
};

/// … or says one of these in its first sentence. Later on they may well be the news itself.
constexpr std::array<std::string_view, 14> kRefusalStatements = {
    "无法回答",     "不能回答",   "无法作答",     "无法推断",         "无法确定答案",
    "无法根据",     "无法从",     "无法生成",     "没有足够的信息",   "没有足够信息",
    "没有提供相关", "未提供相关", "没有相关信息", "没有提到相关信息",
};

/// Without its first character if that is one of `characters` (UTF-8), else nothing is removed.
bool skip_one_of(std::string_view& text, std::span<const std::string_view> characters) {
  for (const std::string_view character : characters) {
    if (text.starts_with(character)) {
      text.remove_prefix(character.size());
      return true;
    }
  }
  return false;
}

bool has_response_pair(std::string_view reply) {
  const std::size_t open = reply.find("<response>");
  return open != std::string_view::npos &&
         reply.find("</response>", open) != std::string_view::npos;
}

/// Starts with a number and what separates it from an item: "1. ", "2、", "（三）", "四、".
bool is_numbered(std::string_view line) {
  static constexpr std::array<std::string_view, 20> kDigits = {
      "0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",
      "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"};
  static constexpr std::array<std::string_view, 2> kOpenBrackets = {"(", "（"};
  static constexpr std::array<std::string_view, 2> kCloseBrackets = {")", "）"};
  static constexpr std::array<std::string_view, 5> kSeparators = {".", "．", "、", ")", "）"};
  const bool bracketed = skip_one_of(line, kOpenBrackets);
  if (!skip_one_of(line, kDigits)) {
    return false;
  }
  while (skip_one_of(line, kDigits)) {
  }
  if (bracketed) {
    return skip_one_of(line, kCloseBrackets);
  }
  // No digit may follow: "3.5亿元" is a quantity.
  return skip_one_of(line, kSeparators) && !skip_one_of(line, kDigits);
}

bool is_bullet(std::string_view line) {
  static constexpr std::array<std::string_view, 10> kBullets = {"- ", "* ", "+ ", "•", "●",
                                                                "◆",  "■",  "▪",  "◦", "·"};
  return skip_one_of(line, kBullets);
}

/// Markdown: "## …", or a line of nothing but bold text.
bool is_heading(std::string_view line) {
  constexpr std::string_view kBold = "**";
  const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
  if (level >= 1 && level <= 6 && line.substr(level).starts_with(' ')) {
    return true;
  }
  for (const std::string_view colon : {":", "："}) {
    if (line.ends_with(colon)) {
      line.remove_suffix(colon.size());
    }
  }
  return line.size() > 2 * kBold.size() && line.starts_with(kBold) &&
         line.find(kBold, kBold.size()) == line.size() - kBold.size();
}

/// One bullet or heading is enough; numbers make a list from the second on.
bool has_bullets_or_headings(std::string_view text) {
  std::size_t numbered_lines = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = strip(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    numbered_lines += is_numbered(line) ? 1U : 0U;
    if (is_bullet(line) || is_heading(line) || numbered_lines >= 2) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool is_refusal(std::string_view text) {
  text = strip(text);
  if (std::any_of(kRefusalOpenings.begin(), kRefusalOpenings.end(),
                  [&](std::string_view opening) { return text.starts_with(opening); })) {
    return true;
  }
  std::size_t end = text.size();
  for (const std::string_view stop : {"。", "！", "？", "\n"}) {
    end = std::min(end, text.find(stop));
  }
  const std::string_view first_sentence = text.substr(0, end);
  return std::any_of(kRefusalStatements.begin(), kRefusalStatements.end(),
                     [&](std::string_view statement) {
                       return first_sentence.find(statement) != std::string_view::npos;
                     });
}

namespace {

/// Flags, 1 where the answer has the fault.
class Format final : public SampleMetric {
 public:
  bool reads_words() const noexcept override { return false; }

  std::vector<MetricValue> score_one(const Prediction& prediction) const override {
    if (!prediction.answered) {
      return {failed("missing_response_tag", kNoPrediction),
              failed("bullets_or_headings", kNoPrediction), failed("refusal", kNoPrediction)};
    }
    std::vector<MetricValue> values;
    values.push_back(
        prediction.reply.empty()
            ? undefined("missing_response_tag")
            : scored("missing_response_tag", has_response_pair(prediction.reply) ? 0.0 : 1.0));
    if (prediction.text.empty()) {
      values.push_back(failed("bullets_or_headings", kEmptyPrediction));
      values.push_back(failed("refusal", kEmptyPrediction));
    } else {
      values.push_back(
          scored("bullets_or_headings", has_bullets_or_headings(prediction.text) ? 1.0 : 0.0));
      values.push_back(scored("refusal", is_refusal(prediction.text) ? 1.0 : 0.0));
    }
    return values;
  }
};

}  // namespace

std::unique_ptr<Metric> make_format() {
  return std::make_unique<Format>();
}

}  // namespace crudbench
