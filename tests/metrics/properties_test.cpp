#include <algorithm>
#include <bit>
#include <clocale>
#include <cmath>
#include <locale>
#include <numeric>

#include "harness/text/segmenter.h"
#include "metrics/bleu.h"
#include "tests/fakes/backward_executor.h"
#include "tests/fakes/thread_pool_executor.h"
#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

/// What holds for the metrics of texts whatever the texts are, with jieba's words.
namespace crudbench {
namespace {

using testing_support::BackwardExecutor;
using testing_support::build_metric;
using testing_support::random_words;
using testing_support::Scores;
using testing_support::ThreadPoolExecutor;

const Json kBleu = {{"type", "bleu"}};
const Json kRouge = {{"type", "rouge"}, {"variants", {"1", "2", "l"}}};
const Json kChrf = {{"type", "chrf"}};

/// Those that compare an answer with its reference.
std::vector<Json> comparing_metrics() {
  return {kBleu,
          kRouge,
          kChrf,
          {{"type", "bleu_smooth"}, {"method", "add_one"}},
          {{"type", "bleu_smooth"}, {"method", "chen_cherry_3"}}};
}

std::vector<Json> text_metrics() {
  std::vector<Json> metrics = comparing_metrics();
  metrics.insert(metrics.end(), {{{"type", "length"}}, {{"type", "format"}}});
  return metrics;
}

/// Texts and their words, as the scorer hands them to metrics.
class Segmented {
 public:
  explicit Segmented(std::string text) : text_(std::move(text)) {
    jieba_segmenter().segment(text_, words_);
  }
  Segmented(const Segmented&) = delete;
  Segmented& operator=(const Segmented&) = delete;

  std::string_view text() const { return text_; }
  std::span<const std::string_view> words() const { return words_; }

 private:
  std::string text_;
  std::vector<std::string_view> words_;
};

Prediction compare(const Segmented& prediction, const Segmented& reference) {
  return {.task = "quest_answer",
          .text = prediction.text(),
          .reference = reference.text(),
          .text_words = prediction.words(),
          .reference_words = reference.words(),
          .ranking = {},
          .answered = true,
          .reply = prediction.text()};
}

std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  for (; count > 0; --count) {
    result += text;
  }
  return result;
}

std::string random_bytes(Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random.below(256)); });
  return bytes;
}

