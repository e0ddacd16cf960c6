#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/fingerprint.h"
#include "harness/store/store.h"
#include "tests/support/testing.h"

namespace crudbench::testing_support {

/// What a sample of a test came to.
struct TestSample {
  std::string sample_id;
  Json scores = Json::object();
  std::optional<Failure> failure;
  std::string prediction = "预测";
  std::vector<std::string> gold_doc_ids = {"news_1.txt:1"};
  std::int64_t repeat = 0;
  std::optional<std::string> prompt;  ///< Kept.
  std::string question_type;
  std::optional<double> cost;
  std::optional<double> saved;
  Json examinations = Json::object();
  std::vector<StoredHit> hits = {
      {.doc_id = "news_1.txt:1", .span = {0, 30}, .score = 1.5, .is_gold = true},
      {.doc_id = "news_1.txt:2", .span = {0, 60}, .score = 0.5}};
};

/// A run of a test; the defaults make runs of one table.
struct TestRun {
  std::string task = "event_summary";
  Json cell = {{"dataset", {{"type", "crud_rag"}, {"kb", "gold_augmented"}}},
               {"retriever", {{"type", "bm25"}, {"top_k", 8}}},
               {"generator", {{"type", "extractive"}}}};
  std::vector<TestSample> samples;
  std::optional<std::int64_t> sample_count;  ///< Default: as many as there are.
  std::string mode = "gold_augmented";
  std::string corpus = "corpus-a";
  std::string data = "samples-a";
  Json provenance = Json::object();
  std::string fingerprint_salt;
};

inline Failure timeout() {
  return {.stage = Stage::kGeneration, .failure_class = "timeout", .message = "no answer in 60 s"};
}

inline Json cell_with(const std::string& pointer, const Json& value) {
  Json cell = TestRun().cell;
  cell[Json::json_pointer(pointer)] = value;
  return cell;
}

/// A store in a folder of its own, filled through its interface.
class ReportStore {
 public:
  std::int64_t add(const TestRun& run) {
    Json provenance = run.provenance;
    provenance["knowledge_base_mode"] = run.mode;
    provenance["corpus_fingerprint"] = run.corpus;
    provenance["samples_fingerprint"] = run.data;
    const std::string cell_fingerprint = "cell" + to_text(run.cell);
    const std::int64_t run_id = store_.put_run(
        {.fingerprint = "f" + std::to_string(next_++) + run.fingerprint_salt,
         .cell_fingerprint = cell_fingerprint,
         .task = run.task,
         .cell = run.cell,
         .provenance = provenance,
         .sample_count = run.sample_count.value_or(static_cast<std::int64_t>(run.samples.size()))});
    std::vector<ItemRecord> items;
    std::vector<SampleRecord> samples;
    for (const TestSample& sample : run.samples) {
      items.push_back({.task = run.task,
                       .sample_id = sample.sample_id,
                       .query = "查询 " + sample.sample_id,
                       .reference = "参考 " + sample.sample_id,
                       .gold_doc_ids = sample.gold_doc_ids,
                       .question_type = sample.question_type});
    }
    const std::vector<std::int64_t> item_ids = store_.put_items(run.data, run.corpus, items);
    for (std::size_t i = 0; i < item_ids.size(); ++i) {
      const TestSample& sample = run.samples[i];
      samples.push_back({.item_id = item_ids[i],
                         .repeat = sample.repeat,
                         .failure = sample.failure,
                         .prompt_sha256 = sha256_hex(sample.prompt.value_or(sample.sample_id)),
                         .prompt = sample.prompt.value_or(""),
                         .prediction = sample.prediction,
                         .hits = sample.hits,
                         .usage = {.prompt_tokens = 100, .completion_tokens = 10},
                         .retrieval_seconds = 0.25,
                         .generation_seconds = 0.5,
                         .cost = sample.cost,
                         .saved = sample.saved,
                         .attempt_count = 1,
                         .scores = sample.scores,
                         .examinations = sample.examinations});
    }
    store_.put_samples(run_id, samples);
    return run_id;
  }

  Store& store() { return store_; }
  SerialExecutor& executor() { return executor_; }
  const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  Store store_{Workspace{folder_.path() / "workspace"}, Database::Mode::kReadWrite};
  SerialExecutor executor_;
  int next_ = 1;
};

}  // namespace crudbench::testing_support
