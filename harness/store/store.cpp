#include "harness/store/store.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/store/compression.h"

namespace crudbench {

namespace {

constexpr std::int64_t kSchemaVersion = 10;

// Rowid tables with a UNIQUE key: rows of 3 KB go in 4 to 8 times faster than WITHOUT ROWID.
constexpr const char* kSchema = R"sql(
CREATE TABLE experiments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  config TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  samples_fingerprint TEXT NOT NULL,
  corpus_fingerprint TEXT NOT NULL,
  task TEXT NOT NULL,
  sample_id TEXT NOT NULL,
  query TEXT NOT NULL,
  reference TEXT NOT NULL,
  gold_doc_ids TEXT NOT NULL,
  question_type TEXT NOT NULL DEFAULT '',
  UNIQUE (task, sample_id, samples_fingerprint, corpus_fingerprint)
);
CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,
  cell_fingerprint TEXT NOT NULL,
  task TEXT NOT NULL,
  cell TEXT NOT NULL,
  provenance TEXT NOT NULL,
  sample_count INTEGER NOT NULL,
  created_at TEXT NOT NULL
);
CREATE TABLE experiment_runs (
  experiment_id INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  label TEXT NOT NULL DEFAULT '',
  stopped_after INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (experiment_id, position)
);
CREATE TABLE shards (
  experiment_id INTEGER PRIMARY KEY REFERENCES experiments (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  shard_count INTEGER NOT NULL,
  split TEXT NOT NULL,
  sample_count INTEGER NOT NULL
);
CREATE TABLE run_metrics (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  metric TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (run_id, metric)
);
CREATE TABLE run_banks (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  label TEXT NOT NULL,
  bank TEXT NOT NULL,
  PRIMARY KEY (run_id, label)
);
CREATE TABLE samples (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES runs (id),
  item_id INTEGER NOT NULL REFERENCES items (id),
  repeat INTEGER NOT NULL,
  failed_stage TEXT,
  failure_class TEXT,
  failure_message TEXT,
  prompt_sha256 TEXT NOT NULL,
  prediction TEXT NOT NULL,
  reply TEXT,
  completion_key TEXT,
  hits TEXT NOT NULL,
  gold_chunk_count INTEGER NOT NULL,
  context_chars INTEGER NOT NULL,
  context_tokens INTEGER NOT NULL,
  context_truncated INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  cached_prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  retrieval_seconds REAL NOT NULL,
  generation_seconds REAL NOT NULL,
  attempt_count INTEGER NOT NULL,
  attempts TEXT,
  finish_reason TEXT NOT NULL,
  cached INTEGER NOT NULL,
  scores TEXT NOT NULL,
  examinations TEXT NOT NULL,
  details TEXT,
  routing TEXT,
  reasoning TEXT,
  first_token_seconds REAL,
  inter_token_seconds REAL,
  cost REAL,
  saved REAL,
  UNIQUE (run_id, item_id, repeat)
);
CREATE INDEX samples_failed ON samples (run_id) WHERE failure_class IS NOT NULL;
CREATE TABLE prompt_packs (
  id INTEGER PRIMARY KEY,
  packed BLOB NOT NULL
);
CREATE TABLE prompts (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  pack_id INTEGER NOT NULL REFERENCES prompt_packs (id),
  first_byte INTEGER NOT NULL,
  size_bytes INTEGER
);
CREATE TABLE completions (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  text TEXT NOT NULL,
  finish_reason TEXT NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  cached_prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  seconds REAL NOT NULL,
  created_at TEXT NOT NULL,
  details TEXT,
  reasoning TEXT,
  first_token_seconds REAL,
  inter_token_seconds REAL,
  contexts TEXT
);
CREATE TABLE questions (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  questions TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE TABLE spending (
  id INTEGER PRIMARY KEY,
  experiment TEXT NOT NULL,
  purpose TEXT NOT NULL,
  model TEXT NOT NULL,
  currency TEXT NOT NULL,
  requests INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  cached_prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cost REAL NOT NULL,
  UNIQUE (experiment, purpose, model, currency)
);
)sql";

/// [version - 1] From that version to the next. A step stays as it is when the schema goes on.
constexpr std::array<const char*, kSchemaVersion - 1> kMigrations{R"sql(
ALTER TABLE samples ADD COLUMN gold_chunk_count INTEGER NOT NULL DEFAULT -1;
ALTER TABLE samples ADD COLUMN context_tokens INTEGER NOT NULL DEFAULT -1;
ALTER TABLE samples ADD COLUMN context_truncated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE samples ADD COLUMN examinations TEXT NOT NULL DEFAULT '{}';
CREATE TABLE questions (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  questions TEXT NOT NULL,
  created_at TEXT NOT NULL
);
)sql",
                                                                  R"sql(
ALTER TABLE samples ADD COLUMN details TEXT;
ALTER TABLE samples ADD COLUMN routing TEXT;
ALTER TABLE completions ADD COLUMN details TEXT;
)sql",
                                                                  R"sql(
ALTER TABLE samples ADD COLUMN reasoning TEXT;
ALTER TABLE samples ADD COLUMN first_token_seconds REAL;
ALTER TABLE samples ADD COLUMN inter_token_seconds REAL;
ALTER TABLE samples ADD COLUMN cost REAL;
ALTER TABLE samples ADD COLUMN saved REAL;
ALTER TABLE completions ADD COLUMN reasoning TEXT;
ALTER TABLE completions ADD COLUMN first_token_seconds REAL;
ALTER TABLE completions ADD COLUMN inter_token_seconds REAL;
ALTER TABLE completions ADD COLUMN contexts TEXT;
CREATE TABLE spending (
  id INTEGER PRIMARY KEY,
  experiment TEXT NOT NULL,
  purpose TEXT NOT NULL,
  model TEXT NOT NULL,
  currency TEXT NOT NULL,
  requests INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  cached_prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  cost REAL NOT NULL,
  UNIQUE (experiment, purpose, model, currency)
);
)sql",
                                                                  R"sql(
