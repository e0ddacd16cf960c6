#include "harness/store/merge.h"

#include <optional>
#include <set>

#include "harness/store/store.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using ::testing::ElementsAre;
using testing_support::TemporaryFolder;

/// How a part differs from the usual one.
struct PartChanges {
  std::string split = "split";
  std::int64_t shard_count = 2;
  std::string version = "1";
  std::string metrics = "m1";
  std::int64_t wanted_samples = 2;  ///< Two runs with one sample each.
};

class MergeShardsTest : public ::testing::Test {
 protected:
  /// Shard `number` of two: it holds sample `number` of two runs over two samples.
  Workspace make_part(const std::string& name, std::int64_t number,
                      const PartChanges& changes = {}) const {
    const Workspace workspace{.folder = folder_.path() / name};
    Store store(workspace, Database::Mode::kReadWrite);
    const auto item_ids =
        store.put_items("samples", "corpus",
                        std::vector{ItemRecord{.task = "event_summary",
                                               .sample_id = "s" + std::to_string(number),
                                               .query = "q",
                                               .reference = "r",
                                               .gold_doc_ids = {}}});
    std::vector<ExperimentRun> runs;
    for (const char* fingerprint : {"f1", "f2"}) {
      const std::int64_t run_id = store.put_run(
          {.fingerprint = fingerprint,
           .cell_fingerprint = fingerprint,
           .task = "event_summary",
           .cell = Json::object(),
           .provenance = {{"crudbench", changes.version}, {"git", "g"}, {"host", name}},
           .sample_count = 2});
      runs.push_back({run_id, "label of " + std::string(fingerprint)});
      const std::string prompt = "prompt " + std::to_string(number);
      SampleRecord sample{.item_id = item_ids.at(0),
                          .prompt_sha256 = "hash of " + prompt,
                          .prompt = prompt,
                          .prediction = fingerprint + std::to_string(number),
                          .completion_key = "c" + std::to_string(number),
                          .attempt_count = 2,
                          .attempts = {{"seconds", 0.5}},
                          .finish_reason = "stop"};
      sample.scores = {{"bleu", 0.1 * static_cast<double>(number)}};
      store.put_samples(run_id, std::vector{sample});
      store.put_scored_metrics(run_id, {{"bleu", changes.metrics}});
      store.put_bank(run_id, "judge", {{"entries", 3}});
    }
    store.put_completions(std::vector{CompletionRecord{.key = "c" + std::to_string(number),
                                                       .text = "reply " + std::to_string(number)}});
    store.put_experiment("e", {{"experiment", "e"}}, runs);
    store.put_shard("e", {.number = number,
                          .count = changes.shard_count,
                          .split = changes.split,
                          .sample_count = changes.wanted_samples});
    return workspace;
  }

  MergeResult merge(const std::vector<Workspace>& parts, bool allow_missing = false) const {
    return merge_shards(parts, target(), allow_missing);
  }
  Workspace target() const { return {.folder = folder_.path() / "merged"}; }
  /// No half of a result, and nothing temporary.
  bool nothing_is_left() const {
    return !std::filesystem::exists(target().folder) || std::filesystem::is_empty(target().folder);
  }

  TemporaryFolder folder_;
};

TEST_F(MergeShardsTest, JoinsRunsSamplesAndCompletions) {
  // The second part first: the order of parts must not matter.
  const MergeResult result = merge({make_part("b", 2), make_part("a", 1)});
  EXPECT_EQ(result.sample_count, 4);
  EXPECT_EQ(result.expected_count, 4);
  EXPECT_THAT(result.experiments, ElementsAre("e"));
  const Store store(target(), Database::Mode::kReadOnly);
  const std::vector<RunRecord> runs = store.runs("e");
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].label, "label of f1");
  std::vector<std::string> seen;
  store.visit_samples(runs[0].run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
    seen.push_back(item.sample_id + " " + sample.prediction + " " + sample.reply.value_or("") +
                   " " + to_text(sample.scores));
  });
  EXPECT_THAT(seen, ElementsAre("s1 f11 reply 1 {\"bleu\":0.1}", "s2 f12 reply 2 {\"bleu\":0.2}"));
  EXPECT_EQ(store.scored_metrics(runs[1].run_id),
            (std::map<std::string, std::string>{{"bleu", "m1"}}));
  EXPECT_EQ(store.banks(runs[1].run_id).at("judge"), (Json{{"entries", 3}}));
  EXPECT_FALSE(store.find_shard("e").has_value()) << "it is whole now";
}

/// The rows of a table, all columns but ids, in no order.
std::multiset<std::string> rows_of(const Workspace& workspace, const std::string& table) {
  Database database(workspace.database_file(), Database::Mode::kReadOnly);
  Statement column = database.prepare(
      "SELECT name FROM pragma_table_info(?1) WHERE name NOT IN ('id', 'run_id', 'item_id')");
  column.bind(1, table);
  std::string columns;
  while (column.step()) {
    columns += (columns.empty() ? "quote(" : " || '|' || quote(") + column.text(0) + ")";
  }
  std::multiset<std::string> rows;
  Statement row = database.prepare("SELECT " + columns + " FROM " + table);
  while (row.step()) {
    rows.insert(row.text(0));
  }
  return rows;
}

