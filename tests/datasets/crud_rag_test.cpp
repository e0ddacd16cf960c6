#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "datasets/builtin_datasets.h"
#include "datasets/dataset.h"
#include "tests/fakes/backward_executor.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::BackwardExecutor;
using testing_support::shared_file;
using testing_support::skip_message;
using testing_support::TemporaryFolder;

Catalog builtin_datasets() {
  Catalog catalog;
  add_builtin_datasets(catalog);
  return catalog;
}

Json resolve(const Json& config) {
  return builtin_datasets().datasets.resolve(config, "c.json", "/dataset");
}

Dataset read(const Json& config, Executor& executor) {
  return builtin_datasets().datasets.build(resolve(config))->read(executor);
}

Dataset read(const Json& config) {
  SerialExecutor executor;
  return read(config, executor);
}

/// "TASK/ID" of every sample.
std::vector<std::string> names_of(const Dataset& dataset) {
  std::vector<std::string> names;
  for (const Sample& sample : dataset.samples) {
    names.push_back(sample.task + "/" + sample.sample_id);
  }
  return names;
}

/// A data set of hand-made files: ten samples of event_summary, one of hallu_modified whose article
/// is in the corpus, one of questanswer_1doc that is broken.
class CrudRag : public testing::Test {
 protected:
  CrudRag() {
    Json samples{{"event_summary", Json::array()}};
    for (int i = 0; i < 10; ++i) {
      const std::string number = std::to_string(i);
      samples["event_summary"].push_back({{"ID", number},
                                          {"event", "事件" + number},
                                          {"summary", "概要" + number},
                                          {"text", "正文" + number}});
    }
    samples["hallu_modified"] = {{{"ID", "h"},
                                  {"newsBeginning", "开头"},
                                  {"hallucinatedContinuation", "误"},
                                  {"hallucinatedMod", "正"},
                                  {"newsRemainder", "\n乙\n丙"}}};
    samples["questanswer_1doc"] = {{{"ID", "q"}, {"questions", "问"}, {"answers", " "}}};
    folder_.write("corpus/a", "甲\n乙 丙\n");
    folder_.write("samples.json", samples.dump());
    config_ = {{"type", "crud_rag"},
               {"samples", (folder_.path() / "samples.json").string()},
               {"corpus", (folder_.path() / "corpus").string()},
               {"tasks", {"event_summary", "hallu_modified"}}};
  }

  TemporaryFolder folder_;
  Json config_;
};

TEST_F(CrudRag, ReadsTheChosenTasksInFileOrder) {
  config_["tasks"] = {"questanswer_1doc", "hallu_modified"};
  const Dataset dataset = read(config_);
  EXPECT_THAT(names_of(dataset), ElementsAre("hallu_modified/h"));
  EXPECT_EQ(dataset.record_counts.at("event_summary"), 10U);
  EXPECT_EQ(dataset.record_counts.at("questanswer_1doc"), 1U);
  EXPECT_EQ(dataset.excluded_counts.at("questanswer_1doc"), 1U);
  EXPECT_EQ(dataset.excluded_counts.at("hallu_modified"), 0U);
  EXPECT_EQ(dataset.issues.size(), 2U);  // The record lacks 'news1', and its answer is blank.
}

TEST_F(CrudRag, TakesInPaperModeTheCorpusAlone) {
  const Dataset dataset = read(config_);
  EXPECT_EQ(dataset.knowledge_base_mode, "paper");
  EXPECT_EQ(dataset.corpus.size(), 2U);
  EXPECT_EQ(dataset.corpus_line_count, 2U);
  EXPECT_EQ(dataset.added_gold_document_count, 0U);
  EXPECT_THAT(dataset.samples.back().gold_documents, ElementsAre(1U));
  EXPECT_THAT(dataset.samples.front().gold_documents, IsEmpty());
}

TEST_F(CrudRag, AddsInAugmentedModeTheArticlesOfEveryTaskWhateverIsChosen) {
  config_["kb"] = "gold_augmented";
  const Dataset all = read(config_);
  EXPECT_EQ(all.corpus.size(), 12U);
  EXPECT_EQ(all.added_gold_document_count, 10U);
  EXPECT_EQ(all.corpus.doc_id(2), "event_summary/0/text");
  EXPECT_THAT(all.samples.front().gold_documents, ElementsAre(2U));
  EXPECT_THAT(all.samples.back().gold_documents, ElementsAre(1U));
  config_["tasks"] = {"hallu_modified"};
  config_["limit"] = 1;
  const Dataset some = read(config_);
  EXPECT_EQ(some.corpus_fingerprint, all.corpus_fingerprint);
  EXPECT_EQ(some.samples_fingerprint, all.samples_fingerprint);
}

