#include "metrics/builtin_metrics.h"

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

/// Those that need neither an embedder nor a judge.
std::vector<std::string> self_contained_metrics() {
  Catalog catalog;
  add_builtin_metrics(catalog);
  std::vector<std::string> names;
  for (const auto& [name, entry] : catalog.metrics.entries()) {
    if (entry.sections.empty()) {
      names.push_back(name);
    }
  }
  return names;
}

/// What holds for every such metric, in the configuration of its own example.
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
  prediction.ranking = {
      .documents = documents, .gold = documents, .gold_chunk_count = documents.size()};
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

TEST_P(MetricContract, NeedsNoWordsWhereItSaysSo) {
  const std::vector<DocumentIndex> documents = {1, 2};
  const Pair pair("新华社|北京|电", "新华社|电");
  Prediction prediction = pair.prediction();
  prediction.ranking = {.documents = documents, .gold = documents};
  const Scores with_words(metric(), prediction);
  prediction.text_words = {};
  prediction.reference_words = {};
  const Scores without(metric(), prediction);
  bool is_same = true;
  for (const std::string& name : with_words.names()) {
    is_same = is_same && without.at(name).value == with_words.at(name).value &&
              without.failure(name) == with_words.failure(name);
  }
  EXPECT_EQ(is_same, !metric().reads_words());
}

INSTANTIATE_TEST_SUITE_P(Builtin, MetricContract, ::testing::ValuesIn(self_contained_metrics()),
                         [](const auto& tested) { return tested.param; });

TEST(BuiltinMetrics, TakeListsAsValuesAndNotAsSweeps) {
  Catalog catalog;
  add_builtin_metrics(catalog);
  EXPECT_THAT(catalog.metrics.entries().at("rouge").list_options,
              ::testing::ElementsAre("variants"));
  EXPECT_THAT(catalog.metrics.entries().at("retrieval").list_options,
              ::testing::ElementsAre("cutoffs", "units"));
}

TEST(BuiltinMetrics, RefuseUnknownKeys) {
  EXPECT_ERROR(build_metric({{"type", "bleu"}, {"smooth", true}}), ErrorCode::kInvalidConfig,
               "unknown key");
}

TEST(DescribeMetric, KnowsWhatNeedsNoAnswer) {
  EXPECT_FALSE(describe_metric("recall@8").needs_answer);
  EXPECT_FALSE(describe_metric("mrr").needs_answer);
  EXPECT_FALSE(describe_metric("chunk_ndcg@8").needs_answer);
  EXPECT_TRUE(describe_metric("rouge_l").needs_answer);
}

TEST(DescribeMetric, KnowsFaultsAndLengths) {
  EXPECT_FALSE(describe_metric("refusal").higher_is_better);
  EXPECT_FALSE(describe_metric("refusal").needs_answer);
  EXPECT_FALSE(describe_metric("length_chars").is_share);
  EXPECT_FALSE(describe_metric("length_ratio").is_ranked);
}

TEST(DescribeMetric, KnowsWhatIsZeroOrOne) {
  EXPECT_TRUE(describe_metric("hit@8").is_binary);
  EXPECT_TRUE(describe_metric("chunk_hit@8").is_binary);
  EXPECT_TRUE(describe_metric("chunk_all_gold@8").is_binary);
  EXPECT_FALSE(describe_metric("chunk_recall@8").is_binary);
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
