#include "harness/store/store.h"

#include "harness/core/fingerprint.h"
#include "harness/store/compression.h"
#include "tests/support/testing.h"

namespace crudbench {
namespace {

using testing_support::TemporaryFolder;

class StoreTest : public ::testing::Test {
 protected:
  std::int64_t put_run(Store& store, const std::string& fingerprint) {
    return store.put_run({.fingerprint = fingerprint,
                          .cell_fingerprint = "row",
                          .task = "event_summary",
                          .cell = {{"retriever", {{"type", "bm25"}}}},
                          .provenance = {{"crudbench", "test"}},
                          .sample_count = 2});
  }
  std::vector<std::int64_t> put_items(Store& store) {
    return store.put_items(
        "samples", "corpus",
        std::vector<ItemRecord>{{.task = "event_summary",
                                 .sample_id = "a",
                                 .query = "问'; DROP TABLE runs; --",
                                 .reference = "参考",
                                 .gold_doc_ids = {"f.txt:1"}},
                                {.task = "event_summary", .sample_id = "b", .reference = "二"}});
  }

  TemporaryFolder folder_;
  Workspace workspace_{folder_.path()};
};

/// Takes away what schema 4 has beyond schema 3.
void remove_schema_four(Database& database) {
  for (const char* column :
       {"reasoning", "first_token_seconds", "inter_token_seconds", "cost", "saved"}) {
    database.execute(std::string("ALTER TABLE samples DROP COLUMN ") + column);
  }
  for (const char* column :
       {"reasoning", "first_token_seconds", "inter_token_seconds", "contexts"}) {
    database.execute(std::string("ALTER TABLE completions DROP COLUMN ") + column);
  }
  database.execute("DROP TABLE spending");
}

/// Takes away what schema 10 has beyond schema 9.
void remove_schema_ten(Database& database) {
  database.execute("DROP TABLE prompts");
  database.execute("DROP TABLE prompt_packs");
  database.execute(
      "CREATE TABLE prompts (id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, "
      "packed BLOB NOT NULL)");
}

/// Takes away what schema 9 has beyond schema 5.
void remove_schema_six(Database& database) {
  remove_schema_ten(database);
  database.execute("DROP INDEX samples_failed");
  database.execute("DROP TABLE prompts");
  database.execute("ALTER TABLE items DROP COLUMN question_type");
  database.execute("DROP TABLE run_banks");
}

/// Takes away what schema 5 has beyond schema 4.
void remove_schema_five(Database& database) {
  remove_schema_six(database);
  database.execute("ALTER TABLE experiment_runs DROP COLUMN label");
  database.execute("ALTER TABLE experiment_runs DROP COLUMN stopped_after");
  database.execute("DROP TABLE shards");
}

SampleRecord full_record(std::int64_t item_id) {
  return {.item_id = item_id,
          .prompt_sha256 = "hash",
          .prediction =
              "答案"
              "与<script>",
          .reply = "<response>答案</response>",
          .reasoning = "想一想",
          .hits = {{.doc_id = "f.txt:1", .span = {3, 9}, .score = 0.1, .is_gold = true}},
          .context_chars = 12,
          .context_tokens = 15,
          .context_truncated = true,
          .usage = {.prompt_tokens = 7, .cached_prompt_tokens = 0, .completion_tokens = 3},
          .retrieval_seconds = 0.25,
          .generation_seconds = 1.5,
          .first_token_seconds = 0.5,
          .cost = 0.125,
          .attempt_count = 2,
          .attempts = Json::array({{{"seconds", 0.5}, {"http_status", 429}}}),
          .finish_reason = "stop",
          .scores = {{"bleu", 0.1}, {"recall@8", nullptr}, {"x", {{"failed", "empty"}}}}};
}

TEST_F(StoreTest, GivesBackWhatWasPut) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const auto items = put_items(store);
  const std::int64_t run_id = put_run(store, "f1");
  const SampleRecord record = full_record(items[0]);
  store.put_samples(run_id, std::vector{record});
  std::size_t visited = 0;
  store.visit_samples(run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
    ++visited;
    EXPECT_EQ(item.sample_id, "a");
    EXPECT_EQ(item.query, "问'; DROP TABLE runs; --");
    EXPECT_EQ(item.gold_doc_ids, std::vector<std::string>{"f.txt:1"});
    EXPECT_FALSE(sample.failure.has_value());
    EXPECT_EQ(sample.prediction, record.prediction);
    EXPECT_EQ(sample.reply, record.reply);
    EXPECT_EQ(sample.hits, record.hits);
    EXPECT_EQ(sample.context_tokens, 15);
    EXPECT_TRUE(sample.context_truncated);
    EXPECT_EQ(sample.usage, record.usage);
    EXPECT_EQ(sample.scores, record.scores);
    EXPECT_EQ(sample.attempts, record.attempts);
    EXPECT_EQ(sample.generation_seconds, 1.5);
    EXPECT_EQ(sample.reasoning, record.reasoning);
    EXPECT_EQ(sample.first_token_seconds, 0.5);
    EXPECT_EQ(sample.inter_token_seconds, std::nullopt);
    EXPECT_EQ(sample.cost, 0.125);
    EXPECT_EQ(sample.saved, std::nullopt);
  });
  EXPECT_EQ(visited, 1U);
}