ALTER TABLE experiment_runs ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE experiment_runs ADD COLUMN stopped_after INTEGER NOT NULL DEFAULT 0;
CREATE TABLE shards (
  experiment_id INTEGER PRIMARY KEY REFERENCES experiments (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  shard_count INTEGER NOT NULL,
  split TEXT NOT NULL,
  sample_count INTEGER NOT NULL
);
)sql",
                                                                  R"sql(
CREATE TABLE prompts (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  packed BLOB NOT NULL
);
)sql",
                                                                  R"sql(
ALTER TABLE items ADD COLUMN question_type TEXT NOT NULL DEFAULT '';
)sql",
                                                                  R"sql(
CREATE TABLE run_banks (
  run_id INTEGER NOT NULL REFERENCES runs (id),
  label TEXT NOT NULL,
  bank TEXT NOT NULL,
  PRIMARY KEY (run_id, label)
);
)sql",
                                                                  R"sql(
CREATE INDEX samples_failed ON samples (run_id) WHERE failure_class IS NOT NULL;
)sql",
                                                                  R"sql(
ALTER TABLE prompts RENAME TO single_prompts;
CREATE TABLE prompt_packs (
  id INTEGER PRIMARY KEY,
  packed BLOB NOT NULL
);
CREATE TABLE prompts (
  id INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL UNIQUE,
  pack_id INTEGER NOT NULL REFERENCES prompt_packs (id),
  first_byte INTEGER NOT NULL,
  size_bytes INTEGER
);
INSERT INTO prompt_packs (id, packed) SELECT id, packed FROM single_prompts;
INSERT INTO prompts (id, sha256, pack_id, first_byte) SELECT id, sha256, id, 0 FROM single_prompts;
DROP TABLE single_prompts;
)sql"};

constexpr const char* kCompletionColumns =
    "key, text, finish_reason, prompt_tokens, cached_prompt_tokens, completion_tokens, seconds, "
    "created_at, reasoning, first_token_seconds, inter_token_seconds, contexts, details";

constexpr const char* kRunColumns =
    "r.id, r.fingerprint, r.cell_fingerprint, r.task, r.cell, r.provenance, r.sample_count, "
    "r.created_at";
/// The label of a run, and whether all experiments gave it up, where no experiment is asked for.
constexpr const char* kLastColumns =
    ", COALESCE((SELECT er.label FROM experiment_runs er JOIN experiments e ON e.id = "
    "er.experiment_id WHERE er.run_id = r.id AND er.label <> '' ORDER BY e.updated_at DESC, e.id "
    "DESC, er.position LIMIT 1), ''), "
    "COALESCE((SELECT MIN(er.stopped_after) FROM experiment_runs er WHERE er.run_id = r.id), 0)";

Json hits_to_json(std::span<const StoredHit> hits) {
  Json list = Json::array();
  for (const StoredHit& hit : hits) {
    list.push_back({hit.doc_id, hit.span.begin, hit.span.end, hit.score, hit.is_gold ? 1 : 0});
  }
  return list;
}

std::vector<StoredHit> hits_from_json(const Json& list) {
  std::vector<StoredHit> hits;
  for (const Json& entry : list) {
    hits.push_back({.doc_id = entry.at(0).get<std::string>(),
                    .span = {entry.at(1).get<std::uint32_t>(), entry.at(2).get<std::uint32_t>()},
                    .score = entry.at(3).get<double>(),
                    .is_gold = entry.at(4).get<int>() != 0});
  }
  return hits;
}

/// Reads what `hits_to_json` has written, without building it: a report reads millions of hits.
class HitsText {
 public:
  explicit HitsText(std::string_view text) : rest_(text) {}

  /// nullopt for anything else, such as a text with an escape.
  std::optional<std::vector<StoredHit>> read() {
    std::vector<StoredHit> hits;
    if (!take("[")) {
      return std::nullopt;
    }
    while (!take("]")) {
      StoredHit& hit = hits.emplace_back();
      int gold = 0;
      if ((hits.size() > 1 && !take(",")) || !take("[") || !take_text(hit.doc_id) || !take(",") ||
          !take_number(hit.span.begin) || !take(",") || !take_number(hit.span.end) || !take(",") ||
          !take_number(hit.score) || !take(",") || !take_number(gold) || !take("]")) {
        return std::nullopt;
      }
      hit.is_gold = gold != 0;
    }
    return rest_.empty() ? std::optional(std::move(hits)) : std::nullopt;
  }

 private:
  bool take(std::string_view wanted) {
    const bool found = rest_.starts_with(wanted);
    rest_.remove_prefix(found ? wanted.size() : 0);
    return found;
  }

  bool take_text(std::string& text) {
    const std::size_t end = rest_.starts_with('"') ? rest_.find_first_of("\"\\", 1) : rest_.npos;
    if (end == rest_.npos || rest_[end] != '"') {
      return false;
    }
    text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    return true;
  }

  template <class Number>
  bool take_number(Number& number) {
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return problem == std::errc();
  }

  std::string_view rest_;
};

/// A generator's details without the routing, which is large, and the routing, as stored.
std::pair<std::optional<std::string>, std::optional<std::string>> split_details(
    const Json& details) {
  if (!details.is_object() || !details.contains("routing")) {
    return {details.is_null() ? std::nullopt : std::optional(to_text(details)), std::nullopt};
  }
  Json small = details;
  small.erase("routing");
  return {to_text(small), to_text(details.at("routing"))};
}

