#include "harness/runner/runner.h"

#include <atomic>
#include <map>
#include <set>

#include "harness/generators/generator.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/thread_pool.h"
#include "tests/fakes/answering_generator.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::AnsweringGenerator;
using testing_support::source_root;
using testing_support::TemporaryFolder;

/// How the scripted generator answers, and what it was asked.
struct Script {
  std::set<std::string> failing;  ///< Sample ids that get a failure.
  std::set<std::string> blank;    ///< Sample ids that get an empty answer.
  std::size_t stop_after = SIZE_MAX;
  std::stop_source stop;
  std::map<std::string, int> asked;            ///< By task and sample id.
  std::map<std::string, std::string> prompts;  ///< The last one, by sample id.
};

/// Answers with the start of the first passage.
class ScriptedGenerator final : public Generator {
 public:
  explicit ScriptedGenerator(Script& script) : script_(script) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    Prompt prompt;
    while (!stop.stop_requested()) {
      const auto status = source.next(prompt, std::chrono::milliseconds(20));
      if (status == PromptSource::Status::kEnd) {
        return;
      }
      if (status == PromptSource::Status::kPending) {
        continue;
      }
      ++script_.asked[prompt.task + "/" + prompt.sample_id];
      script_.prompts[prompt.sample_id] = prompt.text;
      sink.accept(prompt.ticket, answer(prompt));
      if (--script_.stop_after == 0) {
        script_.stop.request_stop();
        return;
      }
    }
  }

 private:
  Reply answer(const Prompt& prompt) const {
    if (script_.failing.contains(prompt.sample_id)) {
      return {.failure = Failure{Stage::kGeneration, "timeout", "too slow"}};
    }
    if (script_.blank.contains(prompt.sample_id)) {
      return {.text = "<response> </response>"};
    }
    const std::string passage = prompt.passages.empty() ? "无" : prompt.passages.front();
    return {.text = "<response>" + passage + "</response>"};
  }

  Script& script_;
};