TEST_F(StoreTest, ReplacesAnEarlierRowOfTheSameItem) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const auto items = put_items(store);
  const std::int64_t run_id = put_run(store, "f1");
  SampleRecord record{.item_id = items[0],
                      .failure = Failure{Stage::kGeneration, "timeout", "too slow"}};
  store.put_samples(run_id, std::vector{record});
  EXPECT_EQ(store.progress(run_id).failed, 1);
  EXPECT_TRUE(store.finished(run_id, true).empty());
  EXPECT_EQ(store.finished(run_id, false).size(), 1U);
  record.failure.reset();
  store.put_samples(run_id, std::vector{record});
  EXPECT_EQ(store.progress(run_id).ok, 1);
  EXPECT_EQ(store.progress(run_id).failed, 0);
}

TEST_F(StoreTest, CountsFailuresInAnIndex) {
  { const Store store(workspace_, Database::Mode::kReadWrite); }
  Database database(workspace_.database_file(), Database::Mode::kReadWrite);
  Statement plan = database.prepare(
      "EXPLAIN QUERY PLAN SELECT COUNT(*) FROM samples WHERE run_id = 1 AND failure_class IS NOT "
      "NULL");
  ASSERT_TRUE(plan.step());
  EXPECT_THAT(plan.text(3), ::testing::HasSubstr("samples_failed"));
}

TEST_F(StoreTest, FindsTheSameItemsAndRunsAgain) {
  Store store(workspace_, Database::Mode::kReadWrite);
  EXPECT_EQ(put_items(store), put_items(store));
  EXPECT_EQ(put_run(store, "f1"), put_run(store, "f1"));
  EXPECT_NE(put_run(store, "f1"), put_run(store, "f2"));
}

TEST_F(StoreTest, KeepsAnExperimentsOrder) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t first = put_run(store, "f1");
  const std::int64_t second = put_run(store, "f2");
  store.put_experiment("e", Json::object(), without_labels(std::vector{second, first}));
  const auto runs = store.runs("e");
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0].run_id, second);
  store.put_experiment("e", Json::object(), without_labels(std::vector{first}));
  EXPECT_EQ(store.runs("e").size(), 1U);
  EXPECT_EQ(store.runs().size(), 2U);
}

TEST_F(StoreTest, KeepsTheConfigurationOfAnExperiment) {
  Store store(workspace_, Database::Mode::kReadWrite);
  store.put_experiment("e", {{"experiment", "e"}}, {});
  EXPECT_EQ(store.experiment_config("e"), (Json{{"experiment", "e"}}));
  EXPECT_EQ(store.experiment_config("f"), std::nullopt);
}

TEST_F(StoreTest, PassesOverItemsThatAreNotWanted) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  const std::vector<std::int64_t> items = store.put_items(
      "s", "c",
      std::vector<ItemRecord>{{.task = "t", .sample_id = "a"}, {.task = "t", .sample_id = "b"}});
  store.put_samples(run_id,
                    std::vector<SampleRecord>{{.item_id = items[0]}, {.item_id = items[1]}});
  std::vector<std::string> seen;
  store.visit_samples(
      run_id,
      [&](const ItemRecord& item, SampleRecord&& /*sample*/) { seen.push_back(item.sample_id); },
      SampleDetail::kEverything, [&](std::int64_t item_id) { return item_id == items[1]; });
  EXPECT_EQ(seen, std::vector<std::string>{"b"});
}