/// JSON that the store itself wrote.
Json parse_stored(const std::string& text) {
  return parse_json(text, "workspace database", ErrorCode::kInvalidData);
}

/// Runs `read` over stored JSON and turns a shape that the store never writes into an Error.
template <class Read>
auto read_stored(const Read& read) {
  try {
    return read();
  } catch (const Json::exception&) {
    throw Error(ErrorCode::kInvalidData,
                "workspace database: a stored value has not the expected form");
  }
}

RunRecord read_run(const Statement& row) {
  return {.run_id = row.integer(0),
          .fingerprint = row.text(1),
          .cell_fingerprint = row.text(2),
          .task = row.text(3),
          .cell = parse_stored(row.text(4)),
          .provenance = parse_stored(row.text(5)),
          .sample_count = row.integer(6),
          .created_at = row.text(7),
          .label = row.text(8),
          .stopped_after = row.integer(9)};
}

/// A row of `visit_samples` whose JSON stands aside, so that it can be parsed without the lock.
struct UnparsedSample {
  ItemRecord item;
  SampleRecord sample;
  std::string gold_doc_ids;
  std::string hits;
  std::optional<std::string> attempts;
  std::string scores;
  std::string examinations;
  std::optional<std::string> details;
  std::optional<std::string> routing;

  std::size_t size_bytes() const {
    return sizeof(UnparsedSample) + item.query.size() + item.reference.size() +
           sample.prediction.size() + (sample.reply ? sample.reply->size() : 0) + hits.size() +
           scores.size() + examinations.size() + (routing ? routing->size() : 0);
  }

  void parse(SampleDetail detail) {
    read_stored([&] {
      item.gold_doc_ids = parse_stored(gold_doc_ids).get<std::vector<std::string>>();
      sample.attempts = attempts ? parse_stored(*attempts) : Json();
      if (detail == SampleDetail::kScoreText) {
        sample.score_text = std::move(scores);
      } else {
        sample.scores = parse_stored(scores);
      }
      if (detail == SampleDetail::kEverything) {
        auto read = HitsText(hits).read();
        sample.hits = read ? *std::move(read) : hits_from_json(parse_stored(hits));
      }
      if (detail == SampleDetail::kEverything || detail == SampleDetail::kExaminations) {
        sample.examinations = parse_stored(examinations);
      }
      sample.details = details ? parse_stored(*details) : Json();
      if (routing) {
        sample.details["routing"] = parse_stored(*routing);
      }
    });
  }
};

constexpr std::size_t kVisitBatchBytes = 1U << 18U;

std::optional<std::string> optional_text(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.text(column));
}

std::optional<double> optional_number(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.number(column));
}

/// The columns of `visit_samples`.
UnparsedSample read_unparsed(const Statement& row) {
  UnparsedSample unparsed{.gold_doc_ids = row.text(5),
                          .hits = row.text(14),
                          .attempts = optional_text(row, 22),
                          .scores = row.text(25),
                          .examinations = row.text(27),
                          .details = optional_text(row, 30),
                          .routing = optional_text(row, 31)};
  unparsed.item = {.item_id = row.integer(0),
                   .task = row.text(1),
                   .sample_id = row.text(2),
                   .query = row.text(3),
                   .reference = row.text(4),
                   .question_type = row.text(38)};
  SampleRecord& sample = unparsed.sample;
  sample.item_id = unparsed.item.item_id;
  sample.sample_id = unparsed.item.sample_id;
  sample.repeat = row.integer(6);
  if (!row.is_null(8)) {
    sample.failure = Failure{.stage = parse_stage(row.text(7)).value_or(Stage::kGeneration),
                             .failure_class = row.text(8),
                             .message = row.text(9)};
  }
  sample.prompt_sha256 = row.text(10);
  sample.prediction = row.text(11);
  sample.reply = optional_text(row, 12);
  sample.completion_key = optional_text(row, 13);
  sample.context_chars = row.integer(15);
  sample.usage = {.prompt_tokens = row.integer(16),
                  .cached_prompt_tokens = row.integer(17),
                  .completion_tokens = row.integer(18)};
  sample.retrieval_seconds = row.number(19);
  sample.generation_seconds = row.number(20);
  sample.attempt_count = row.integer(21);
  sample.finish_reason = row.text(23);
  sample.cached = row.integer(24) != 0;
  sample.gold_chunk_count = row.integer(26);
  sample.context_tokens = row.integer(28);
  sample.context_truncated = row.integer(29) != 0;
  sample.reasoning = row.text(32);
  sample.first_token_seconds = optional_number(row, 33);
  sample.inter_token_seconds = optional_number(row, 34);
  sample.cost = optional_number(row, 35);
  sample.saved = optional_number(row, 36);
  sample.prompt_is_kept = row.integer(37) != 0;
  return unparsed;
}

CompletionRecord read_completion(const Statement& row) {
  return {.key = row.text(0),
          .text = row.text(1),
          .reasoning = row.text(8),
          .finish_reason = row.text(2),
          .usage = {.prompt_tokens = row.integer(3),
                    .cached_prompt_tokens = row.integer(4),
                    .completion_tokens = row.integer(5)},
          .first_token_seconds = optional_number(row, 9),
          .inter_token_seconds = optional_number(row, 10),
          .contexts = row.is_null(11) ? Json() : parse_stored(row.text(11)),
          .seconds = row.number(6),
          .details = row.is_null(12) ? Json() : parse_stored(row.text(12)),
          .created_at = row.text(7)};
}