class Silent final : public RunListener {
 public:
  void run_started(const PlannedRun&, std::size_t, std::size_t) override {}
  void sample_finished(const PlannedRun&, const SampleRecord&) override { ++samples; }
  void judging_started(const PlannedRun&, const std::string&, std::size_t count) override {
    judgements += count;
  }
  void sample_judged(const PlannedRun&) override {}
  void run_finished(const PlannedRun&, const RunProgress&) override {}
  std::atomic<std::size_t> samples{0};
  std::size_t judgements = 0;
};

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() : catalog_(builtin_catalog()), pool_(2) {
    catalog_.generators.add("scripted",
                            {.summary = "answers as the test says",
                             .example = {{"type", "scripted"}},
                             .check = [](Options& options) { options.integer("salt", 0, 0); },
                             .make =
                                 [this](Options& options, const GeneratorParts&) {
                                   options.integer("salt", 0, 0);
                                   return std::make_unique<ScriptedGenerator>(script_);
                                 },
                             .neutral_options = {},
                             .costly = costly_});
    catalog_.generators.add(
        "judge",
        {.summary = "answers as the test says",
         .example = {{"type", "judge"}},
         .check = [](Options& options) { options.integer("seed", 0, 0); },
         .make =
             [this](Options& options, const GeneratorParts&) {
               const auto seed = options.integer("seed", 0, 0);
               return std::make_unique<AnsweringGenerator>([this, seed](const Prompt& prompt) {
                 ++judge_calls_;
                 judge_seeds_.insert(seed);
                 return judge_(prompt);
               });
             },
         .neutral_options = {},
         .costly = true});
  }

  Experiment experiment(const Json& changes = Json::object()) const {
    const std::string sample = (source_root() / "datasets" / "sample").string();
    Json config = {{"experiment", "test"},
                   {"dataset",
                    {{"type", "crud_rag"},
                     {"samples", sample + "/samples.json"},
                     {"corpus", sample + "/corpus"},
                     {"tasks", {"questanswer_1doc"}},
                     {"kb", "gold_augmented"}}},
                   {"chunker", {{"type", "fixed"}, {"size", 100}}},
                   {"retriever", {{"type", "bm25"}, {"top_k", 3}}},
                   {"generator", {{"type", "scripted"}}},
                   {"metrics", {"rouge", "retrieval"}}};
    config.merge_patch(changes);
    return parse_experiment(config, "test.json", "/", {}, catalog_);
  }

  ExperimentOutcome run(const Experiment& experiment, const RunOptions& options = {}) {
    const Dataset dataset = catalog_.datasets.build(experiment.dataset)->read(pool_);
    return run_experiment(experiment, dataset, catalog_, store_, workspace_, pool_, options,
                          listener_, script_.stop.get_token());
  }

  std::vector<SampleRecord> samples_of_run(std::int64_t run_id) const {
    std::vector<SampleRecord> samples;
    store_.visit_samples(run_id, [&](const ItemRecord&, SampleRecord&& sample) {
      samples.push_back(std::move(sample));
    });
    return samples;
  }

  /// A bank that has questions on every sample but one.
  Json judged_by_bank() const {
    Json bank = Json::object();
    for (const char* group : {"a", "b"}) {
      for (int i = 1; i <= 7; ++i) {
        bank[group + std::string("-q1-00") + std::to_string(i)] = {{"question", {"一？", "二？"}},
                                                                   {"answers", {"甲", "无法推断"}}};
      }
    }
    bank["a-q1-003"] = Json::object();
    return {{"metrics",
             {"rouge",
              {{"type", "quest_eval"},
               {"judge", {{"type", "judge"}}},
               {"bank", folder_.write("bank.json", to_text(bank)).string()}}}}};
  }

  TemporaryFolder folder_;
  Workspace workspace_{folder_.path()};
  Store store_{workspace_, Database::Mode::kReadWrite};
  Script script_;
  bool costly_ = false;
  AnsweringGenerator::Answer judge_ = [](const Prompt&) {
    return Reply{.text = R"(["甲", "乙"])"};
  };
  int judge_calls_ = 0;
  std::set<std::int64_t> judge_seeds_;
  Catalog catalog_;
  ThreadPool pool_;
  Silent listener_;
};

TEST_F(RunnerTest, BringsEverySampleToItsFate) {
  script_.failing = {"a-q1-001"};
  script_.blank = {"a-q1-002"};
  const ExperimentOutcome outcome = run(experiment());
  EXPECT_EQ(outcome.total, 14);
  EXPECT_EQ(outcome.ok, 12);
  EXPECT_EQ(outcome.failed, 2);
  for (const SampleRecord& sample : samples_of_run(outcome.run_ids.at(0))) {
    if (sample.sample_id == "a-q1-001") {
      EXPECT_EQ(sample.failure->failure_class, "timeout");
      EXPECT_TRUE(sample.scores.at("recall@8").is_number()) << "retrieval is scored all the same";
      EXPECT_EQ(sample.scores.at("rouge_l").at("failed"), "no_prediction");
    } else if (sample.sample_id == "a-q1-002") {
      EXPECT_EQ(sample.failure->failure_class, "empty");
    } else {
      EXPECT_FALSE(sample.failure.has_value());
      EXPECT_EQ(sample.hits.size(), 3U);
      EXPECT_TRUE(sample.scores.at("rouge_l").is_number());
    }
  }
}

TEST_F(RunnerTest, KeepsThePromptsThatWereSent) {
  script_.failing = {"a-q1-001"};
  for (const SampleRecord& sample : samples_of_run(run(experiment()).run_ids.at(0))) {
    EXPECT_TRUE(sample.prompt_is_kept);
    EXPECT_EQ(store_.find_prompt(sample.prompt_sha256).value(),
              script_.prompts.at(sample.sample_id))
        << sample.sample_id;
  }
  // Another generator is asked the same.
  run(experiment({{"generator", {{"salt", 1}}}}));
  EXPECT_EQ(store_.prompt_totals().count, 14);
}