TEST_F(StoreTest, TellsWhatAnExperimentCallsARun) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  EXPECT_EQ(store.runs().at(0).label, "");
  store.put_experiment("a", Json::object(),
                       std::vector{ExperimentRun{run_id, "small"}, ExperimentRun{run_id, "old"}});
  store.put_experiment("b", Json::object(), without_labels(std::vector{run_id}));
  const std::vector<RunRecord> of_a = store.runs("a");
  ASSERT_EQ(of_a.size(), 2U) << "one run under two names";
  EXPECT_EQ(of_a[0].label, "small");
  EXPECT_EQ(of_a[1].label, "old");
  EXPECT_EQ(store.runs("b").at(0).label, "");
  EXPECT_EQ(store.runs().at(0).label, "small") << "b says nothing";
  store.put_experiment("a", Json::object(), std::vector{ExperimentRun{run_id, "small", 8}});
  EXPECT_EQ(store.runs("a").at(0).stopped_after, 8);
  EXPECT_EQ(store.runs().at(0).stopped_after, 0) << "b ran it to its end";
}

TEST_F(StoreTest, KnowsWhichPartOfAnExperimentItHolds) {
  Store store(workspace_, Database::Mode::kReadWrite);
  store.put_experiment("e", Json::object(), {});
  EXPECT_FALSE(store.find_shard("e").has_value());
  const ShardRecord shard{.number = 2, .count = 8, .split = "s", .sample_count = 40};
  store.put_shard("e", shard);
  store.put_experiment("e", Json::object(), {});  // Replaces what it consists of, not the part.
  EXPECT_EQ(store.find_shard("e"), shard);
}

TEST_F(StoreTest, FindsARunByPrefixOrId) {
  Store store(workspace_, Database::Mode::kReadWrite);
  put_run(store, "aa1");
  const std::int64_t second = put_run(store, "ab2");
  EXPECT_EQ(store.find_run("ab").run_id, second);
  EXPECT_EQ(store.find_run(std::to_string(second)).run_id, second);
  EXPECT_ERROR(store.find_run("a"), ErrorCode::kInvalidConfig, "several runs match 'a'");
  EXPECT_ERROR(store.find_run("zz"), ErrorCode::kInvalidConfig, "no run 'zz'");
}

TEST_F(StoreTest, TakesTheReplyFromTheCompletionCache) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const auto items = put_items(store);
  const std::int64_t run_id = put_run(store, "f1");
  store.put_completions(std::vector<CompletionRecord>{
      {.key = "key", .text = "reply", .reasoning = "because", .finish_reason = "stop"}});
  store.put_completions(std::vector<CompletionRecord>{{.key = "key", .text = "another"}});
  EXPECT_EQ(store.find_completion("key")->text, "reply");
  EXPECT_FALSE(store.find_completion("other").has_value());
  store.put_samples(run_id,
                    std::vector{SampleRecord{.item_id = items[0], .completion_key = "key"}});
  store.visit_samples(run_id, [](const ItemRecord&, SampleRecord&& sample) {
    EXPECT_EQ(sample.reply, "reply");
    EXPECT_EQ(sample.reasoning, "because");
  });
}

TEST_F(StoreTest, GivesBackACompletionWhole) {
  Store store(workspace_, Database::Mode::kReadWrite);
  CompletionRecord record{.key = "k",
                          .text = "答",
                          .reasoning = "想",
                          .finish_reason = "stop",
                          .usage = {.prompt_tokens = 3, .completion_tokens = 2},
                          .first_token_seconds = 0.5,
                          .inter_token_seconds = 0.25,
                          .contexts = Json::parse(R"([["d", "text"]])"),
                          .seconds = 1.5};
  store.put_completions(std::vector{record});
  CompletionRecord found = *store.find_completion("k");
  record.created_at = found.created_at;
  EXPECT_EQ(found, record);
  EXPECT_FALSE(found.created_at.empty());
}