void add_spending(Database& database, std::span<const SpendingRecord> spending) {
  Statement add = database.prepare(
      "INSERT INTO spending (experiment, purpose, model, currency, requests, prompt_tokens, "
      "cached_prompt_tokens, completion_tokens, cost) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
      "ON CONFLICT (experiment, purpose, model, currency) DO UPDATE SET "
      "requests = requests + ?5, prompt_tokens = prompt_tokens + ?6, "
      "cached_prompt_tokens = cached_prompt_tokens + ?7, "
      "completion_tokens = completion_tokens + ?8, cost = cost + ?9");
  for (const SpendingRecord& record : spending) {
    const auto known = [](std::int64_t count) { return std::max<std::int64_t>(count, 0); };
    add.bind(1, record.experiment).bind(2, record.purpose).bind(3, record.model);
    add.bind(4, record.currency).bind(5, record.requests);
    add.bind(6, known(record.usage.prompt_tokens));
    add.bind(7, known(record.usage.cached_prompt_tokens));
    add.bind(8, known(record.usage.completion_tokens)).bind(9, record.cost).run();
  }
}

void add_completions(Database& database, const CompletionBatch& batch) {
  if (!batch.completions.empty()) {
    Statement insert =
        database.prepare(std::string(batch.replaces ? "INSERT OR REPLACE" : "INSERT OR IGNORE") +
                         " INTO completions (" + kCompletionColumns +
                         ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
    const std::string now = utc_timestamp();
    for (const CompletionRecord& completion : batch.completions) {
      insert.bind_view(1, completion.key).bind_view(2, completion.text);
      insert.bind_view(3, completion.finish_reason);
      insert.bind(4, completion.usage.prompt_tokens).bind(5, completion.usage.cached_prompt_tokens);
      insert.bind(6, completion.usage.completion_tokens).bind(7, completion.seconds);
      insert.bind_view(8, now);
      if (!completion.reasoning.empty()) {
        insert.bind_view(9, completion.reasoning);
      }
      insert.bind(10, completion.first_token_seconds).bind(11, completion.inter_token_seconds);
      if (!completion.contexts.is_null()) {
        insert.bind(12, to_text(completion.contexts));
      }
      if (!completion.details.is_null()) {
        insert.bind(13, to_text(completion.details));
      }
      insert.run();
    }
  }
  if (!batch.spending.empty()) {
    add_spending(database, batch.spending);
  }
}

void add_prompts(Database& database, std::span<const PromptPack> packs) {
  Statement insert_pack = database.prepare("INSERT INTO prompt_packs (packed) VALUES (?1)");
  Statement insert = database.prepare(
      "INSERT OR IGNORE INTO prompts (sha256, pack_id, first_byte, size_bytes) "
      "VALUES (?1, ?2, ?3, ?4)");
  for (const PromptPack& pack : packs) {
    insert_pack.bind_blob_view(1, pack.packed).run();
    const std::int64_t pack_id = database.last_insert_id();
    for (const PromptPack::Place& place : pack.places) {
      insert.bind_view(1, place.sha256).bind(2, pack_id);
      insert.bind(3, place.begin).bind(4, place.size).run();
    }
  }
}

Database open_database(const Workspace& workspace, Database::Mode mode) {
  if (mode == Database::Mode::kReadOnly && !std::filesystem::exists(workspace.database_file())) {
    throw Error(ErrorCode::kIo, "no results in workspace '" + workspace.folder.string() +
                                    "': it holds no crudbench.db; 'crudbench run' makes one");
  }
  if (mode == Database::Mode::kReadWrite) {
    create_folders(workspace.folder);
  }
  return {workspace.database_file(), mode};
}

std::int64_t schema_version(Database& database) {
  Statement statement = database.prepare("PRAGMA user_version");
  return statement.step() ? statement.integer(0) : 0;
}

}  // namespace

std::vector<ExperimentRun> without_labels(std::span<const std::int64_t> run_ids) {
  std::vector<ExperimentRun> runs;
  for (const std::int64_t run_id : run_ids) {
    runs.push_back({.run_id = run_id});
  }
  return runs;
}

Store::Store(const Workspace& workspace, Database::Mode mode)
    : database_(open_database(workspace, mode)) {
  const std::int64_t version = schema_version(database_);
  const bool is_new = version == 0;
  const bool is_older = version > 0 && version < kSchemaVersion;
  if (mode == Database::Mode::kReadWrite && (is_new || is_older)) {
    Transaction transaction(database_);
    if (is_new) {
      database_.execute(kSchema);
    }
    for (auto from = static_cast<std::size_t>(version); !is_new && from < kSchemaVersion; ++from) {
      database_.execute(kMigrations[from - 1]);
    }
    database_.execute("PRAGMA user_version=" + std::to_string(kSchemaVersion));
    transaction.commit();
  } else if (is_new) {
    throw Error(ErrorCode::kIo, "no results in workspace '" + workspace.folder.string() +
                                    "': a run was cut off before it began; 'crudbench run' makes "
                                    "them");
  } else if (version != kSchemaVersion) {
    throw Error(ErrorCode::kInvalidData, "database '" + workspace.database_file().string() +
                                             "' has schema version " + std::to_string(version) +
                                             "; this crudbench reads version " +
                                             std::to_string(kSchemaVersion) +
                                             (is_older ? "; 'crudbench run' brings it there" : ""));
  }
}

void Store::put_experiment(const std::string& name, const Json& config,
                           std::span<const ExperimentRun> runs) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  database_
      .prepare(
          "INSERT INTO experiments (name, config, updated_at) VALUES (?1, ?2, ?3) "
          "ON CONFLICT (name) DO UPDATE SET config = ?2, updated_at = ?3")
      .bind(1, name)
      .bind(2, to_text(config))
      .bind(3, utc_timestamp())
      .run();
  Statement find = database_.prepare("SELECT id FROM experiments WHERE name = ?1");
  find.bind(1, name).step();
  const std::int64_t experiment_id = find.integer(0);
  find.reset();
  database_.prepare("DELETE FROM experiment_runs WHERE experiment_id = ?1")
      .bind(1, experiment_id)
      .run();
  Statement insert = database_.prepare(
      "INSERT INTO experiment_runs (experiment_id, position, run_id, label, stopped_after) "
      "VALUES (?1, ?2, ?3, ?4, ?5)");
  for (std::size_t i = 0; i < runs.size(); ++i) {
    insert.bind(1, experiment_id).bind(2, static_cast<std::int64_t>(i));
    insert.bind(3, runs[i].run_id).bind(4, runs[i].label).bind(5, runs[i].stopped_after).run();
  }
  transaction.commit();
}

