#include "metrics/builtin_metrics.h"

#include <clocale>
#include <cmath>

#include "harness/text/segmenter.h"
#include "tests/metrics/scored_pair.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::build_metric;
using testing_support::Pair;
using testing_support::random_words;
using testing_support::Scores;
using testing_support::shared_file;
using testing_support::skip_message;

std::vector<std::string> registered_metrics() {
  Catalog catalog;
  add_builtin_metrics(catalog);
  std::vector<std::string> names;
  for (const auto& [name, entry] : catalog.metrics.entries()) {
    names.push_back(name);
  }
  return names;
}

/// What holds for every metric, in the configuration of its own example.
class MetricContract : public ::testing::TestWithParam<std::string> {
 protected:
  MetricContract() {
    Catalog catalog;
    add_builtin_metrics(catalog);
    metric_ = build_metric(catalog.metrics.entries().at(GetParam()).example);
  }

  const Metric& metric() const { return *metric_; }

 private:
  std::unique_ptr<Metric> metric_;
};

TEST_P(MetricContract, GivesTheSameNamesWhateverThePrediction) {
  const Pair usual("新华社|北京|电", "新华社|电");
  const std::vector<std::string> names = Scores(metric(), usual.prediction()).names();
  EXPECT_FALSE(names.empty());
  const Pair empty("", "");
  EXPECT_EQ(Scores(metric(), empty.prediction()).names(), names);
  Prediction unanswered = usual.prediction();
  unanswered.answered = false;
  EXPECT_EQ(Scores(metric(), unanswered).names(), names);
}

TEST_P(MetricContract, ScoresNoTextWhenGenerationFailed) {
  const std::vector<DocumentIndex> documents = {1, 2};
  const Pair pair("新华社|北京|电", "新华社|电");
  Prediction prediction = pair.prediction();
  prediction.answered = false;
  prediction.ranking = {.documents = documents, .gold = documents};
  for (const MetricValue& value : metric().score(prediction)) {
    if (GetParam() == "retrieval") {
      EXPECT_TRUE(value.value.has_value()) << value.name;
    } else {
      EXPECT_FALSE(value.value.has_value()) << value.name;
      EXPECT_EQ(value.failure_class, "no_prediction") << value.name;
    }
  }
}

TEST_P(MetricContract, KeepsSharesWithinZeroAndOne) {
  Random random(13);
  for (int round = 0; round < 500; ++round) {
    const Pair pair(random_words(random, 40, 15), random_words(random, 40, 15));
    for (const MetricValue& value : metric().score(pair.prediction())) {
      if (value.value.has_value() && describe_metric(value.name).is_share) {
        ASSERT_GE(*value.value, 0.0) << value.name;
        ASSERT_LE(*value.value, 1.0) << value.name;
      }
    }
  }
}

TEST_P(MetricContract, ScoresIllFormedAndHugeTexts) {
  const std::string huge(2'000'000, 'a');
  for (const std::string& text :
       {std::string("\xFF\xC0|\xE4\xBD"), std::string("\0|\0", 3), huge}) {
    const Pair pair(text, "参考|\xFF");
    for (const MetricValue& value : metric().score(pair.prediction())) {
      EXPECT_TRUE(!value.value.has_value() || std::isfinite(*value.value)) << value.name;
    }
  }
}

TEST_P(MetricContract, DoesNotDependOnTheLocale) {
  const Pair pair("北京|1.5|亿|元|。", "北京|1,5|亿|元|。");
  const std::vector<MetricValue> before = metric().score(pair.prediction());
  const char* const changed = std::setlocale(LC_ALL, "C.UTF-8");
  const std::vector<MetricValue> after = metric().score(pair.prediction());
  std::setlocale(LC_ALL, "C");
  if (changed == nullptr) {
    GTEST_SKIP() << "the locale C.UTF-8 is not installed";
  }
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(before[i].value, after[i].value) << before[i].name;
  }
}

INSTANTIATE_TEST_SUITE_P(Builtin, MetricContract, ::testing::ValuesIn(registered_metrics()),
                         [](const auto& tested) { return tested.param; });

TEST(BuiltinMetrics, ScoreATextAgainstItselfAsOne) {
  Random random(14);
  const std::unique_ptr<Metric> metrics[] = {
      build_metric({{"type", "bleu"}}), build_metric({{"type", "bleu_smooth"}}),
      build_metric({{"type", "rouge"}, {"variants", {"1", "2", "l"}}}),
      build_metric({{"type", "chrf"}})};
  for (int round = 0; round < 200; ++round) {
    const std::string text = "新闻|发布|于|北京|" + random_words(random, 60, 15);
    const Pair pair(text, text);
    for (const std::unique_ptr<Metric>& metric : metrics) {
      for (const MetricValue& value : metric->score(pair.prediction())) {
        ASSERT_EQ(value.value, 1.0) << value.name << ' ' << text;
      }
    }
  }
}