TEST_F(StoreTest, ReplacesACompletionOnlyWhereItIsTold) {
  Store store(workspace_, Database::Mode::kReadWrite);
  store.put_completions(std::vector<CompletionRecord>{{.key = "k", .text = "first"}});
  store.put_completions(std::vector<CompletionRecord>{{.key = "k", .text = "second"}}, {}, true);
  EXPECT_EQ(store.find_completion("k")->text, "second");
  EXPECT_EQ(store.completion_totals().count, 1);
}

TEST_F(StoreTest, AddsUpWhatAnExperimentSpends) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const auto spent = [](const std::string& model, std::int64_t tokens, double cost) {
    return SpendingRecord{.experiment = "e",
                          .purpose = "generation",
                          .model = model,
                          .requests = 1,
                          .usage = {.prompt_tokens = tokens, .completion_tokens = 1},
                          .cost = cost,
                          .currency = "USD"};
  };
  store.put_completions({}, std::vector{spent("m", 10, 0.5), spent("n", 1, 2.0)});
  store.put_completions({}, std::vector{spent("m", 20, 0.25)});
  const auto records = store.spending("e");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].model, "m");
  EXPECT_EQ(records[0].requests, 2);
  EXPECT_EQ(records[0].usage, (Usage{30, 0, 2})) << "an unknown count adds nothing";
  EXPECT_EQ(records[0].cost, 0.75);
  EXPECT_EQ(records[1].cost, 2.0);
  EXPECT_TRUE(store.spending("other").empty());
}

TEST_F(StoreTest, TotalsCountOnlyWhatIsKnown) {
  Store store(workspace_, Database::Mode::kReadWrite);
  EXPECT_EQ(store.completion_totals().count, 0);
  store.put_completions(std::vector<CompletionRecord>{
      {.key = "b", .text = "两字", .usage = {.prompt_tokens = 7}, .seconds = 1.0},
      {.key = "a", .text = "x", .seconds = 2.0}});
  const CompletionTotals totals = store.completion_totals();
  EXPECT_EQ(totals.count, 2);
  EXPECT_EQ(totals.text_bytes, 7);
  EXPECT_EQ(totals.usage, (Usage{7, 0, 0}));
  EXPECT_EQ(totals.seconds, 3.0);
  std::vector<std::string> keys;
  store.visit_completions([&](CompletionRecord&& record) { keys.push_back(record.key); });
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "b"}));
}

TEST_F(StoreTest, GivesBackHitsWhateverTheirIds) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  std::vector<SampleRecord> samples;
  for (const std::int64_t item_id : put_items(store)) {
    samples.push_back({.item_id = item_id});
  }
  const StoredHit plain{.doc_id = "news_1.txt:1", .span = {0, 4'000'000'000}, .score = -1.5e-7};
  samples[0].hits = {plain,
                     {.doc_id = "a\"],[\\\n", .span = {1, 2}, .score = 3.0, .is_gold = true},
                     {.doc_id = "", .score = 0.1}};
  samples[1].hits = {plain, {.doc_id = "文档", .score = 1e300, .is_gold = true}};
  store.put_samples(run_id, samples);
  std::size_t position = 0;
  store.visit_samples(run_id, [&](const ItemRecord&, SampleRecord&& sample) {
    EXPECT_EQ(sample.hits, samples[position++].hits);
  });
  EXPECT_EQ(position, 2U);
  Database(workspace_.database_file(), Database::Mode::kReadWrite)
      .execute("UPDATE samples SET hits = '[[\"a\",1,2,0.5]]'");
  EXPECT_ERROR(store.visit_samples(run_id, [](const ItemRecord&, SampleRecord&&) {}),
               ErrorCode::kInvalidData, "has not the expected form");
}

TEST_F(StoreTest, ReplacesScoresOnly) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const auto items = put_items(store);
  const std::int64_t run_id = put_run(store, "f1");
  SampleRecord record = full_record(items[0]);
  store.put_samples(run_id, std::vector{record});
  record.scores = {{"bleu", 1.0}};
  record.prediction = "not stored";
  store.put_scores(run_id, std::vector{record});
  store.visit_samples(run_id, [](const ItemRecord&, SampleRecord&& sample) {
    EXPECT_EQ(sample.scores, Json({{"bleu", 1.0}}));
    EXPECT_NE(sample.prediction, "not stored");
  });
}

