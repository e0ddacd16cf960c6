#include "harness/store/store.h"
#include "tests/e2e/program.h"

namespace crudbench {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)
using ::testing::HasSubstr;

/// The sample data against a server whose answers are all good, at prices that add up to something.
class MoneyTest : public ::testing::Test {
 protected:
  std::vector<std::string> arguments(const std::string& command,
                                     std::vector<std::string> more = {}) const {
    const Json generator = {{"type", "openai"},
                            {"base_url", server_.base_url()},
                            {"model", "m"},
                            {"max_tokens", 200},
                            {"max_concurrency", 4}};
    const Json prices = {{"currency", "CNY"},
                         {"models", {{"m", {{"input", 10.0}, {"output", 20.0}}}}}};
    std::vector<std::string> all = {command,       sample_config(),
                                    "--workspace", workspace(),
                                    "--set",       "/retriever={\"type\":\"bm25\",\"top_k\":1}",
                                    "--set",       "/chunker/size=128",
                                    "--set",       "/metrics=[\"length\"]",
                                    "--set",       "/generator=" + to_text(generator),
                                    "--set",       "/prices=" + to_text(prices)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  std::string workspace() const { return folder_.path() / "ws"; }

  /// The cost of all samples, as the store has it; every one has one.
  double stored_cost() const {
    double cost = 0.0;
    const Store store(Workspace{workspace()}, Database::Mode::kReadOnly);
    for (const RunRecord& run : store.runs()) {
      EXPECT_EQ(run.provenance.at("price").at("currency"), "CNY");
      store.visit_samples(run.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
        ASSERT_TRUE(sample.cost.has_value());
        cost += *sample.cost;
      });
    }
    return cost;
  }

  TemporaryFolder folder_;
  FaultServer server_{{"--rate", "0"}};
};

TEST_F(MoneyTest, IsEstimatedCountedAndSaved) {
  const Json plan = Json::parse(crudbench(arguments("plan", {"--json"})).output);
  const Json& estimate = plan.at("estimates").at(0);
  EXPECT_EQ(estimate.at("requests"), 84);
  const double most = estimate.at("highest_cost").get<double>();
  EXPECT_LE(estimate.at("cost").at("low"), estimate.at("cost").at("expected"));
  EXPECT_LE(estimate.at("cost").at("high"), most);

  const ProcessResult first = crudbench(arguments("run", {"--json"}));
  ASSERT_EQ(first.exit_status, 0) << first.errors;
  const Json end = last_event(first.output);
  EXPECT_EQ(end.at("currency"), "CNY");
  const double spent = end.at("spent").get<double>();
  EXPECT_GT(spent, 0.0);
  EXPECT_NEAR(stored_cost(), spent, 1e-9);
  EXPECT_LE(spent, most);
  EXPECT_THAT(first.errors, HasSubstr("CNY on the experiment"));

  // The same prompts in a new experiment's runs: nothing is spent, and it is said what was saved.
  const ProcessResult again =
      crudbench(arguments("run", {"--json", "--set", "/context/order=\"reverse\""}));
  const Json saved = last_event(again.output);
  EXPECT_NEAR(saved.at("saved").get<double>(), spent, 1e-9);
  EXPECT_NEAR(saved.at("spent").get<double>(), spent, 1e-9) << "by the first execution";
}

TEST_F(MoneyTest, StopsBeforeTheBudgetIsExceededAndGoesOnWithMore) {
  const ProcessResult first = crudbench(arguments("run", {"--json", "--budget", "0.2"}));
  EXPECT_EQ(first.exit_status, 5);
  EXPECT_THAT(first.errors, HasSubstr("stopped before the budget is exceeded"));
  const Json stopped = last_event(first.output);
  EXPECT_EQ(stopped.at("over_budget"), true);
  EXPECT_LE(stopped.at("spent").get<double>(), 0.2);
  EXPECT_GT(stopped.at("ok").get<int>(), 0);
  EXPECT_LT(stopped.at("ok").get<int>(), 84);
  EXPECT_EQ(stopped.at("failed"), 0) << "what was not reached is still to be done";
  EXPECT_NEAR(stored_cost(), stopped.at("spent").get<double>(), 1e-9);

  const Json same = last_event(crudbench(arguments("run", {"--json", "--budget", "0.2"})).output);
  EXPECT_LE(same.at("spent").get<double>(), 0.2) << "earlier executions count";

  const ProcessResult last = crudbench(arguments("run", {"--json", "--budget", "1000"}));
  EXPECT_EQ(last.exit_status, 0) << last.errors;
  EXPECT_EQ(last_event(last.output).at("ok"), 84);
}

TEST_F(MoneyTest, NeedsAPriceForABudget) {
  const ProcessResult result =
      crudbench(arguments("run", {"--budget", "1", "--set", "/prices/models={}"}));
  EXPECT_EQ(result.exit_status, 2);
  EXPECT_THAT(result.errors, HasSubstr("/prices/models: no price for the model 'm'"));
  EXPECT_THAT(crudbench(arguments("run", {"--budget", "lots"})).errors,
              HasSubstr("--budget: expected an amount such as 5.00"));
}

}  // namespace
}  // namespace crudbench