/// Usual texts and hostile ones.
const std::vector<std::unique_ptr<Segmented>>& texts() {
  static const std::vector<std::unique_ptr<Segmented>> kTexts = [] {
    using namespace std::string_literals;
    std::vector<std::string> texts = {
        "新华社北京3月5日电，记者从会上获悉，今年经济增长百分之五点二。",
        "新",
        "，。！？",
        " ",
        "\t\n\u3000\u00A0 ",
        "\0"s,
        "新闻\0发布"s,
        "\xFF\xC0\xE4\xBD",
        "北京\xE4\xBD,上海\xFF",
        "\xEF\xBB\xBF带字节序标记",
        "e\u0301\u0301\u0301 a\u0308",
        "👩‍👩‍👧‍👦🇨🇳👍🏽",
        "𠮷野家𪚥龘",
        "İstanbul ıI ß ẞ ﬁ",
        "1,234.5 1.234,5 ١٢٣",
        "مرحبا \u202Eabc\u202C",
        repeated("的", 1'000),
        repeated("新闻 ", 300),
        repeated("a", 5'000),
        repeated("ab", 100) + repeated("ba", 100),
    };
    Random random(30);
    for (int i = 0; i < 20; ++i) {
      std::string words = random_words(random, 60, 15);
      words.erase(std::remove(words.begin(), words.end(), '|'), words.end());
      texts.push_back(words);
      texts.push_back(random_bytes(random, 1 + random.below(80)));
    }
    std::vector<std::unique_ptr<Segmented>> segmented;
    for (std::string& text : texts) {
      segmented.push_back(std::make_unique<Segmented>(std::move(text)));
    }
    return segmented;
  }();
  return kTexts;
}

/// Every text against every other, and itself.
std::vector<Prediction> all_pairs() {
  std::vector<Prediction> pairs;
  for (const auto& prediction : texts()) {
    for (const auto& reference : texts()) {
      pairs.push_back(compare(*prediction, *reference));
    }
  }
  return pairs;
}

/// Everything that a metric says of a sample, values bit by bit.
using Row = std::vector<
    std::tuple<std::string, std::optional<std::uint64_t>, std::string, std::vector<std::uint64_t>>>;

std::vector<Row> score_bits(const Metric& metric, std::span<const Prediction> predictions,
                            Executor& executor) {
  std::vector<Row> rows;
  for (std::vector<MetricValue>& values : metric.score_all(predictions, executor)) {
    Row& row = rows.emplace_back();
    for (MetricValue& value : values) {
      std::optional<std::uint64_t> bits;
      if (value.value.has_value()) {
        bits = std::bit_cast<std::uint64_t>(*value.value);
      }
      row.emplace_back(std::move(value.name), bits, std::move(value.failure_class),
                       std::move(value.counts));
    }
  }
  return rows;
}

std::vector<Row> score_bits(const Metric& metric, std::span<const Prediction> predictions) {
  SerialExecutor executor;
  return score_bits(metric, predictions, executor);
}

TEST(TextMetrics, ScoreATextAgainstItselfAsOne) {
  for (const Json& options : comparing_metrics()) {
    const std::unique_ptr<Metric> metric = build_metric(options);
    for (const auto& text : texts()) {
      const std::size_t words = text->words().size();
      for (const MetricValue& value : metric->score(compare(*text, *text))) {
        if (value.failure_class == "empty_reference") {
          EXPECT_EQ(value.name, "chrf") << "has no characters but white space: " << text->text();
        } else if (value.name == "bleu_corpus") {
          EXPECT_EQ(bleu_score(*bleu_counts_from(value.counts))->precisions.front(), 1.0);
        } else if (value.name == "bleu" || value.name == "bleu_upstream") {
          EXPECT_EQ(value.value, words >= kBleuOrder ? 1.0 : 0.0) << text->text();
        } else if (value.name.starts_with("bleu_p")) {
          const auto order = static_cast<std::size_t>(value.name.back() - '0');
          EXPECT_EQ(value.value, words >= order ? 1.0 : 0.0) << value.name << text->text();
        } else if (value.name.starts_with("rouge_2") && words < 2) {
          EXPECT_FALSE(value.value.has_value()) << text->text();
        } else {
          EXPECT_EQ(value.value, 1.0) << value.name << ' ' << text->text();
        }
      }
    }
  }
}

TEST(TextMetrics, SwapPrecisionAndRecallWithTheSides) {
  const std::unique_ptr<Metric> rouge = build_metric(kRouge);
  for (const auto& a : texts()) {
    for (const auto& b : texts()) {
      const Scores there(*rouge, compare(*a, *b));
      const Scores back(*rouge, compare(*b, *a));
      for (const char* name : {"rouge_1", "rouge_2", "rouge_l"}) {
        if (!there.at(name).value.has_value() || !back.at(name).value.has_value()) {
          continue;  // ROUGE-2 against one word.
        }
        const std::string precision = name + std::string("_p");
        const std::string recall = name + std::string("_r");
        EXPECT_EQ(there.value(name), back.value(name)) << a->text() << " / " << b->text();
        EXPECT_EQ(there.value(precision), back.value(recall)) << a->text() << " / " << b->text();
        EXPECT_EQ(there.value(recall), back.value(precision)) << a->text() << " / " << b->text();
      }
    }
  }
}

TEST(TextMetrics, GiveAFiniteValueAFailureOrNeither) {
  for (const Json& options : text_metrics()) {
    const std::unique_ptr<Metric> metric = build_metric(options);
    for (const Prediction& pair : all_pairs()) {
      for (const MetricValue& value : metric->score(pair)) {
        if (!value.value.has_value()) {
          continue;
        }
        EXPECT_EQ(value.failure_class, "") << value.name;
        EXPECT_TRUE(std::isfinite(*value.value) && *value.value >= 0.0) << value.name;
        if (describe_metric(value.name).is_share) {
          EXPECT_LE(*value.value, 1.0) << value.name;
        }
      }
    }
  }
}

TEST(TextMetrics, DoNotDependOnThreadsOrderOrBatches) {
  constexpr std::size_t kBatch = 7;
  std::vector<Prediction> pairs = all_pairs();
  Random random(31);
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(i)]);
  }
  std::vector<Prediction> shuffled;
  for (const std::size_t position : order) {
    shuffled.push_back(pairs[position]);
  }
  ThreadPoolExecutor threads(3);
  BackwardExecutor backward(2);
  for (const Json& options : text_metrics()) {
    const std::unique_ptr<Metric> metric = build_metric(options);
    const std::vector<Row> expected = score_bits(*metric, pairs);
    EXPECT_EQ(score_bits(*metric, pairs, threads), expected) << options;
    EXPECT_EQ(score_bits(*metric, pairs, backward), expected) << options;
    const std::vector<Row> rows = score_bits(*metric, shuffled, threads);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(rows[i], expected[order[i]]) << options;
    }
    std::vector<Row> of_batches;
    for (std::size_t begin = 0; begin < pairs.size(); begin += kBatch) {
      const std::size_t size = std::min(kBatch, pairs.size() - begin);
      for (Row& row : score_bits(*metric, std::span(pairs).subspan(begin, size))) {
        of_batches.push_back(std::move(row));
      }
    }
    EXPECT_EQ(of_batches, expected) << options;
  }
}