TEST_F(StoreTest, KeepsAPromptOnceForAllWhoSentIt) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const auto items = put_items(store);
  const std::int64_t first = put_run(store, "f1");
  const std::int64_t second = put_run(store, "f2");
  SampleRecord sample{.item_id = items[0], .prompt_sha256 = "h1", .prompt = "问：一？"};
  store.put_samples(first, std::vector{sample});
  store.put_samples(second, std::vector{sample});
  sample = {.item_id = items[1], .prompt_sha256 = "h2"};
  store.put_samples(second, std::vector{sample});
  EXPECT_EQ(store.find_prompt("h1").value(), "问：一？");
  EXPECT_FALSE(store.find_prompt("h2")) << "it was not to be kept";
  EXPECT_EQ(store.prompt_totals().count, 1);
  EXPECT_EQ(store.prompt_totals().packed_bytes,
            static_cast<std::int64_t>(gzip("问：一？", 1).size()));
  std::vector<bool> kept;
  store.visit_samples(
      second, [&](const ItemRecord&, SampleRecord&& read) { kept.push_back(read.prompt_is_kept); });
  EXPECT_EQ(kept, (std::vector{true, false}));
}

TEST_F(StoreTest, KeepsOnceWhatPromptsThatComeTogetherHaveInCommon) {
  constexpr std::size_t kCount = 300;  // More than fit in one pack.
  Store store(workspace_, Database::Mode::kReadWrite);
  std::string instruction;
  for (int line = 0; line < 60; ++line) {
    instruction += std::to_string(line * line) + "：请根据下面的文章回答。\n";
  }
  std::vector<ItemRecord> items;
  for (std::size_t i = 0; i < kCount; ++i) {
    items.push_back({.task = "questanswer_1doc", .sample_id = std::to_string(i)});
  }
  const auto ids = store.put_items("s", "c", items);
  std::vector<SampleRecord> samples;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string prompt = instruction + "第" + std::to_string(i) + "个问题？";
    samples.push_back({.item_id = ids[i], .prompt_sha256 = sha256_hex(prompt), .prompt = prompt});
  }
  const std::int64_t run_id = put_run(store, "f1");
  store.put_samples(run_id, std::span(samples).first(1));
  const std::int64_t of_one = store.prompt_totals().packed_bytes;
  store.put_samples(run_id, samples);
  EXPECT_EQ(store.prompt_totals().count, static_cast<std::int64_t>(kCount));
  EXPECT_LT(store.prompt_totals().packed_bytes, of_one * static_cast<std::int64_t>(kCount) / 2);
  PromptReader reader(store);
  for (const SampleRecord& sample : samples) {
    EXPECT_EQ(reader.find(sample.prompt_sha256), sample.prompt);
  }
  EXPECT_EQ(store.find_prompt(samples[7].prompt_sha256), samples[7].prompt);
  EXPECT_FALSE(reader.find("unknown"));
}

TEST_F(StoreTest, SaysThatAPromptIsDamaged) {
  Store store(workspace_, Database::Mode::kReadWrite);
  store.put_samples(put_run(store, "f1"), std::vector<SampleRecord>{{.item_id = put_items(store)[0],
                                                                     .prompt_sha256 = "h1",
                                                                     .prompt = "问：一？"}});
  Database database(workspace_.database_file(), Database::Mode::kReadWrite);
  for (const char* damage :
       {"UPDATE prompts SET size_bytes = 99", "UPDATE prompts SET size_bytes = -1",
        "UPDATE prompts SET first_byte = 99", "UPDATE prompt_packs SET packed = x'00'"}) {
    database.execute(damage);
    EXPECT_ERROR(store.find_prompt("h1"), ErrorCode::kInvalidData,
                 "workspace database: prompt h1 cannot be read");
  }
}