TEST_F(MergeShardsTest, CopiesEveryColumn) {
  const Workspace first = make_part("a", 1);
  const Workspace second = make_part("b", 2);
  merge({first, second});
  for (const char* table : {"samples", "completions", "items", "prompt_packs"}) {
    std::multiset<std::string> expected = rows_of(first, table);
    expected.merge(rows_of(second, table));
    EXPECT_EQ(rows_of(target(), table), expected) << table;
  }
  const Store store(target(), Database::Mode::kReadOnly);
  EXPECT_EQ(store.prompt_totals().count, 2);
  for (const std::string prompt : {"prompt 1", "prompt 2"}) {
    EXPECT_EQ(store.find_prompt("hash of " + prompt), prompt);
  }
}

TEST_F(MergeShardsTest, AddsUpWhatWasSpent) {
  const std::vector<Workspace> parts{make_part("a", 1), make_part("b", 2)};
  for (const Workspace& part : parts) {
    Store(part, Database::Mode::kReadWrite)
        .put_completions({}, std::vector<SpendingRecord>{{.experiment = "e",
                                                          .purpose = "generation",
                                                          .model = "m",
                                                          .requests = 3,
                                                          .usage = {.prompt_tokens = 100,
                                                                    .cached_prompt_tokens = 40,
                                                                    .completion_tokens = 7},
                                                          .cost = 0.25,
                                                          .currency = "USD"}});
  }
  merge(parts);
  EXPECT_EQ(
      Store(target(), Database::Mode::kReadOnly).spending("e"),
      (std::vector<SpendingRecord>{
          {.experiment = "e",
           .purpose = "generation",
           .model = "m",
           .requests = 6,
           .usage = {.prompt_tokens = 200, .cached_prompt_tokens = 80, .completion_tokens = 14},
           .cost = 0.5,
           .currency = "USD"}}));
}

TEST_F(MergeShardsTest, NamesWhatIsMissing) {
  EXPECT_ERROR(
      merge({make_part("a", 1, {.shard_count = 4}), make_part("b", 2, {.shard_count = 4})}),
      ErrorCode::kInvalidData, "missing of 4 shards: 3, 4; --partial");
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(MergeShardsTest, MergesWhatIsThereWhenToldTo) {
  const MergeResult result = merge({make_part("b", 2)}, true);
  EXPECT_THAT(result.missing, ElementsAre(1));
  EXPECT_EQ(result.sample_count, 2);
  EXPECT_EQ(result.expected_count, 4);
}

TEST_F(MergeShardsTest, RefusesAPartThatIsThereTwice) {
  EXPECT_ERROR(merge({make_part("a", 1), make_part("copy", 1)}), ErrorCode::kInvalidData,
               "are both shard 1 of 2 of experiment 'e'");
}

TEST_F(MergeShardsTest, RefusesAPartThatIsNotFinished) {
  EXPECT_ERROR(merge({make_part("a", 1), make_part("b", 2, {.wanted_samples = 3})}),
               ErrorCode::kInvalidData, "b' is not finished: it has 2 of its 3 samples");
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(MergeShardsTest, RefusesPartsThatDoNotBelongTogether) {
  const auto refuse = [this](const PartChanges& changes, const std::string& message) {
    static int count = 0;
    const std::string name = std::to_string(++count);
    EXPECT_ERROR(merge({make_part("a" + name, 1), make_part("b" + name, 2, changes)}),
                 ErrorCode::kInvalidData, message);
    EXPECT_TRUE(nothing_is_left());
  };
  refuse({.split = "other"}, "is of another configuration of experiment 'e'");
  refuse({.shard_count = 3}, "is one of 3 shards of experiment 'e'");
  refuse({.version = "2"}, "was made by crudbench 2 (g)");
  refuse({.metrics = "m2"}, "has other metrics than");
}

TEST_F(MergeShardsTest, RefusesAWorkspaceThatIsNoShard) {
  const Workspace whole{.folder = folder_.path() / "whole"};
  Store(whole, Database::Mode::kReadWrite).put_experiment("e", Json::object(), {});
  EXPECT_ERROR(merge({whole}), ErrorCode::kInvalidData, "holds experiment 'e' whole");
  EXPECT_ERROR(merge({{.folder = folder_.path() / "none"}}), ErrorCode::kIo, "no results");
}

TEST_F(MergeShardsTest, NeverAddsToResultsThatAreThere) {
  { const Store there(target(), Database::Mode::kReadWrite); }
  EXPECT_ERROR(merge({make_part("a", 1), make_part("b", 2)}), ErrorCode::kIo,
               "has results already");
}

}  // namespace
}  // namespace crudbench