TEST_F(RunnerTest, KeepsNoPromptsWhereItIsToldNotTo) {
  for (const SampleRecord& sample :
       samples_of_run(run(experiment({{"keep_prompts", false}})).run_ids.at(0))) {
    EXPECT_FALSE(sample.prompt_is_kept);
    EXPECT_EQ(sample.prompt_sha256.size(), 64U);
  }
  EXPECT_EQ(store_.prompt_totals().count, 0);
  EXPECT_EQ(run(experiment()).total, 14) << "nothing is run again for it";
  EXPECT_EQ(script_.asked.at("questanswer_1doc/a-q1-002"), 1);
}

TEST_F(RunnerTest, DoesNothingTwice) {
  run(experiment());
  run(experiment());
  for (const auto& [sample, count] : script_.asked) {
    EXPECT_EQ(count, 1) << sample;
  }
  EXPECT_EQ(script_.asked.size(), 14U);
}

TEST_F(RunnerTest, ContinuesWhereItStopped) {
  script_.stop_after = 5;
  const ExperimentOutcome first = run(experiment());
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.ok, 5);
  script_.stop = std::stop_source();
  script_.stop_after = SIZE_MAX;
  const ExperimentOutcome second = run(experiment());
  EXPECT_FALSE(second.interrupted);
  EXPECT_EQ(second.ok, 14);
  for (const auto& [sample, count] : script_.asked) {
    EXPECT_EQ(count, 1) << sample;
  }
}

TEST_F(RunnerTest, RetriesFailedSamplesOnlyWhenAsked) {
  script_.failing = {"a-q1-001"};
  run(experiment());
  script_.failing.clear();
  EXPECT_EQ(run(experiment()).failed, 1);
  const ExperimentOutcome retried = run(experiment(), {.retry_failed = true});
  EXPECT_EQ(retried.failed, 0);
  EXPECT_EQ(retried.ok, 14);
  EXPECT_EQ(script_.asked.at("questanswer_1doc/a-q1-001"), 2);
  EXPECT_EQ(script_.asked.at("questanswer_1doc/a-q1-003"), 1);
}

TEST_F(RunnerTest, ComputesNewMetricsFromStoredPredictions) {
  const ExperimentOutcome first = run(experiment());
  const ExperimentOutcome second = run(experiment({{"metrics", {"rouge", "retrieval", "length"}}}));
  EXPECT_EQ(first.run_ids, second.run_ids);
  EXPECT_EQ(script_.asked.size(), 14U);
  for (const SampleRecord& sample : samples_of_run(second.run_ids.at(0))) {
    EXPECT_TRUE(sample.scores.at("length_chars").is_number());
    EXPECT_TRUE(sample.scores.at("rouge_l").is_number());
  }
}

TEST_F(RunnerTest, RescoringGivesTheScoresOfTheRunItself) {
  const Experiment both = experiment({{"metrics", {"rouge", "retrieval", "bleu"}}});
  const auto scored_at_once = samples_of_run(run(both).run_ids.at(0));
  const TemporaryFolder other;
  Store store(Workspace{other.path()}, Database::Mode::kReadWrite);
  const Experiment first = experiment({{"metrics", {"rouge"}}});
  const Dataset dataset = catalog_.datasets.build(first.dataset)->read(pool_);
  for (const Experiment& each : {first, both}) {
    run_experiment(each, dataset, catalog_, store, Workspace{other.path()}, pool_, {}, listener_,
                   {});
  }
  std::size_t position = 0;
  store.visit_samples(1, [&](const ItemRecord&, SampleRecord&& sample) {
    EXPECT_EQ(sample.scores, scored_at_once.at(position++).scores);
  });
  EXPECT_EQ(position, scored_at_once.size());
}

