#include "reports/regression.h"

#include "tests/reports/report_store.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::HasSubstr;
using testing_support::cell_with;
using testing_support::ReportStore;
using testing_support::TestSample;
using testing_support::timeout;

/// 40 samples whose BLEU is `change` above 0.5, 0.51, 0.52, 0.50, … and whose hit is as given.
std::vector<TestSample> samples_with(double change) {
  std::vector<TestSample> samples;
  for (int i = 0; i < 40; ++i) {
    samples.push_back({.sample_id = "s" + std::to_string(i),
                       .scores = {{"bleu_upstream", 0.5 + 0.01 * (i % 3) + change},
                                  {"rouge_l", 0.4},
                                  {"chars", 100.0}}});
  }
  return samples;
}

RegressionCheck check(ReportStore& baseline, ReportStore& candidate,
                      const std::map<std::string, double>& max_drops = {{"bleu_upstream", 0.5}}) {
  SerialExecutor executor;
  RegressionOptions options{.max_drops = max_drops, .experiment = {}, .resampling = {}};
  options.resampling.resamples = 500;
  return check_regression(baseline.store(), candidate.store(), options, executor);
}

/// The check of one run on either side.
RegressionCheck check_samples(std::vector<TestSample> before, std::vector<TestSample> after,
                              const std::map<std::string, double>& max_drops = {
                                  {"bleu_upstream", 0.5}}) {
  ReportStore baseline;
  ReportStore candidate;
  baseline.add({.samples = std::move(before)});
  candidate.add({.samples = std::move(after)});
  return check(baseline, candidate, max_drops);
}

TEST(CheckRegression, FindsADropThatIsLargerThanAllowed) {
  const RegressionCheck found = check_samples(samples_with(0.0), samples_with(-0.02));
  EXPECT_TRUE(found.has_regression);
  const RegressionLine& line = found.lines.at(0);
  EXPECT_EQ(line.sample_count, 40);
  EXPECT_NEAR(line.drop(), 0.02, 1e-12);
  EXPECT_DOUBLE_EQ(line.allowed_drop, 0.005) << "half a per cent";
  EXPECT_LT(line.adjusted_p_value, 0.001);
}

TEST(CheckRegression, AllowsADropThatIsAllowed) {
  const RegressionCheck found =
      check_samples(samples_with(0.0), samples_with(-0.02), {{"bleu_upstream", 2.5}});
  EXPECT_FALSE(found.has_regression);
  EXPECT_FALSE(found.lines.at(0).is_regression);
  EXPECT_THAT(regression_terminal(found, false), HasSubstr("worse, allowed"));
}

TEST(CheckRegression, AllowsWhatMayBeChance) {
  // One sample of forty fell by everything: p = 1, however large the mean drop.
  std::vector<TestSample> after = samples_with(0.0);
  after[0].scores["bleu_upstream"] = 0.0;
  const RegressionCheck found = check_samples(samples_with(0.0), after);
  EXPECT_NEAR(found.lines.at(0).drop(), 0.5 / 40, 1e-12);
  EXPECT_FALSE(found.has_regression);
  EXPECT_THAT(regression_terminal(found, false), HasSubstr("ok, within chance"));
}

TEST(CheckRegression, IsContentWithARise) {
  EXPECT_FALSE(check_samples(samples_with(0.0), samples_with(0.3)).has_regression);
}

TEST(CheckRegression, CountsFailedSamplesAsZero) {
  std::vector<TestSample> after = samples_with(0.1);
  for (std::size_t i = 0; i < 20; ++i) {
    after[i].scores = Json::object();
    after[i].failure = timeout();
  }
  const RegressionCheck found = check_samples(samples_with(0.0), after);
  EXPECT_TRUE(found.has_regression) << "the answers that came are better, but half are missing";
  EXPECT_EQ(found.lines.at(0).failed_count, 20);
  EXPECT_EQ(found.lines.at(0).sample_count, 40);
}

TEST(CheckRegression, CountsFailuresOfAMetricAsZeroAndLeavesOutWhatIsUndefined) {
  std::vector<TestSample> before = samples_with(0.0);
  std::vector<TestSample> after = samples_with(0.0);
  after[0].scores["bleu_upstream"] = {{"failed", "empty_reference"}};
  after[1].scores["bleu_upstream"] = nullptr;
  const RegressionLine line = check_samples(before, after).lines.at(0);
  EXPECT_EQ(line.sample_count, 39);
  EXPECT_EQ(line.failed_count, 1);
}