TEST_F(StoreTest, BringsPromptsThatWerePackedOneByOneUpToDate) {
  {
    const Store store(workspace_, Database::Mode::kReadWrite);
    Database database(workspace_.database_file(), Database::Mode::kReadWrite);
    remove_schema_ten(database);
    for (const auto& [hash, text] : {std::pair{"h1", "问：一？"}, std::pair{"h2", "问：二？"}}) {
      const std::string packed = gzip(text, 1);
      database.prepare("INSERT INTO prompts (sha256, packed) VALUES (?1, ?2)")
          .bind(1, hash)
          .bind_blob_view(2, packed)
          .run();
    }
    database.execute("PRAGMA user_version=9");
  }
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  const auto items = put_items(store);
  store.put_samples(run_id,
                    std::vector<SampleRecord>{
                        {.item_id = items[0], .prompt_sha256 = "h2", .prompt = "问：二？"},
                        {.item_id = items[1], .prompt_sha256 = "h3", .prompt = "问：三？"}});
  EXPECT_EQ(store.find_prompt("h1"), "问：一？");
  EXPECT_EQ(store.find_prompt("h2"), "问：二？");
  EXPECT_EQ(store.find_prompt("h3"), "问：三？");
  EXPECT_EQ(store.prompt_totals().count, 3);
}

TEST_F(StoreTest, KeepsNoPromptOfSamplesThatCouldNotBeWritten) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  const auto items = put_items(store);
  constexpr std::int64_t kNoSuchItem = 999;
  EXPECT_THROW(
      store.put_samples(run_id,
                        std::vector<SampleRecord>{
                            {.item_id = items[0], .prompt_sha256 = "h1", .prompt = "a"},
                            {.item_id = kNoSuchItem, .prompt_sha256 = "h2", .prompt = "b"}}),
      Error);
  EXPECT_EQ(store.prompt_totals().count, 0);
}

TEST_F(StoreTest, BringsAWorkspaceWithoutPromptsUpToDate) {
  std::int64_t run_id = 0;
  {
    Store store(workspace_, Database::Mode::kReadWrite);
    run_id = put_run(store, "f1");
    store.put_samples(run_id, std::vector{full_record(put_items(store)[0])});
    Database database(workspace_.database_file(), Database::Mode::kReadWrite);
    remove_schema_six(database);
    database.execute("PRAGMA user_version=5");
  }
  Store store(workspace_, Database::Mode::kReadWrite);
  EXPECT_FALSE(store.find_prompt("hash"));
  SampleRecord again = full_record(put_items(store)[0]);
  again.prompt = "提示";
  store.put_samples(run_id, std::vector{again});
  EXPECT_EQ(store.find_prompt("hash").value(), "提示");
}

TEST_F(StoreTest, GivesItemsTheirQuestionTypeAlsoAfterwards) {
  Store store(workspace_, Database::Mode::kReadWrite);
  ItemRecord item{.task = "questanswer_1doc", .sample_id = "a"};
  const auto ids = store.put_items("s", "c", std::vector{item});
  const std::int64_t run_id = put_run(store, "f1");
  store.put_samples(run_id, std::vector<SampleRecord>{{.item_id = ids[0]}});
  const auto type = [&](SampleDetail detail) {
    std::string found;
    store.visit_samples(
        run_id, [&](const ItemRecord& read, SampleRecord&&) { found = read.question_type; },
        detail);
    return found;
  };
  EXPECT_EQ(type(SampleDetail::kEverything), "");
  item.question_type = "原因";
  EXPECT_EQ(store.put_items("s", "c", std::vector{item}), ids);
  EXPECT_EQ(type(SampleDetail::kEverything), "原因");
  EXPECT_EQ(type(SampleDetail::kScoreText), "原因");
}

TEST_F(StoreTest, KeepsWhatAQuestionBankWasLike) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  EXPECT_TRUE(store.banks(run_id).empty());
  store.put_bank(run_id, "judge#1", {{"entries", 3}});
  store.put_bank(run_id, "judge#1", {{"entries", 4}});
  EXPECT_EQ(store.banks(run_id), (std::map<std::string, Json>{{"judge#1", {{"entries", 4}}}}));
}

TEST_F(StoreTest, ReadsExaminationsWithoutTheTexts) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  SampleRecord record = full_record(put_items(store)[0]);
  record.examinations = {{"judge", {{"questions", {"一？"}}}}};
  store.put_samples(run_id, std::vector{record});
  store.visit_samples(
      run_id,
      [&](const ItemRecord&, SampleRecord&& sample) {
        EXPECT_EQ(sample.examinations, record.examinations);
        EXPECT_EQ(sample.scores, record.scores);
        EXPECT_TRUE(sample.prediction.empty());
      },
      SampleDetail::kExaminations);
}