TEST_F(RunnerTest, GivesCellsOfSmallerTopKThePrefixOfTheSameHits) {
  const ExperimentOutcome outcome =
      run(experiment({{"retriever", {{"type", {"bm25", "hybrid"}}, {"top_k", {2, 5}}}}}));
  ASSERT_EQ(outcome.run_ids.size(), 4U);
  for (const std::size_t pair : {0U, 2U}) {
    const auto small = samples_of_run(outcome.run_ids[pair]);
    const auto large = samples_of_run(outcome.run_ids[pair + 1]);
    for (std::size_t i = 0; i < small.size(); ++i) {
      ASSERT_EQ(small[i].hits.size(), 2U);
      ASSERT_EQ(large[i].hits.size(), 5U);
      EXPECT_TRUE(std::equal(small[i].hits.begin(), small[i].hits.end(), large[i].hits.begin()));
    }
  }
}

TEST_F(RunnerTest, NamesRunsByEverythingThatCanChangeAnAnswer) {
  const auto fingerprint = [&](const Json& changes) {
    const Experiment changed = experiment(changes);
    const Dataset dataset = catalog_.datasets.build(changed.dataset)->read(pool_);
    const KnowledgeBase knowledge_base(workspace_.knowledge_base_folder(), dataset.corpus,
                                       dataset.corpus_fingerprint, catalog_, pool_);
    return make_plan(changed, dataset, catalog_, knowledge_base, nullptr).runs.at(0).fingerprint;
  };
  std::set<std::string> names;
  const std::vector<Json> changes{Json::object(),
                                  {{"chunker", {{"size", 101}}}},
                                  {{"retriever", {{"top_k", 4}}}},
                                  {{"retriever", {{"k1", 1.3}}}},
                                  {{"context", {{"max_tokens", 100}}}},
                                  {{"context", {{"order", "reverse"}}}},
                                  {{"generator", {{"salt", 1}}}},
                                  {{"dataset", {{"limit", 3}}}},
                                  {{"dataset", {{"limit", 3}, {"seed", 5}}}},
                                  {{"dataset", {{"kb", "paper"}}}},
                                  {{"dataset", {{"tasks", {"event_summary"}}}}}};
  for (const Json& change : changes) {
    EXPECT_TRUE(names.insert(fingerprint(change)).second) << change;
  }
  EXPECT_EQ(fingerprint({{"metrics", {"length"}}}), fingerprint(Json::object()));
}

TEST_F(RunnerTest, KeepsARowTogetherWhicheverTasksAreRun) {
  const Json one = {{"dataset", {{"tasks", {"event_summary"}}}}};
  const Json two = {{"dataset", {{"tasks", {"event_summary", "hallu_modified"}}}}};
  run(experiment(one));
  run(experiment(two));
  const auto runs = store_.runs();
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].cell_fingerprint, runs[1].cell_fingerprint);
}

TEST_F(RunnerTest, GivesTheSameResultsOnAnyNumberOfThreads) {
  const auto results = [&](std::size_t threads) {
    const TemporaryFolder folder;
    const Workspace workspace{folder.path()};
    Store store(workspace, Database::Mode::kReadWrite);
    ThreadPool pool(threads);
    const Experiment all = experiment({{"retriever", {{"type", {"bm25", "dense", "hybrid"}}}},
                                       {"generator", {{"type", "extractive"}}}});
    const Dataset dataset = catalog_.datasets.build(all.dataset)->read(pool);
    run_experiment(all, dataset, catalog_, store, workspace, pool, {}, listener_, {});
    std::string scores;
    for (const RunRecord& record : store.runs()) {
      store.visit_samples(record.run_id, [&](const ItemRecord&, SampleRecord&& sample) {
        scores += sample.sample_id + sample.prediction + to_text(sample.scores);
      });
    }
    return scores;
  };
  const std::string one = results(1);
  EXPECT_FALSE(one.empty());
  EXPECT_EQ(one, results(3));
}

