#include "harness/runner/search.h"

#include <algorithm>
#include <set>

#include "harness/runner/builtin_catalog.h"
#include "harness/runner/thread_pool.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using testing_support::source_root;
using testing_support::TemporaryFolder;

class Silent final : public RunListener {
 public:
  void run_started(const PlannedRun&, std::size_t, std::size_t) override {}
  void sample_finished(const PlannedRun&, const SampleRecord&) override {
    if (++samples == stop_at) {
      stop.request_stop();
    }
  }
  void judging_started(const PlannedRun&, const std::string&, std::size_t) override {}
  void sample_judged(const PlannedRun&) override {}
  void run_finished(const PlannedRun&, const RunProgress&) override {}

  std::size_t samples = 0;
  std::size_t stop_at = 0;
  std::stop_source stop;
};

class SearchTest : public ::testing::Test {
 protected:
  /// Four cells on the 14 samples of one task: no documents, one passage, three, the gold ones.
  static Experiment experiment(const Json& search) {
    const std::string sample = (source_root() / "datasets" / "sample").string();
    const Json config = {
        {"experiment", "search"},
        {"dataset",
         {{"type", "crud_rag"},
          {"samples", sample + "/samples.json"},
          {"corpus", sample + "/corpus"},
          {"tasks", {"questanswer_1doc"}},
          {"kb", "gold_augmented"}}},
        {"chunker", {{"type", "fixed"}, {"size", 100}}},
        {"retriever",
         {{{"type", "none"}}, {{"type", "bm25"}, {"top_k", {1, 3}}}, {{"type", "gold"}}}},
        {"metrics", {"rouge"}},
        {"search", search}};
    return parse_experiment(config, "search.json", "/", {}, builtin_catalog());
  }

  ExperimentOutcome run(const Experiment& experiment, const RunOptions& options = {}) {
    Store store(workspace_, Database::Mode::kReadWrite);
    const Dataset dataset = builtin_catalog().datasets.build(experiment.dataset)->read(pool_);
    return run_experiment(experiment, dataset, builtin_catalog(), store, workspace_, pool_, options,
                          listener_, listener_.stop.get_token());
  }

  /// "RETRIEVER DONE STOPPED" of each cell.
  std::vector<std::string> cells() const {
    const Store store(workspace_, Database::Mode::kReadOnly);
    std::vector<std::string> texts;
    for (const RunRecord& record : store.runs("search")) {
      texts.push_back(record.cell.at("retriever").at("type").get<std::string>() + " " +
                      std::to_string(store.progress(record.run_id).ok) + " " +
                      std::to_string(record.stopped_after));
    }
    return texts;
  }

  static Json halving() {
    return {{"type", "successive_halving"}, {"metric", "rouge_l"}, {"min_samples", 3}, {"eta", 2}};
  }

  TemporaryFolder folder_;
  Workspace workspace_{folder_.path()};
  ThreadPool pool_{2};
  Silent listener_;
};

TEST(BestPositions, KeepTheEarlierOfEqualOnesAndThoseWithoutAScoreLast) {
  EXPECT_THAT(best_positions({0.5, std::nullopt, 0.5, 0.9}, 2, true), ElementsAre(0U, 3U));
  EXPECT_THAT(best_positions({0.5, std::nullopt, 0.5, 0.9}, 2, false), ElementsAre(0U, 2U));
  EXPECT_THAT(best_positions({std::nullopt, std::nullopt}, 1, true), ElementsAre(0U));
}

TEST_F(SearchTest, GivesBadCellsUpAndFinishesTheBest) {
  const ExperimentOutcome outcome = run(experiment(halving()));
  EXPECT_FALSE(outcome.interrupted);
  // Rounds of 3 samples for four cells, 6 for two, then all 14 for the one that is left.
  const std::vector<std::string> found = cells();
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0], "none 3 3") << "a closed book cannot win";
  EXPECT_EQ(std::count_if(found.begin(), found.end(),
                          [](const auto& text) { return text.ends_with(" 14 0"); }),
            1);
  EXPECT_EQ(std::count_if(found.begin(), found.end(),
                          [](const auto& text) { return text.ends_with(" 6 6"); }),
            1);
  EXPECT_EQ(listener_.samples, 4U * 3 + 2 * 3 + 8);
}