TEST_F(StoreTest, RemembersWhichMetricsARunHas) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  store.put_scored_metrics(run_id, {{"bleu", "1"}, {"rouge", "1"}});
  store.put_scored_metrics(run_id, {{"bleu", "2"}});
  EXPECT_EQ(store.scored_metrics(run_id), (std::map<std::string, std::string>{{"bleu", "2"}}));
}

TEST_F(StoreTest, ReadsWhatAnotherConnectionWrites) {
  Store writer(workspace_, Database::Mode::kReadWrite);
  put_run(writer, "f1");
  const Store reader(workspace_, Database::Mode::kReadOnly);
  EXPECT_EQ(reader.runs().size(), 1U);
  put_run(writer, "f2");
  EXPECT_EQ(reader.runs().size(), 2U);
}

TEST_F(StoreTest, SaysThatThereIsNothingToRead) {
  EXPECT_ERROR(Store(workspace_, Database::Mode::kReadOnly), ErrorCode::kIo, "no results in");
}

TEST_F(StoreTest, RefusesAFileThatIsNoDatabase) {
  folder_.write("crudbench.db", std::string(4096, 'x'));
  EXPECT_ERROR(Store(workspace_, Database::Mode::kReadWrite), ErrorCode::kInvalidData,
               "crudbench.db");
}

TEST_F(StoreTest, BringsAWorkspaceOfTheFirstSchemaUpToDate) {
  std::int64_t run_id = 0;
  {
    Store store(workspace_, Database::Mode::kReadWrite);
    run_id = put_run(store, "f1");
    store.put_samples(run_id, std::vector{full_record(put_items(store)[0])});
    // What the first schema lacked is taken away again.
    Database database(workspace_.database_file(), Database::Mode::kReadWrite);
    for (const char* column : {"gold_chunk_count", "context_tokens", "context_truncated",
                               "examinations", "details", "routing"}) {
      database.execute(std::string("ALTER TABLE samples DROP COLUMN ") + column);
    }
    database.execute("ALTER TABLE completions DROP COLUMN details");
    database.execute("DROP TABLE questions");
    remove_schema_five(database);
    remove_schema_four(database);
    database.execute("PRAGMA user_version=1");
  }
  EXPECT_ERROR(Store(workspace_, Database::Mode::kReadOnly), ErrorCode::kInvalidData,
               "'crudbench run' brings it there");
  Store store(workspace_, Database::Mode::kReadWrite);
  std::size_t visited = 0;
  store.visit_samples(run_id, [&](const ItemRecord&, SampleRecord&& sample) {
    ++visited;
    EXPECT_EQ(sample.prediction, full_record(0).prediction);
    EXPECT_EQ(sample.gold_chunk_count, -1);
    EXPECT_EQ(sample.context_tokens, -1);
    EXPECT_EQ(sample.examinations, Json::object());
    EXPECT_EQ(sample.cost, std::nullopt);
  });
  EXPECT_EQ(visited, 1U);
  store.put_questions("k", {{"question", {"一？"}}});
  EXPECT_TRUE(store.find_questions("k"));
  store.put_experiment("e", Json::object(), std::vector{ExperimentRun{run_id, "old"}});
  EXPECT_EQ(store.runs("e").at(0).label, "old");
}

TEST_F(StoreTest, SaysWhereARunWasCutOffBeforeItsTables) {
  { const Database database(workspace_.database_file(), Database::Mode::kReadWrite); }
  EXPECT_ERROR(Store(workspace_, Database::Mode::kReadOnly), ErrorCode::kIo,
               "a run was cut off before it began");
}

TEST_F(StoreTest, ReadsADatabaseWithAJournalThatAPowerCutLeft) {
  const std::filesystem::path file = workspace_.database_file();
  {
    Store store(workspace_, Database::Mode::kReadWrite);
    put_run(store, "f1");
  }
  Database database(file, Database::Mode::kReadWrite);
  database.execute("PRAGMA journal_mode=DELETE");
  database.execute("PRAGMA cache_size=1");  // So that half of a transaction reaches the file.
  database.execute("BEGIN; DELETE FROM runs");
  database.execute(
      "CREATE TABLE filler AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
      "2000) SELECT i, hex(randomblob(200)) AS text FROM n");
  const Workspace after{folder_.path() / "after"};
  std::filesystem::create_directory(after.folder);
  std::filesystem::copy_file(file, after.database_file());
  std::filesystem::copy_file(file.string() + "-journal",
                             after.database_file().string() + "-journal");
  EXPECT_EQ(Store(after, Database::Mode::kReadOnly).runs().size(), 1U);
}