/// The value whose name begins so, whatever the judge's label.
Json score_of(const SampleRecord& sample, const std::string& name) {
  for (const auto& [key, value] : sample.scores.items()) {
    if (key.starts_with(name + "[")) {
      return value;
    }
  }
  return "no such score";
}

TEST_F(RunnerTest, HasAnswersJudgedAfterTheyAreStored) {
  script_.failing = {"a-q1-001"};
  const ExperimentOutcome outcome = run(experiment(judged_by_bank()));
  EXPECT_EQ(outcome.failed, 1) << "a judge voids no sample";
  EXPECT_EQ(listener_.judgements, 13U);
  std::size_t judged = 0;
  for (const SampleRecord& sample : samples_of_run(outcome.run_ids.at(0))) {
    if (sample.sample_id == "a-q1-001") {
      EXPECT_EQ(score_of(sample, "quest_clean_recall").at("failed"), "no_prediction");
    } else if (sample.sample_id == "a-q1-003") {
      EXPECT_TRUE(score_of(sample, "quest_clean_recall").is_null());
    } else {
      ++judged;
      EXPECT_EQ(score_of(sample, "quest_clean_recall"), 1.0) << sample.sample_id;
      EXPECT_EQ(score_of(sample, "quest_upstream_f1"), 1.0);
      EXPECT_TRUE(sample.scores.at("rouge_l").is_number());
    }
  }
  EXPECT_EQ(judged, 12U);
}

TEST_F(RunnerTest, RecordsWhatTheQuestionBankWasLike) {
  const std::int64_t run_id = run(experiment(judged_by_bank())).run_ids.at(0);
  const std::map<std::string, Json> banks = store_.banks(run_id);
  ASSERT_EQ(banks.size(), 1U);
  const auto& [label, bank] = *banks.begin();
  EXPECT_TRUE(label.starts_with("judge#")) << label;
  EXPECT_EQ(bank.at("file"), "bank.json");
  EXPECT_EQ(bank.at("entries"), 14);
  EXPECT_EQ(bank.at("empty"), 1);
  EXPECT_EQ(bank.at("usable"), 13);
  EXPECT_EQ(bank.at("unanswerable_questions"), 13);
}

TEST_F(RunnerTest, JudgesNothingTwice) {
  run(experiment(judged_by_bank()));
  const int calls = judge_calls_;
  EXPECT_GT(calls, 0);
  run(experiment(judged_by_bank()));
  EXPECT_EQ(judge_calls_, calls);
  EXPECT_EQ(listener_.judgements, 14U);
}

TEST_F(RunnerTest, JudgesWhatIsStoredWhenAJudgeIsAdded) {
  run(experiment());
  const auto asked = script_.asked;
  const ExperimentOutcome outcome = run(experiment(judged_by_bank()));
  EXPECT_EQ(script_.asked, asked);
  EXPECT_EQ(score_of(samples_of_run(outcome.run_ids.at(0)).front(), "quest_clean_f1"), 1.0);
}

TEST_F(RunnerTest, ContinuesJudgingWhereItStopped) {
  judge_ = [&](const Prompt& prompt) {
    if (judge_calls_ == 5) {
      script_.stop.request_stop();
    }
    const bool makes_questions = prompt.text.find("设计一个问题") != std::string::npos;
    return Reply{.text = makes_questions ? R"({"question": ["一？", "二？"]})" : R"(["甲", "乙"])"};
  };
  const Json by_questions = {
      {"metrics", {{{"type", "quest_eval"}, {"judge", {{"type", "judge"}}}}}}};
  EXPECT_TRUE(run(experiment(by_questions)).interrupted);
  script_.stop = std::stop_source();
  const ExperimentOutcome outcome = run(experiment(by_questions));
  EXPECT_FALSE(outcome.interrupted);
  for (const SampleRecord& sample : samples_of_run(outcome.run_ids.at(0))) {
    EXPECT_TRUE(score_of(sample, "quest_clean_recall").is_number()) << sample.sample_id;
  }
}