std::vector<std::string> Store::experiments() const {
  const std::lock_guard lock(mutex_);
  Statement statement =
      database_.prepare("SELECT name FROM experiments ORDER BY updated_at DESC, id DESC");
  std::vector<std::string> names;
  while (statement.step()) {
    names.push_back(statement.text(0));
  }
  return names;
}

std::optional<Json> Store::experiment_config(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare("SELECT config FROM experiments WHERE name = ?1");
  return row.bind(1, name).step() ? std::optional(parse_stored(row.text(0))) : std::nullopt;
}

void Store::put_shard(const std::string& experiment, const ShardRecord& shard) {
  const std::lock_guard lock(mutex_);
  database_
      .prepare(
          "INSERT OR REPLACE INTO shards (experiment_id, number, shard_count, split, sample_count) "
          "SELECT id, ?2, ?3, ?4, ?5 FROM experiments WHERE name = ?1")
      .bind(1, experiment)
      .bind(2, shard.number)
      .bind(3, shard.count)
      .bind(4, shard.split)
      .bind(5, shard.sample_count)
      .run();
}

std::optional<ShardRecord> Store::find_shard(const std::string& experiment) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare(
      "SELECT s.number, s.shard_count, s.split, s.sample_count FROM shards s "
      "JOIN experiments e ON e.id = s.experiment_id WHERE e.name = ?1");
  if (!row.bind(1, experiment).step()) {
    return std::nullopt;
  }
  return ShardRecord{.number = row.integer(0),
                     .count = row.integer(1),
                     .split = row.text(2),
                     .sample_count = row.integer(3)};
}

std::vector<std::int64_t> Store::put_items(const std::string& samples_fingerprint,
                                           const std::string& corpus_fingerprint,
                                           std::span<const ItemRecord> items) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  Statement find = database_.prepare(
      "SELECT id, question_type FROM items WHERE task = ?1 AND sample_id = ?2 AND "
      "samples_fingerprint = ?3 "
      "AND corpus_fingerprint = ?4");
  Statement insert = database_.prepare(
      "INSERT INTO items (task, sample_id, samples_fingerprint, corpus_fingerprint, query, "
      "reference, gold_doc_ids, question_type) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) "
      "ON CONFLICT DO NOTHING");
  Statement add_type = database_.prepare("UPDATE items SET question_type = ?2 WHERE id = ?1");
  std::vector<std::int64_t> ids;
  ids.reserve(items.size());
  for (const ItemRecord& item : items) {
    insert.bind_view(1, item.task).bind_view(2, item.sample_id);
    insert.bind_view(3, samples_fingerprint).bind_view(4, corpus_fingerprint);
    insert.bind_view(5, item.query).bind_view(6, item.reference);
    insert.bind(7, to_text(Json(item.gold_doc_ids))).bind_view(8, item.question_type).run();
    if (database_.changed_rows() != 0) {
      ids.push_back(database_.last_insert_id());
      continue;
    }
    find.bind(1, item.task).bind(2, item.sample_id);
    find.bind(3, samples_fingerprint).bind(4, corpus_fingerprint).step();
    ids.push_back(find.integer(0));
    const bool lacks_type = find.text(1).empty() && !item.question_type.empty();
    find.reset();
    if (lacks_type) {  // Recorded before there were any.
      add_type.bind(1, ids.back()).bind(2, item.question_type).run();
    }
  }
  transaction.commit();
  return ids;
}

std::int64_t Store::put_run(const RunRecord& run) {
  const std::lock_guard lock(mutex_);
  database_
      .prepare(
          "INSERT INTO runs (fingerprint, cell_fingerprint, task, cell, provenance, "
          "sample_count, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
          "ON CONFLICT (fingerprint) DO UPDATE SET sample_count = MAX(sample_count, ?6)")
      .bind(1, run.fingerprint)
      .bind(2, run.cell_fingerprint)
      .bind(3, run.task)
      .bind(4, to_text(run.cell))
      .bind(5, to_text(run.provenance))
      .bind(6, run.sample_count)
      .bind(7, utc_timestamp())
      .run();
  Statement find = database_.prepare("SELECT id FROM runs WHERE fingerprint = ?1");
  find.bind(1, run.fingerprint).step();
  return find.integer(0);
}

std::vector<RunRecord> Store::runs(const std::optional<std::string>& experiment) const {
  const std::lock_guard lock(mutex_);
  std::string sql = "SELECT ";
  sql += kRunColumns;
  sql += experiment ? ", er.label, er.stopped_after" : kLastColumns;
  sql += experiment ? " FROM runs r JOIN experiment_runs er ON er.run_id = r.id "
                      "JOIN experiments e ON e.id = er.experiment_id WHERE e.name = ?1 "
                      "ORDER BY er.position"
                    : " FROM runs r ORDER BY r.id";
  Statement statement = database_.prepare(sql);
  if (experiment) {
    statement.bind(1, *experiment);
  }
  std::vector<RunRecord> records;
  while (statement.step()) {
    records.push_back(read_run(statement));
  }
  return records;
}