TEST_F(SearchTest, DoesNothingTwiceAndContinuesWhereItStopped) {
  listener_.stop_at = 10;
  EXPECT_TRUE(run(experiment(halving())).interrupted);
  listener_.stop = std::stop_source();
  run(experiment(halving()));
  const std::vector<std::string> first = cells();
  const std::size_t samples = listener_.samples;
  run(experiment(halving()));
  EXPECT_EQ(listener_.samples, samples);
  EXPECT_EQ(cells(), first);
}

TEST_F(SearchTest, KeepsToItsBudget) {
  Json search = halving();
  search["max_samples"] = 20;  // The first two rounds take 12 + 6.
  run(experiment(search));
  EXPECT_EQ(listener_.samples, 18U);
  for (const std::string& cell : cells()) {
    EXPECT_THAT(cell, ::testing::AnyOf(::testing::EndsWith(" 3 3"), ::testing::EndsWith(" 6 6")));
  }
}

TEST_F(SearchTest, RefusesABudgetBelowTheFirstRound) {
  Json search = halving();
  search["max_samples"] = 11;
  EXPECT_ERROR(run(experiment(search)), ErrorCode::kInvalidConfig,
               "the first round alone takes 12 samples, the budget is 11");
}

TEST_F(SearchTest, WantsPricesWhereMoneyIsLimited) {
  Json search = halving();
  search["max_cost"] = 1.5;
  Experiment priceless = experiment(search);
  priceless.cells.front().generator = {{"type", "openai"}, {"model", "m"}};
  EXPECT_ERROR(run(priceless), ErrorCode::kInvalidConfig,
               "/search/max_cost: /prices/models has no price for the model 'm'");
}

TEST_F(SearchTest, NamesAMetricWithoutValues) {
  Json search = halving();
  search["metric"] = "rouge_i";
  EXPECT_ERROR(run(experiment(search)), ErrorCode::kInvalidConfig,
               "/search/metric: no run has values of 'rouge_i'; did you mean 'rouge_l'?");
}

TEST_F(SearchTest, RefusesShards) {
  EXPECT_ERROR(run(experiment(halving()), {.shard = Shard{1, 2}}), ErrorCode::kInvalidConfig,
               "cannot be split into shards");
}

TEST_F(SearchTest, CompletesCellsOnceTheSearchIsGone) {
  run(experiment(halving()));
  run(experiment(nullptr));
  for (const std::string& cell : cells()) {
    EXPECT_THAT(cell, ::testing::EndsWith(" 14 0"));
  }
}

TEST_F(SearchTest, DrawsTheSameCellsForTheSameSeed) {
  const auto drawn = [](int seed) {
    std::vector<std::string> texts;
    for (const Cell& cell : experiment({{"type", "random"}, {"cells", 2}, {"seed", seed}}).cells) {
      texts.push_back(to_text(cell.to_json()));
    }
    return texts;
  };
  EXPECT_EQ(drawn(1).size(), 2U);
  EXPECT_EQ(drawn(1), drawn(1));
  std::set<std::vector<std::string>> different;
  for (int seed = 0; seed < 20; ++seed) {
    different.insert(drawn(seed));
  }
  EXPECT_GT(different.size(), 1U);
}

TEST_F(SearchTest, RefusesWhatItDoesNotKnow) {
  EXPECT_ERROR(experiment({{"type", "bayes"}}), ErrorCode::kInvalidConfig,
               "/search/type: expected one of");
  EXPECT_ERROR(experiment({{"cells", 3}}), ErrorCode::kInvalidConfig,
               "/search/type: expected 'random' or 'successive_halving'");
  EXPECT_ERROR(experiment({{"type", "random"}}), ErrorCode::kInvalidConfig,
               "/search/cells: expected how many cells to draw");
  EXPECT_ERROR(experiment({{"type", "successive_halving"}}), ErrorCode::kInvalidConfig,
               "/search/metric: expected a string");
  EXPECT_ERROR(experiment({{"type", "random"}, {"cells", 3}, {"metric", "bleu"}}),
               ErrorCode::kInvalidConfig, "/search/metric: unknown key");
}

}  // namespace
}  // namespace crudbench