TEST_F(RunnerTest, AsksAJudgeThatFailedAgainOnlyWhenTold) {
  const auto answer = judge_;
  judge_ = [](const Prompt&) {
    return Reply{.failure = Failure{Stage::kGeneration, "rate_limited", "slow down"}};
  };
  const ExperimentOutcome outcome = run(experiment(judged_by_bank()));
  const auto first = [&] { return samples_of_run(outcome.run_ids.at(0)).front(); };
  EXPECT_EQ(score_of(first(), "quest_clean_f1").at("failed"), "judge_rate_limited");
  judge_ = answer;
  run(experiment(judged_by_bank()));
  EXPECT_TRUE(score_of(first(), "quest_clean_f1").is_object());
  run(experiment(judged_by_bank()), {.retry_failed = true});
  EXPECT_EQ(score_of(first(), "quest_clean_f1"), 1.0);
}

TEST_F(RunnerTest, RepeatsWithOtherSeeds) {
  Json changes = judged_by_bank();
  changes["repeats"] = 3;
  const ExperimentOutcome outcome = run(experiment(changes));
  EXPECT_EQ(outcome.total, 42);
  EXPECT_EQ(script_.asked.at("questanswer_1doc/a-q1-001"), 3);
  EXPECT_EQ(judge_seeds_, (std::set<std::int64_t>{0, 1, 2}));
  EXPECT_EQ(samples_of_run(outcome.run_ids.at(0)).size(), 42U);
}

TEST_F(RunnerTest, AddsRepeatsToARunThatIsThere) {
  const ExperimentOutcome once = run(experiment());
  const ExperimentOutcome twice = run(experiment({{"repeats", 2}}));
  EXPECT_EQ(once.run_ids, twice.run_ids);
  EXPECT_EQ(script_.asked.at("questanswer_1doc/a-q1-001"), 2);
  EXPECT_EQ(store_.runs().at(0).sample_count, 28);
  const ExperimentOutcome again = run(experiment());
  EXPECT_EQ(again.total, 28);
  EXPECT_FALSE(again.interrupted);
}

TEST_F(RunnerTest, ScoresWithEmbeddersWhoseNamesStandInTheScores) {
  const ExperimentOutcome outcome =
      run(experiment({{"metrics",
                       {"similarity",
                        {{"type", "similarity"}, {"embedder", {{"type", "lsa"}, {"dim", 16}}}},
                        {{"type", "bertscore"}, {"idf", true}, {"rescale", true}}}}}));
  for (const SampleRecord& sample : samples_of_run(outcome.run_ids.at(0))) {
    EXPECT_TRUE(sample.scores.contains("similarity[lsa]")) << sample.scores;
    EXPECT_TRUE(sample.scores.contains("similarity[lsa dim=16]"));
    EXPECT_TRUE(sample.scores.contains("bertscore_idf_rescaled_p[lsa]"));
    EXPECT_NE(sample.scores.at("similarity[lsa]"), sample.scores.at("similarity[lsa dim=16]"));
  }
}

TEST_F(RunnerTest, CountsTheChunksOfGoldDocuments) {
  const ExperimentOutcome outcome = run(experiment());
  for (const SampleRecord& sample : samples_of_run(outcome.run_ids.at(0))) {
    EXPECT_GT(sample.gold_chunk_count, 1) << "an article is longer than 100 characters";
  }
}

TEST_F(RunnerTest, SaysWhenNoSampleIsLeft) {
  Experiment nothing = experiment();
  const TemporaryFolder folder;
  nothing.dataset["samples"] =
      folder.write("s.json", R"({"questanswer_1doc": [{"ID": "x", "questions": ""}]})").string();
  EXPECT_ERROR(run(nothing), ErrorCode::kInvalidData, "no valid sample");
}

}  // namespace
}  // namespace crudbench
