#include <fstream>
#include <map>

#include "harness/core/random.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/runner.h"
#include "harness/runner/thread_pool.h"
#include "tests/support/testing.h"

/// What holds for any sweep, whatever is cached: it gives what every cell gives from nothing.
namespace crudbench {
namespace {

using testing_support::source_root;
using testing_support::TemporaryFolder;

/// A choice of a list's elements, at least one.
Json some_of(Random& random, const Json& list) {
  Json chosen = Json::array();
  for (const Json& element : list) {
    if (random.below(2) == 0) {
      chosen.push_back(element);
    }
  }
  return chosen.empty() ? Json::array({list.at(random.below(list.size()))}) : chosen;
}

Experiment random_experiment(Random& random) {
  const std::string sample = (source_root() / "datasets" / "sample").string();
  Json config = {
      {"experiment", "random"},
      {"dataset",
       {{"type", "crud_rag"},
        {"samples", sample + "/samples.json"},
        {"corpus", sample + "/corpus"},
        {"tasks", some_of(random, {"questanswer_1doc", "event_summary"})},
        {"limit", 4},
        {"kb", "gold_augmented"}}},
      {"chunker", {{"type", "fixed"}, {"size", some_of(random, {60, 150})}}},
      {"embedder", {{"type", "lsa"}, {"dim", some_of(random, {8, 16})}}},
      {"retriever", {{"type", some_of(random, {"bm25", "dense", "hybrid", "none"})}}},
      {"context", {{"max_tokens", some_of(random, {100, 1000})}}},
      {"metrics", some_of(random, {"rouge", "retrieval", "bleu", "length", "similarity"})}};
  if (random.below(2) == 0) {
    config["retriever"] = {{"type", some_of(random, {"bm25", "dense"})},
                           {"top_k", some_of(random, {1, 3, 8})}};
  }
  if (random.below(3) == 0) {
    config["variants"] = {{{"label", "as it is"}},
                          {{"label", "short"}, {"context", {{"max_tokens", 100}}}}};
  }
  constexpr std::size_t kMostCells = 6;
  Experiment experiment = parse_experiment(config, "random.json", "/", {}, builtin_catalog());
  while (experiment.cells.size() > kMostCells) {
    experiment.cells.erase(experiment.cells.begin() +
                           static_cast<std::ptrdiff_t>(random.below(experiment.cells.size())));
  }
  return experiment;
}

/// Asks for a stop after a number of samples.
class Stopper final : public RunListener {
 public:
  explicit Stopper(std::size_t stop_after) : stop_after_(stop_after) {}
  void run_started(const PlannedRun&, std::size_t, std::size_t) override {}
  void sample_finished(const PlannedRun&, const SampleRecord&) override {
    if (--stop_after_ == 0) {
      stop_.request_stop();
    }
  }
  void judging_started(const PlannedRun&, const std::string&, std::size_t) override {}
  void sample_judged(const PlannedRun&) override {}
  void run_finished(const PlannedRun&, const RunProgress&) override {}

  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::size_t stop_after_;
  std::stop_source stop_;
};

class SweepProperty : public ::testing::Test {
 protected:
  ExperimentOutcome run(const Experiment& experiment, const std::filesystem::path& folder,
                        std::size_t stop_after = SIZE_MAX) {
    const Workspace workspace{folder};
    Store store(workspace, Database::Mode::kReadWrite);
    const Dataset dataset = builtin_catalog().datasets.build(experiment.dataset)->read(pool_);
    Stopper listener(stop_after);
    return run_experiment(experiment, dataset, builtin_catalog(), store, workspace, pool_, {},
                          listener, listener.token());
  }

  /// Everything that must not depend on what was there before, by run.
  static std::map<std::string, std::string> results(const std::filesystem::path& folder) {
    const Store store(Workspace{folder}, Database::Mode::kReadOnly);
    std::map<std::string, std::string> digests;
    for (const RunRecord& run : store.runs("random")) {
      std::string& digest = digests[run.fingerprint];
      digest.clear();
      store.visit_samples(run.run_id, [&digest](const ItemRecord& item, SampleRecord&& sample) {
        digest += item.sample_id + "|" + sample.prediction + "|" + sample.prompt_sha256 + "|" +
                  to_text(sample.scores) + "|";
        for (const StoredHit& hit : sample.hits) {
          digest += hit.doc_id + "@" + to_text(Json(hit.score)) + " ";
        }
        digest += "\n";
      });
    }
    return digests;
  }

  /// Each cell alone, in a workspace of its own.
  std::map<std::string, std::string> results_from_nothing(const Experiment& experiment) {
    std::map<std::string, std::string> all;
    for (const Cell& cell : experiment.cells) {
      const TemporaryFolder folder;
      Experiment alone = experiment;
      alone.cells = {cell};
      run(alone, folder.path());
      all.merge(results(folder.path()));
    }
    return all;
  }

  /// Takes some of the knowledge bases away and damages some.
  static void disturb(Random& random, const std::filesystem::path& knowledge_bases) {
    std::error_code none_yet;
    std::vector<std::filesystem::path> folders;
    for (const auto& entry : std::filesystem::directory_iterator(knowledge_bases, none_yet)) {
      if (entry.is_directory()) {
        folders.push_back(entry.path());
      }
    }
    for (const auto& folder : folders) {
      const std::uint64_t fate = random.below(3);
      if (fate == 0) {
        std::filesystem::remove_all(folder);
      } else if (fate == 1) {
        std::ofstream(folder / "manifest.json") << "{";
      }
    }
  }

  ThreadPool pool_{2};
};

TEST_F(SweepProperty, GivesWhatEveryCellGivesFromNothingWhateverIsCached) {
  Random random(7);
  for (int trial = 0; trial < 5; ++trial) {
    SCOPED_TRACE(trial);
    const Experiment experiment = random_experiment(random);
    const TemporaryFolder folder;
    run(random_experiment(random), folder.path(), 1 + random.below(12));
    disturb(random, folder.path() / "kb");
    while (run(experiment, folder.path(), 1 + random.below(12)).interrupted) {
      disturb(random, folder.path() / "kb");
    }
    EXPECT_EQ(results(folder.path()), results_from_nothing(experiment));
  }
}

}  // namespace
}  // namespace crudbench