TEST_F(CrudRag, ModesHaveDifferentFingerprints) {
  const std::string paper = read(config_).corpus_fingerprint;
  config_["kb"] = "gold_augmented";
  EXPECT_NE(read(config_).corpus_fingerprint, paper);
}

TEST_F(CrudRag, LimitsEachTaskToASeededChoiceInFileOrder) {
  config_["limit"] = 4;
  const std::vector<std::string> names = names_of(read(config_));
  ASSERT_EQ(names.size(), 5U);  // Four of event_summary, the one of hallu_modified.
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(names_of(read(config_)), names);
  config_["limit"] = 100;
  EXPECT_EQ(read(config_).samples.size(), 11U);
  config_["limit"] = nullptr;
  EXPECT_EQ(read(config_).samples.size(), 11U);
}

TEST_F(CrudRag, ChoosesByTheSeed) {
  config_["limit"] = 4;
  std::set<std::vector<std::string>> choices;
  for (int seed = 0; seed < 5; ++seed) {
    config_["seed"] = seed;
    choices.insert(names_of(read(config_)));
  }
  EXPECT_GT(choices.size(), 1U);
}

TEST_F(CrudRag, GivesTheSameOnAnyNumberOfThreads) {
  config_["kb"] = "gold_augmented";
  BackwardExecutor executor(4);
  const Dataset parallel = read(config_, executor);
  const Dataset serial = read(config_);
  EXPECT_EQ(parallel.corpus_fingerprint, serial.corpus_fingerprint);
  EXPECT_EQ(names_of(parallel), names_of(serial));
}

TEST_F(CrudRag, ReadsACorpusOfOneFile) {
  config_["corpus"] = (folder_.path() / "corpus/a").string();
  EXPECT_EQ(read(config_).corpus.doc_id(1), "a:2");
}

TEST_F(CrudRag, RefusesAFileWithoutATaskThatIsAskedFor) {
  config_["tasks"] = {"continuing_writing"};
  EXPECT_ERROR(read(config_), ErrorCode::kInvalidData,
               "samples.json: no samples of the task 'continuing_writing', which the config asks "
               "for; the file has event_summary, hallu_modified, questanswer_1doc");
}

TEST_F(CrudRag, RefusesAMissingSamplesFileBeforeTheCorpus) {
  config_["samples"] = (folder_.path() / "nowhere.json").string();
  config_["corpus"] = (folder_.path() / "nowhere").string();
  EXPECT_ERROR(read(config_), ErrorCode::kIo, "nowhere.json': No such file or directory");
}

TEST_F(CrudRag, RefusesAFolderAsSamplesFile) {
  config_["samples"] = folder_.path().string();
  EXPECT_ERROR(read(config_), ErrorCode::kIo,
               "cannot read '" + folder_.path().string() + "': Is a directory");
}

TEST_F(CrudRag, RefusesATruncatedSamplesFileWithLineAndColumn) {
  config_["samples"] = folder_.write("cut.json", "{\"event_summary\": [\n {\"ID\": ").string();
  EXPECT_ERROR(read(config_), ErrorCode::kInvalidData, "cut.json:2:9: not valid JSON: ");
}

TEST_F(CrudRag, RefusesACorpusThatIsNotThere) {
  config_["corpus"] = (folder_.path() / "nowhere").string();
  EXPECT_ERROR(read(config_), ErrorCode::kIo, "nowhere': No such file or directory");
}

TEST(CrudRagOptions, HaveDefaults) {
  const Json resolved = resolve({{"type", "crud_rag"}, {"samples", "s"}, {"corpus", "c"}});
  const Json expected{{"type", "crud_rag"},
                      {"samples", "s"},
                      {"corpus", "c"},
                      {"document", "line"},
                      {"tasks",
                       {"event_summary", "continuing_writing", "hallu_modified", "questanswer_1doc",
                        "questanswer_2docs", "questanswer_3docs"}},
                      {"limit", nullptr},
                      {"seed", 22},
                      {"kb", "paper"}};
  EXPECT_EQ(resolved, expected);
  EXPECT_EQ(resolve(resolved), resolved);
}