TEST(BuiltinMetrics, TakeListsAsValuesAndNotAsSweeps) {
  Catalog catalog;
  add_builtin_metrics(catalog);
  EXPECT_THAT(catalog.metrics.entries().at("rouge").list_options,
              ::testing::ElementsAre("variants"));
  EXPECT_THAT(catalog.metrics.entries().at("retrieval").list_options,
              ::testing::ElementsAre("cutoffs"));
}

TEST(BuiltinMetrics, RefuseUnknownKeys) {
  EXPECT_ERROR(build_metric({{"type", "bleu"}, {"smooth", true}}), ErrorCode::kInvalidConfig,
               "unknown key");
}

TEST(DescribeMetric, KnowsWhatNeedsNoAnswer) {
  EXPECT_FALSE(describe_metric("recall@8").needs_answer);
  EXPECT_FALSE(describe_metric("mrr").needs_answer);
  EXPECT_TRUE(describe_metric("rouge_l").needs_answer);
}

TEST(DescribeMetric, KnowsFaultsAndLengths) {
  EXPECT_FALSE(describe_metric("refusal").higher_is_better);
  EXPECT_FALSE(describe_metric("refusal").needs_answer);
  EXPECT_FALSE(describe_metric("length_chars").is_share);
  EXPECT_FALSE(describe_metric("length_ratio").is_ranked);
}

TEST(DescribeMetric, GivesDefaultsForUnknownNames) {
  for (const char* name : {"", "@", "recallx", "something@8"}) {
    const MetricDescription description = describe_metric(name);
    EXPECT_EQ(description.name, name);
    EXPECT_TRUE(description.higher_is_better && description.is_share && description.needs_answer &&
                description.is_ranked);
  }
}

/// Upstream's own functions over jieba's words (see the README beside the file).
TEST(BuiltinMetrics, EqualUpstreamOnEveryGoldenPair) {
  const std::string file = "oracles/scores.jsonl";
  if (shared_file(file).empty()) {
    GTEST_SKIP() << skip_message(file);
  }
  constexpr double kTolerance = 1e-12;
  const std::unique_ptr<Metric> bleu = build_metric({{"type", "bleu"}});
  const std::unique_ptr<Metric> rouge = build_metric({{"type", "rouge"}});
  std::size_t scored_lines = 0;
  for (const std::string& line : testing_support::read_lines(shared_file(file))) {
    const Json golden = parse_json(line, file, ErrorCode::kInvalidData);
    const std::string text = golden.at("prediction");
    const std::string reference = golden.at("reference");
    std::vector<std::string_view> text_words;
    std::vector<std::string_view> reference_words;
    jieba_segmenter().segment(text, text_words);
    jieba_segmenter().segment(reference, reference_words);
    Prediction prediction;
    prediction.text = text;
    prediction.reference = reference;
    prediction.text_words = text_words;
    prediction.reference_words = reference_words;
    const Scores bleu_scores(*bleu, prediction);
    const Scores rouge_scores(*rouge, prediction);
    if (golden.contains("error")) {
      // Upstream's BLEU raises and its ROUGE-L says 0: both are failures here.
      for (const std::string& name : bleu_scores.names()) {
        EXPECT_THAT(bleu_scores.failure(name), ::testing::StartsWith("empty_")) << line;
      }
      EXPECT_EQ(golden.at("rouge_l"), 0.0);
      EXPECT_THAT(rouge_scores.failure("rouge_l"), ::testing::StartsWith("empty_")) << line;
      continue;
    }
    const std::vector<std::string> names = {"bleu_upstream", "bleu_p1", "bleu_p2", "bleu_p3",
                                            "bleu_p4"};
    for (std::size_t i = 0; i < names.size(); ++i) {
      ASSERT_NEAR(bleu_scores.value(names[i]), golden.at("bleu_upstream").at(i).get<double>(),
                  kTolerance)
          << names[i] << ' ' << line;
    }
    ASSERT_NEAR(bleu_scores.value("bleu"), golden.at("bleu_with_penalty").at(0).get<double>(),
                kTolerance)
        << line;
    ASSERT_NEAR(rouge_scores.value("rouge_l"), golden.at("rouge_l").get<double>(), kTolerance)
        << line;
    ++scored_lines;
  }
  EXPECT_GT(scored_lines, 0U);
}

}  // namespace
}  // namespace crudbench