RunRecord Store::find_run(std::string_view prefix) const {
  std::vector<RunRecord> matches;
  for (RunRecord& run : runs()) {
    if (std::to_string(run.run_id) == prefix) {
      return std::move(run);
    }
    if (!prefix.empty() && run.fingerprint.starts_with(prefix)) {
      matches.push_back(std::move(run));
    }
  }
  if (matches.size() == 1) {
    return std::move(matches.front());
  }
  throw Error(ErrorCode::kInvalidConfig, (matches.empty() ? "no run '" : "several runs match '") +
                                             std::string(prefix) + "'; 'crudbench ls' lists them");
}

RunProgress Store::progress(std::int64_t run_id) const {
  const std::lock_guard lock(mutex_);
  // Two counts, so that indexes answer and no row is read.
  Statement statement = database_.prepare(
      "SELECT (SELECT COUNT(*) FROM samples WHERE run_id = ?1), "
      "(SELECT COUNT(*) FROM samples WHERE run_id = ?1 AND failure_class IS NOT NULL)");
  statement.bind(1, run_id).step();
  return {.ok = statement.integer(0) - statement.integer(1), .failed = statement.integer(1)};
}

RunActivity Store::activity(std::int64_t run_id) const {
  const std::lock_guard lock(mutex_);
  Statement group = database_.prepare(
      "SELECT failed_stage, failure_class, COUNT(*), SUM(cached), SUM(MAX(prompt_tokens, 0)), "
      "SUM(MAX(completion_tokens, 0)) FROM samples WHERE run_id = ?1 GROUP BY 1, 2");
  group.bind(1, run_id);
  RunActivity activity;
  while (group.step()) {
    const std::int64_t count = group.integer(2);
    if (group.is_null(1)) {
      activity.ok_count += count;
    } else {
      activity.failed_count += count;
      activity.failures[group.text(0) + "/" + group.text(1)] += count;
    }
    activity.cached_count += group.integer(3);
    activity.prompt_tokens += group.integer(4);
    activity.completion_tokens += group.integer(5);
  }
  return activity;
}

std::map<std::int64_t, SampleMark> Store::sample_marks() const {
  const std::lock_guard lock(mutex_);
  Statement row =
      database_.prepare("SELECT run_id, COUNT(*), MAX(id) FROM samples GROUP BY run_id");
  std::map<std::int64_t, SampleMark> marks;
  while (row.step()) {
    marks.emplace(row.integer(0), SampleMark{.count = row.integer(1), .newest = row.integer(2)});
  }
  return marks;
}

std::int64_t Store::data_version() const {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.prepare("PRAGMA data_version");
  return statement.step() ? statement.integer(0) : 0;
}

std::vector<std::pair<std::int64_t, std::int64_t>> Store::finished(std::int64_t run_id,
                                                                   bool ok_only) const {
  const std::lock_guard lock(mutex_);
  // Without the condition the index answers alone, and no row is read.
  Statement statement =
      database_.prepare(std::string("SELECT item_id, repeat FROM samples WHERE run_id = ?1") +
                        (ok_only ? " AND failure_class IS NULL" : ""));
  statement.bind(1, run_id);
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  while (statement.step()) {
    pairs.emplace_back(statement.integer(0), statement.integer(1));
  }
  return pairs;
}

void Store::put_samples(std::int64_t run_id, std::span<const SampleRecord> samples,
                        const CompletionBatch& batch) {
  const std::vector<PromptPack> packs = pack_new_prompts(samples);
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  add_completions(database_, batch);
  add_prompts(database_, packs);
  Statement insert = database_.prepare(
      "INSERT OR REPLACE INTO samples (run_id, item_id, repeat, failed_stage, failure_class, "
      "failure_message, prompt_sha256, prediction, reply, completion_key, hits, gold_chunk_count, "
      "context_chars, "
      "prompt_tokens, cached_prompt_tokens, completion_tokens, retrieval_seconds, "
      "generation_seconds, attempt_count, attempts, finish_reason, cached, scores, examinations, "
      "context_tokens, context_truncated, reasoning, first_token_seconds, inter_token_seconds, "
      "cost, saved, details, routing) "
      "VALUES "
      "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, "
      "?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, "
      "?32, ?33)");
  for (const SampleRecord& sample : samples) {
    insert.bind(1, run_id).bind(2, sample.item_id).bind(3, sample.repeat);
    if (sample.failure) {
      insert.bind(4, to_string(sample.failure->stage));
      insert.bind_view(5, sample.failure->failure_class);
      insert.bind_view(6, sample.failure->message);
    }
    insert.bind_view(7, sample.prompt_sha256).bind_view(8, sample.prediction);
    if (sample.reply) {
      insert.bind_view(9, *sample.reply);
    }
    if (sample.completion_key) {
      insert.bind_view(10, *sample.completion_key);
    }
    insert.bind(11, to_text(hits_to_json(sample.hits))).bind(12, sample.gold_chunk_count);
    insert.bind(13, sample.context_chars);
    insert.bind(14, sample.usage.prompt_tokens).bind(15, sample.usage.cached_prompt_tokens);
    insert.bind(16, sample.usage.completion_tokens);
    insert.bind(17, sample.retrieval_seconds).bind(18, sample.generation_seconds);
    insert.bind(19, sample.attempt_count);
    if (!sample.attempts.is_null()) {
      insert.bind(20, to_text(sample.attempts));
    }
    insert.bind_view(21, sample.finish_reason).bind(22, static_cast<std::int64_t>(sample.cached));
    insert.bind(23, to_text(sample.scores)).bind(24, to_text(sample.examinations));
    insert.bind(25, sample.context_tokens);
    insert.bind(26, static_cast<std::int64_t>(sample.context_truncated));
    if (!sample.reasoning.empty() && !sample.completion_key) {
      insert.bind_view(27, sample.reasoning);
    }
    insert.bind(28, sample.first_token_seconds).bind(29, sample.inter_token_seconds);
    insert.bind(30, sample.cost).bind(31, sample.saved);
    const auto [details, routing] = split_details(sample.details);
    insert.bind(32, details);
    // The completion has it too.
    insert.bind(33, sample.completion_key ? std::nullopt : routing).run();
  }
  transaction.commit();
}