TEST(CrudRagOptions, SpellOutGroupsOnceInUpstreamsOrder) {
  const Json resolved =
      resolve({{"type", "crud_rag"},
               {"samples", "s"},
               {"corpus", "c"},
               {"tasks", {"questanswer_2docs", "quest_answer", "event_summary"}}});
  EXPECT_EQ(resolved["tasks"],
            Json({"event_summary", "questanswer_1doc", "questanswer_2docs", "questanswer_3docs"}));
}

TEST(CrudRagOptions, RefuseImpossibleValuesByTheirKey) {
  const Json valid{{"type", "crud_rag"}, {"samples", "s"}, {"corpus", "c"}};
  const auto with = [&](const std::string& key, const Json& value) {
    Json config = valid;
    config[key] = value;
    return config;
  };
  const auto code = ErrorCode::kInvalidConfig;
  EXPECT_ERROR(resolve(with("limit", 0)), code,
               "c.json: /dataset/limit: expected an integer >= 1, found 0");
  EXPECT_ERROR(resolve(with("limit", "all")), code, "/dataset/limit: expected an integer >= 1");
  EXPECT_ERROR(resolve(with("tasks", Json::array())), code,
               "/dataset/tasks: expected at least one task");
  EXPECT_ERROR(
      resolve(with("tasks", {"quest_answers"})), code,
      "c.json: /dataset/tasks: unknown task 'quest_answers'; did you mean 'quest_answer'?");
  EXPECT_ERROR(resolve(with("kb", "gold")), code,
               "/dataset/kb: expected one of 'paper', 'gold_augmented'");
  EXPECT_ERROR(resolve(with("sample", "s")), code, "/dataset/sample: unknown key");
  EXPECT_ERROR(resolve({{"type", "crud_rag"}, {"samples", "s"}}), code, "/dataset/corpus");
}

TEST(CrudRagOptions, TheExampleIsValid) {
  const Catalog catalog = builtin_datasets();
  for (const auto& [name, entry] : catalog.datasets.entries()) {
    EXPECT_EQ(resolve(entry.example)["type"], name);
  }
}

/// The real data, where they are.
Json real_config(const std::string& samples, const std::string& mode) {
  return {{"type", "crud_rag"},
          {"samples", shared_file("data/crud_rag/" + samples).string()},
          {"corpus", shared_file("data/crud_rag/80000_docs").string()},
          {"kb", mode}};
}

bool has_real_data() {
  return !shared_file("data/crud_rag/80000_docs").empty();
}

TEST(CrudRagRealData, LoadsEveryFieldOfUpstreamsSchema) {
  if (!has_real_data()) {
    GTEST_SKIP() << skip_message("data/crud_rag/80000_docs");
  }
  const Dataset dataset = read(real_config("small_split_merged.json", "gold_augmented"));
  std::map<std::string, int> counts;
  for (const Sample& sample : dataset.samples) {
    ++counts[sample.task];
    EXPECT_THAT(sample.gold_documents, testing::Not(IsEmpty())) << sample.sample_id;
  }
  EXPECT_EQ(counts.size(), 6U);
  for (const auto& [task, count] : counts) {
    EXPECT_EQ(count, 3) << task;
    EXPECT_EQ(dataset.excluded_counts.at(task), 0U) << task;
  }
  EXPECT_THAT(dataset.issues, IsEmpty());
}

TEST(CrudRagRealData, FindsInPaperModeTheArticlesOfHalluModified) {
  if (!has_real_data()) {
    GTEST_SKIP() << skip_message("data/crud_rag/80000_docs");
  }
  const Dataset dataset = read(real_config("split_partial.json", "paper"));
  EXPECT_EQ(dataset.corpus.size(), 68'798U);
  EXPECT_EQ(dataset.corpus.duplicate_count(), 577U);
  double count = 0.0;
  double found = 0.0;
  for (const Sample& sample : dataset.samples) {
    if (sample.task == "hallu_modified") {
      count += 1.0;
      found += sample.gold_documents.empty() ? 0.0 : 1.0;
    }
  }
  EXPECT_EQ(count, 755.0);
  EXPECT_GE(found / count, 0.998);
}

TEST(CrudRagRealData, KnowsInAugmentedModeTheArticlesOfEverySample) {
  if (!has_real_data()) {
    GTEST_SKIP() << skip_message("data/crud_rag/80000_docs");
  }
  const Dataset dataset = read(real_config("split_partial.json", "gold_augmented"));
  EXPECT_EQ(dataset.samples.size(), 3113U);
  for (const Sample& sample : dataset.samples) {
    EXPECT_THAT(sample.gold_documents, testing::Not(IsEmpty())) << sample.sample_id;
  }
}

}  // namespace
}  // namespace crudbench