TEST(CheckRegression, ComparesTheMeansOfRepeats) {
  std::vector<TestSample> after = samples_with(0.02);
  for (int i = 0; i < 40; ++i) {
    TestSample repeat = after[static_cast<std::size_t>(i)];
    repeat.repeat = 1;
    repeat.scores["bleu_upstream"] = repeat.scores["bleu_upstream"].get<double>() - 0.04;
    after.push_back(repeat);
  }
  const RegressionCheck found = check_samples(samples_with(0.0), after);
  EXPECT_NEAR(found.lines.at(0).paired.difference, 0.0, 1e-12);
}

TEST(CheckRegression, TakesTheMainMetricsUnlessToldOtherwise) {
  const RegressionCheck found = check_samples(samples_with(0.0), samples_with(-0.02), {});
  ASSERT_EQ(found.lines.size(), 2U);
  EXPECT_EQ(found.lines[0].metric.name, "bleu_upstream");
  EXPECT_EQ(found.lines[1].metric.name, "rouge_l");
  EXPECT_TRUE(found.lines[0].is_regression);
  EXPECT_FALSE(found.lines[1].is_regression);
}

TEST(CheckRegression, MatchesCellsByTheirOptions) {
  ReportStore baseline;
  ReportStore candidate;
  for (ReportStore* store : {&baseline, &candidate}) {
    const double change = store == &candidate ? -0.02 : 0.0;
    store->add({.samples = samples_with(change)});
    store->add({.cell = cell_with("/retriever/top_k", 4), .samples = samples_with(0.0)});
  }
  const RegressionCheck found = check(baseline, candidate);
  ASSERT_EQ(found.lines.size(), 2U);
  EXPECT_TRUE(found.lines[0].is_regression);
  EXPECT_THAT(found.lines[0].label, HasSubstr("top_k 8"));
  EXPECT_FALSE(found.lines[1].is_regression);
}

TEST(CheckRegression, MatchesCellsByTheNameThatStays) {
  ReportStore baseline;
  ReportStore candidate;
  for (ReportStore* store : {&baseline, &candidate}) {
    const int top_k = store == &candidate ? 16 : 4;
    const auto first = store->add({.samples = samples_with(0.0)});
    const auto second =
        store->add({.cell = cell_with("/retriever/top_k", top_k), .samples = samples_with(0.0)});
    store->store().put_experiment(
        "e", Json::object(),
        std::vector{ExperimentRun{first, "plain"}, ExperimentRun{second, "tuned"}});
  }
  EXPECT_EQ(check(baseline, candidate).lines.at(1).label, "tuned");
}

TEST(CheckRegression, NamesARunWithoutACounterpart) {
  ReportStore baseline;
  ReportStore candidate;
  baseline.add({.samples = samples_with(0.0)});
  candidate.add({.task = "hallu_modified", .samples = samples_with(0.0)});
  EXPECT_ERROR(check(baseline, candidate), ErrorCode::kInvalidData,
               "nothing new to compare with the baseline's task 'event_summary'");
}

TEST(CheckRegression, RefusesOtherSamplesButTakesAnotherCorpus) {
  ReportStore baseline;
  ReportStore other_corpus;
  ReportStore other_samples;
  baseline.add({.samples = samples_with(0.0)});
  other_corpus.add({.samples = samples_with(0.0), .corpus = "corpus-b"});
  other_samples.add({.samples = samples_with(0.0), .data = "samples-b"});
  EXPECT_EQ(check(baseline, other_corpus).lines.size(), 1U);
  EXPECT_ERROR(check(baseline, other_samples), ErrorCode::kInvalidData,
               "were run on other samples");
}

TEST(CheckRegression, SuggestsTheMetricThatWasMeant) {
  EXPECT_ERROR(check_samples(samples_with(0.0), samples_with(0.0), {{"rouge_i", 1.0}}),
               ErrorCode::kInvalidConfig, "no values of metric 'rouge_i'; did you mean 'rouge_l'?");
}

TEST(RegressionJson, SaysWhatTheCheckFound) {
  const Json json = regression_json(check_samples(samples_with(0.0), samples_with(-0.02)));
  EXPECT_EQ(json["format"], "crudbench-check");
  EXPECT_EQ(json["regression"], true);
  EXPECT_EQ(json["lines"][0]["metric"], "bleu_upstream");
  EXPECT_NEAR(json["lines"][0]["difference"].get<double>(), -0.02, 1e-12);
}

}  // namespace
}  // namespace crudbench