void Store::put_scores(std::int64_t run_id, std::span<const SampleRecord> samples) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  Statement update = database_.prepare(
      "UPDATE samples SET scores = ?4, examinations = ?5 "
      "WHERE run_id = ?1 AND item_id = ?2 AND repeat = ?3");
  for (const SampleRecord& sample : samples) {
    update.bind(1, run_id).bind(2, sample.item_id).bind(3, sample.repeat);
    update.bind(4, to_text(sample.scores)).bind(5, to_text(sample.examinations)).run();
  }
  transaction.commit();
}

void Store::visit_samples(std::int64_t run_id,
                          const std::function<void(const ItemRecord&, SampleRecord&&)>& visit,
                          SampleDetail detail,
                          const std::function<bool(std::int64_t item_id)>& wanted) const {
  // Either way the same columns at the same places.
  const bool is_whole = detail == SampleDetail::kEverything;
  const bool with_routing = detail == SampleDetail::kRouting;
  const std::string sql =
      std::string("SELECT i.id, i.task, i.sample_id, ") +
      (is_whole ? "i.query, i.reference" : "'', ''") +
      ", i.gold_doc_ids, s.repeat, s.failed_stage, s.failure_class, s.failure_message, "
      "s.prompt_sha256, " +
      (is_whole ? "s.prediction, COALESCE(s.reply, c.text), s.completion_key, s.hits"
                : "'', NULL, NULL, '[]'") +
      ", s.context_chars, s.prompt_tokens, s.cached_prompt_tokens, s.completion_tokens, "
      "s.retrieval_seconds, s.generation_seconds, s.attempt_count, " +
      (is_whole ? "s.attempts" : "NULL") +
      ", s.finish_reason, s.cached, s.scores, s.gold_chunk_count, " +
      (is_whole || detail == SampleDetail::kExaminations ? "s.examinations" : "'{}'") +
      ", s.context_tokens, s.context_truncated, s.details, " +
      (with_routing ? "COALESCE(s.routing, json_extract(c.details, '$.routing'))" : "NULL") + ", " +
      (is_whole ? "COALESCE(s.reasoning, c.reasoning)" : "NULL") +
      ", s.first_token_seconds, s.inter_token_seconds, s.cost, s.saved, " +
      (is_whole ? "EXISTS (SELECT 1 FROM prompts p WHERE p.sha256 = s.prompt_sha256)" : "0") +
      ", i.question_type "
      "FROM samples s JOIN items i ON i.id = s.item_id " +
      (is_whole || with_routing ? "LEFT JOIN completions c ON c.key = s.completion_key " : "") +
      "WHERE s.run_id = ?1 ORDER BY s.item_id, s.repeat";
  std::unique_lock lock(mutex_);
  Statement row = database_.prepare(sql);
  row.bind(1, run_id);
  std::vector<UnparsedSample> batch;
  for (bool has_more = true; has_more;) {
    std::size_t batch_bytes = 0;
    while (batch_bytes < kVisitBatchBytes && (has_more = row.step())) {
      if (!wanted || wanted(row.integer(0))) {
        batch_bytes += batch.emplace_back(read_unparsed(row)).size_bytes();
      }
    }
    // Other threads read while this one parses.
    lock.unlock();
    for (UnparsedSample& unparsed : batch) {
      unparsed.parse(detail);
      visit(unparsed.item, std::move(unparsed.sample));
    }
    batch.clear();
    lock.lock();
  }
}

/// Those that are not there yet: runs of other generators send the same ones.
std::vector<PromptPack> Store::pack_new_prompts(std::span<const SampleRecord> samples) const {
  std::vector<PromptText> prompts;
  {
    const std::lock_guard lock(mutex_);
    Statement find = database_.prepare("SELECT 1 FROM prompts WHERE sha256 = ?1");
    std::unordered_set<std::string_view> seen;
    for (const SampleRecord& sample : samples) {
      if (sample.prompt.empty() || !seen.insert(sample.prompt_sha256).second) {
        continue;
      }
      if (!find.bind_view(1, sample.prompt_sha256).step()) {
        prompts.push_back({.sha256 = sample.prompt_sha256, .text = sample.prompt});
      }
      find.reset();
    }
  }
  return pack_prompts(prompts);
}

std::optional<Store::PromptPlace> Store::find_prompt_place(std::string_view sha256) const {
  const std::lock_guard lock(mutex_);
  Statement row =
      database_.prepare("SELECT pack_id, first_byte, size_bytes FROM prompts WHERE sha256 = ?1");
  if (!row.bind(1, sha256).step()) {
    return std::nullopt;
  }
  return PromptPlace{.pack_id = row.integer(0),
                     .begin = row.integer(1),
                     .size = row.is_null(2) ? std::nullopt : std::optional(row.integer(2))};
}

std::string Store::packed_prompts(std::int64_t pack_id) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare("SELECT packed FROM prompt_packs WHERE id = ?1");
  return row.bind(1, pack_id).step() ? row.blob(0) : std::string();
}

std::optional<std::string> Store::find_prompt(std::string_view sha256) const {
  return PromptReader(*this).find(sha256);
}

std::optional<std::string> PromptReader::find(std::string_view sha256) {
  const std::optional<Store::PromptPlace> place = store_.find_prompt_place(sha256);
  if (!place) {
    return std::nullopt;
  }
  try {
    if (pack_id_ != place->pack_id) {
      pack_id_.reset();
      texts_ = gunzip(store_.packed_prompts(place->pack_id));
      pack_id_ = place->pack_id;
    }
    return prompt_at(texts_, place->begin, place->size);
  } catch (const Error& error) {
    throw Error(error.code(), "workspace database: prompt " + std::string(sha256) +
                                  " cannot be read (" + error.what() +
                                  "); 'crudbench fsck' tells what is damaged");
  }
}