/// Numbers as they are written in German.
class GermanNumbers final : public std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(TextMetrics, DoNotDependOnTheLocale) {
  const std::vector<Prediction> pairs = all_pairs();
  const auto score_with_all = [&] {
    std::vector<std::vector<Row>> rows;
    for (const Json& options : text_metrics()) {
      rows.push_back(score_bits(*build_metric(options), pairs));
    }
    return rows;
  };
  const std::vector<std::vector<Row>> expected = score_with_all();
  const std::locale classic;
  std::locale::global(std::locale(classic, new GermanNumbers));
  const std::vector<std::vector<Row>> german = score_with_all();
  std::locale::global(classic);
  EXPECT_EQ(german, expected);
  // Those of the C library that are installed: comma as decimal point, dotless i, a multibyte
  // encoding other than UTF-8.
  for (const char* name : {"C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "zh_CN.GB18030"}) {
    if (std::setlocale(LC_ALL, name) != nullptr) {
      const std::vector<std::vector<Row>> scores = score_with_all();
      std::setlocale(LC_ALL, "C");
      EXPECT_EQ(scores, expected) << name;
    }
  }
}

TEST(TextMetrics, FailWithTheSideThatIsEmpty) {
  const Segmented empty("");
  const Segmented text("新华社北京电");
  for (const Json& options : comparing_metrics()) {
    const std::unique_ptr<Metric> metric = build_metric(options);
    for (const MetricValue& value : metric->score(compare(empty, text))) {
      EXPECT_EQ(value.failure_class, "empty_prediction") << value.name;
    }
    for (const MetricValue& value : metric->score(compare(text, empty))) {
      EXPECT_EQ(value.failure_class, "empty_reference") << value.name;
    }
    for (const MetricValue& value : metric->score(compare(empty, empty))) {
      EXPECT_EQ(value.failure_class, "empty_reference") << value.name;
    }
  }
}

TEST(TextMetrics, TakePunctuationForWords) {
  const Segmented punctuation("，。！");
  const Segmented text("新华社，北京。");
  EXPECT_EQ(Scores(kRouge, compare(text, punctuation)).value("rouge_1_r"), 2.0 / 3);
  EXPECT_EQ(Scores(kRouge, compare(text, punctuation)).value("rouge_1_p"), 2.0 / 4);
  EXPECT_EQ(Scores(kBleu, compare(text, punctuation)).value("bleu_p1"), 2.0 / 4);
  EXPECT_GT(Scores(kChrf, compare(text, punctuation)).value("chrf"), 0.0);
}

TEST(TextMetrics, ScoreAHugePrediction) {
  // A step whose time grows with the square of the text would run into the time-out of tests.
  constexpr std::size_t kMegabyte = 1'000'000;
  struct Huge {
    std::string_view unit;
    std::size_t megabytes;
  };
  const Segmented reference("新华社北京3月5日电，记者从会上获悉，今年经济增长百分之五点二。");
  for (const Huge& huge : {Huge{"新华社北京3月5日电，记者获悉：", 10}, Huge{"a", 2}, Huge{"，", 2},
                           Huge{"\n", 2}, Huge{"\xFF", 2}}) {
    const Segmented prediction(repeated(huge.unit, huge.megabytes * kMegabyte / huge.unit.size()));
    for (const Json& options : text_metrics()) {
      for (const MetricValue& value :
           build_metric(options)->score(compare(prediction, reference))) {
        EXPECT_NE(value.value.has_value(), !value.failure_class.empty() || !value.counts.empty())
            << value.name << " of " << huge.unit;
      }
    }
  }
}

}  // namespace
}  // namespace crudbench