TEST_F(StoreTest, BringsAWorkspaceOfTheSecondSchemaUpToDate) {
  std::int64_t run_id = 0;
  {
    Store store(workspace_, Database::Mode::kReadWrite);
    run_id = put_run(store, "f1");
    store.put_samples(run_id, std::vector{full_record(put_items(store)[0])});
    Database database(workspace_.database_file(), Database::Mode::kReadWrite);
    database.execute("ALTER TABLE samples DROP COLUMN details");
    database.execute("ALTER TABLE samples DROP COLUMN routing");
    database.execute("ALTER TABLE completions DROP COLUMN details");
    remove_schema_five(database);
    remove_schema_four(database);
    database.execute("PRAGMA user_version=2");
  }
  Store store(workspace_, Database::Mode::kReadWrite);
  std::size_t visited = 0;
  store.visit_samples(run_id, [&](const ItemRecord&, SampleRecord&& sample) {
    ++visited;
    EXPECT_EQ(sample.examinations, full_record(0).examinations);
    EXPECT_TRUE(sample.details.is_null());
  });
  EXPECT_EQ(visited, 1U);
}

TEST_F(StoreTest, ReadsTheRoutingWhereItIsAskedFor) {
  const Json small{{"decode_seconds", 0.5}};
  const Json whole{{"decode_seconds", 0.5}, {"routing", {{"layers", 2}}}};
  Store store(workspace_, Database::Mode::kReadWrite);
  const auto items = put_items(store);
  // The routing stands beside the sample, or with the completion that it has in common with others.
  const std::int64_t own = put_run(store, "f1");
  store.put_samples(own, std::vector{SampleRecord{.item_id = items[0], .details = whole}});
  const std::int64_t shared = put_run(store, "f2");
  store.put_completions(
      std::vector<CompletionRecord>{{.key = "key", .text = "reply", .details = whole}});
  store.put_samples(shared, std::vector{SampleRecord{
                                .item_id = items[0], .completion_key = "key", .details = whole}});
  EXPECT_EQ(store.find_completion("key")->details, whole);
  for (const std::int64_t run_id : {own, shared}) {
    const auto expect_details = [&](SampleDetail detail, const Json& expected) {
      store.visit_samples(
          run_id,
          [&](const ItemRecord&, SampleRecord&& sample) { EXPECT_EQ(sample.details, expected); },
          detail);
    };
    expect_details(SampleDetail::kEverything, small);
    expect_details(SampleDetail::kScores, small);
    expect_details(SampleDetail::kRouting, whole);
  }
}

TEST_F(StoreTest, ReadsScoresWithoutTheTexts) {
  Store store(workspace_, Database::Mode::kReadWrite);
  const std::int64_t run_id = put_run(store, "f1");
  const auto items = put_items(store);
  store.put_samples(run_id, std::vector{full_record(items[0])});
  store.visit_samples(
      run_id,
      [&](const ItemRecord& item, SampleRecord&& sample) {
        EXPECT_EQ(item.gold_doc_ids.size(), 1U);
        EXPECT_EQ(sample.scores, full_record(0).scores);
        EXPECT_EQ(sample.usage, full_record(0).usage);
        EXPECT_TRUE(sample.prediction.empty());
        EXPECT_TRUE(sample.hits.empty());
      },
      SampleDetail::kScores);
}

TEST_F(StoreTest, RefusesANewerSchema) {
  {
    const Store store(workspace_, Database::Mode::kReadWrite);
    Database database(workspace_.database_file(), Database::Mode::kReadWrite);
    database.execute("PRAGMA user_version=99");
  }
  EXPECT_ERROR(Store(workspace_, Database::Mode::kReadWrite), ErrorCode::kInvalidData,
               "schema version 99");
}

}  // namespace
}  // namespace crudbench