PromptTotals Store::prompt_totals() const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare(
      "SELECT (SELECT COUNT(*) FROM prompts), "
      "(SELECT COALESCE(SUM(LENGTH(packed)), 0) FROM prompt_packs)");
  row.step();
  return {.count = row.integer(0), .packed_bytes = row.integer(1)};
}

std::map<std::string, std::string> Store::scored_metrics(std::int64_t run_id) const {
  const std::lock_guard lock(mutex_);
  Statement statement =
      database_.prepare("SELECT metric, fingerprint FROM run_metrics WHERE run_id = ?1");
  statement.bind(1, run_id);
  std::map<std::string, std::string> metrics;
  while (statement.step()) {
    metrics.emplace(statement.text(0), statement.text(1));
  }
  return metrics;
}

void Store::put_scored_metrics(std::int64_t run_id,
                               const std::map<std::string, std::string>& metrics) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  database_.prepare("DELETE FROM run_metrics WHERE run_id = ?1").bind(1, run_id).run();
  Statement insert = database_.prepare(
      "INSERT INTO run_metrics (run_id, metric, fingerprint) VALUES (?1, ?2, ?3)");
  for (const auto& [metric, fingerprint] : metrics) {
    insert.bind(1, run_id).bind(2, metric).bind(3, fingerprint).run();
  }
  transaction.commit();
}

void Store::put_bank(std::int64_t run_id, std::string_view label, const Json& bank) {
  const std::lock_guard lock(mutex_);
  database_.prepare("INSERT OR REPLACE INTO run_banks (run_id, label, bank) VALUES (?1, ?2, ?3)")
      .bind(1, run_id)
      .bind(2, label)
      .bind(3, to_text(bank))
      .run();
}

std::map<std::string, Json> Store::banks(std::int64_t run_id) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare("SELECT label, bank FROM run_banks WHERE run_id = ?1");
  row.bind(1, run_id);
  std::map<std::string, Json> banks;
  while (row.step()) {
    banks.emplace(row.text(0), parse_stored(row.text(1)));
  }
  return banks;
}

std::optional<Json> Store::find_questions(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare("SELECT questions FROM questions WHERE key = ?1");
  return row.bind(1, key).step() ? std::optional(parse_stored(row.text(0))) : std::nullopt;
}

void Store::put_questions(std::string_view key, const Json& questions) {
  const std::lock_guard lock(mutex_);
  database_
      .prepare("INSERT OR IGNORE INTO questions (key, questions, created_at) VALUES (?1, ?2, ?3)")
      .bind(1, key)
      .bind(2, to_text(questions))
      .bind(3, utc_timestamp())
      .run();
}

std::optional<CompletionRecord> Store::find_completion(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare(std::string("SELECT ") + kCompletionColumns +
                                    " FROM completions WHERE key = ?1");
  return row.bind(1, key).step() ? std::optional(read_completion(row)) : std::nullopt;
}

void Store::put_completions(std::span<const CompletionRecord> completions,
                            std::span<const SpendingRecord> spending, bool replace) {
  const std::lock_guard lock(mutex_);
  Transaction transaction(database_);
  add_completions(database_,
                  {.completions = completions, .spending = spending, .replaces = replace});
  transaction.commit();
}

void Store::visit_completions(const std::function<void(CompletionRecord&&)>& visit) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare(std::string("SELECT ") + kCompletionColumns +
                                    " FROM completions ORDER BY key");
  while (row.step()) {
    visit(read_completion(row));
  }
}

void Store::visit_completion_keys(const std::function<void(std::string_view key)>& visit) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare("SELECT key FROM completions");  // The index answers alone.
  while (row.step()) {
    visit(row.text(0));
  }
}

CompletionTotals Store::completion_totals() const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare(
      "SELECT COUNT(*), COALESCE(SUM(LENGTH(CAST(text AS BLOB))), 0), "
      "COALESCE(SUM(MAX(prompt_tokens, 0)), 0), COALESCE(SUM(MAX(cached_prompt_tokens, 0)), 0), "
      "COALESCE(SUM(MAX(completion_tokens, 0)), 0), COALESCE(SUM(seconds), 0.0), "
      "COALESCE(MIN(created_at), ''), COALESCE(MAX(created_at), '') FROM completions");
  row.step();
  return {.count = row.integer(0),
          .text_bytes = row.integer(1),
          .usage = {.prompt_tokens = row.integer(2),
                    .cached_prompt_tokens = row.integer(3),
                    .completion_tokens = row.integer(4)},
          .seconds = row.number(5),
          .oldest = row.text(6),
          .newest = row.text(7)};
}

std::vector<SpendingRecord> Store::spending(const std::string& experiment) const {
  const std::lock_guard lock(mutex_);
  Statement row = database_.prepare(
      "SELECT purpose, model, currency, requests, prompt_tokens, cached_prompt_tokens, "
      "completion_tokens, cost FROM spending WHERE experiment = ?1 ORDER BY purpose, model");
  row.bind(1, experiment);
  std::vector<SpendingRecord> records;
  while (row.step()) {
    records.push_back({.experiment = experiment,
                       .purpose = row.text(0),
                       .model = row.text(1),
                       .requests = row.integer(3),
                       .usage = {.prompt_tokens = row.integer(4),
                                 .cached_prompt_tokens = row.integer(5),
                                 .completion_tokens = row.integer(6)},
                       .cost = row.number(7),
                       .currency = row.text(2)});
  }
  return records;
}

}  // namespace crudbench
