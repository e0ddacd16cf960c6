#include "harness/store/merge.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/json.h"
#include "harness/store/store.h"

namespace crudbench {

namespace {

/// What a part says of one of its runs, where all parts must agree.
struct RunClaims {
  std::string made_by;  ///< Version and revision of the program.
  std::map<std::string, std::string> metrics;

  friend bool operator==(const RunClaims&, const RunClaims&) = default;
};

/// What a part says of itself, read before anything is written.
struct Part {
  std::string name;
  std::map<std::string, ShardRecord> shards;             ///< By experiment.
  std::map<std::string, std::vector<std::string>> runs;  ///< Fingerprints, by experiment.
  std::map<std::string, RunClaims> claims;               ///< By fingerprint.
  std::int64_t sample_count = 0;                         ///< Of the experiments' runs.
  std::int64_t expected_count = 0;                       ///< The same if they were whole.
};

Error part_error(const Part& part, const std::string& problem) {
  return {ErrorCode::kInvalidData, "'" + part.name + "' " + problem};
}

std::string made_by(const Json& provenance) {
  return provenance.is_object()
             ? provenance.value("crudbench", "?") + " (" + provenance.value("git", "?") + ")"
             : "?";
}

Part read_part(const Workspace& workspace) {
  const Store store(workspace, Database::Mode::kReadOnly);
  Part part{.name = workspace.folder.string()};
  for (const std::string& experiment : store.experiments()) {
    const std::optional<ShardRecord> shard = store.find_shard(experiment);
    if (!shard) {
      throw part_error(part, "holds experiment '" + experiment +
                                 "' whole: only what 'crudbench run --shard' made is merged");
    }
    part.shards.emplace(experiment, *shard);
    std::vector<std::string>& fingerprints = part.runs[experiment];
    for (const RunRecord& run : store.runs(experiment)) {
      fingerprints.push_back(run.fingerprint);
      const auto [claims, is_new] = part.claims.try_emplace(run.fingerprint);
      if (is_new) {
        const RunProgress progress = store.progress(run.run_id);
        part.sample_count += progress.ok + progress.failed;
        part.expected_count += run.sample_count;
        claims->second = {.made_by = made_by(run.provenance),
                          .metrics = store.scored_metrics(run.run_id)};
      }
    }
  }
  if (part.shards.empty()) {
    throw part_error(part, "holds no experiment");
  }
  return part;
}

/// The samples that its shards are to have.
std::int64_t wanted_count(const Part& part) {
  std::int64_t wanted = 0;
  for (const auto& [experiment, shard] : part.shards) {
    wanted += shard.sample_count;
  }
  return wanted;
}

/// Throws unless `part` is another shard of what `first` is one of.
void require_kin(const Part& first, const Part& part) {
  for (const auto& [experiment, shard] : first.shards) {
    const auto found = part.shards.find(experiment);
    if (found == part.shards.end() || part.shards.size() != first.shards.size()) {
      throw part_error(part, "does not hold the same experiments as '" + first.name + "'");
    }
    if (found->second.count != shard.count) {
      throw part_error(part, "is one of " + std::to_string(found->second.count) +
                                 " shards of experiment '" + experiment + "', '" + first.name +
                                 "' one of " + std::to_string(shard.count));
    }
    for (const std::string& fingerprint : part.runs.at(experiment)) {
      const auto known = first.claims.find(fingerprint);
      if (known != first.claims.end() &&
          known->second.made_by != part.claims.at(fingerprint).made_by) {
        throw part_error(part, "was made by crudbench " + part.claims.at(fingerprint).made_by +
                                   ", '" + first.name + "' by " + known->second.made_by);
      }
    }
    if (part.runs.at(experiment) != first.runs.at(experiment) ||
        found->second.split != shard.split) {
      throw part_error(part, "is of another configuration of experiment '" + experiment +
                                 "', or of other data, than '" + first.name + "'");
    }
  }
}

/// Parts that are not finished may lack the metrics of judges.
void require_same_metrics(const Part& first, const Part& part) {
  for (const auto& [fingerprint, claims] : part.claims) {
    if (first.claims.at(fingerprint).metrics != claims.metrics) {
      throw part_error(part, "has other metrics than '" + first.name +
                                 "': score both with one configuration, by 'crudbench run'");
    }
  }
}

/// The numbers of the shards that no part holds. Throws for one that two hold.
std::vector<std::int64_t> find_missing(const std::vector<Part>& parts) {
  std::vector<std::int64_t> missing;
  for (const auto& [experiment, shard] : parts.front().shards) {
    std::map<std::int64_t, const Part*> holders;
    for (const Part& part : parts) {
      const auto [holder, is_new] = holders.emplace(part.shards.at(experiment).number, &part);
      if (!is_new) {
        throw part_error(part, "and '" + holder->second->name + "' are both shard " +
                                   std::to_string(holder->first) + " of " +
                                   std::to_string(shard.count) + " of experiment '" + experiment +
                                   "'");
      }
    }
    for (std::int64_t number = 1; number <= shard.count; ++number) {
      const bool is_known = std::find(missing.begin(), missing.end(), number) != missing.end();
      if (!holders.contains(number) && !is_known) {
        missing.push_back(number);
      }
    }
  }
  std::sort(missing.begin(), missing.end());
  return missing;
}

/// Each part has the items of its own samples; together they are in the order of the whole.
std::vector<std::size_t> in_order_of_shards(const std::vector<Part>& parts) {
  std::vector<std::size_t> order(parts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&parts](std::size_t left, std::size_t right) {
    return parts[left].shards.begin()->second.number < parts[right].shards.begin()->second.number;
  });
  return order;
}

std::string numbers_text(const std::vector<std::int64_t>& numbers) {
  constexpr std::size_t kShown = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(numbers.size(), kShown); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
  }
  return text + (numbers.size() > kShown ? ", …" : "");
}

/// Copies one part into the database, attached as `part`.
class PartCopier {
 public:
  PartCopier(Database& database, const Workspace& workspace) : database_(database) {
    database_.prepare("ATTACH DATABASE ?1 AS part")
        .bind(1, workspace.database_file().string())
        .run();
  }
  ~PartCopier() {
    try {
      database_.execute("DETACH DATABASE part");
    } catch (const Error&) {
      // The failure that led here is the one to report.
    }
  }
  PartCopier(const PartCopier&) = delete;
  PartCopier& operator=(const PartCopier&) = delete;

  void copy(const Part& part) {
    Transaction transaction(database_);
    copy_new("items");
    copy_new("runs", "WHERE id IN (SELECT run_id FROM part.experiment_runs)");
    map_ids();
    copy_samples(part);
    copy_new("completions");
    copy_prompts();
    copy_new("questions");
    add_spending();
    copy_experiments();
    database_.execute("DROP TABLE temp.item_map; DROP TABLE temp.run_map");
    transaction.commit();
  }

 private:
  /// The columns of a table that are copied as they are: all but its own ids. Asked for, so that
  /// none can be forgotten when the schema grows.
  std::string columns_of(const std::string& table) {
    Statement column = database_.prepare(
        "SELECT name FROM pragma_table_info(?1) WHERE name NOT IN ('id', 'run_id', 'item_id')");
    column.bind(1, table);
    std::string columns;
    while (column.step()) {
      columns += (columns.empty() ? "" : ", ") + column.text(0);
    }
    return columns;
  }

  /// Rows whose unique key is not there yet, in their order.
  void copy_new(const std::string& table, const std::string& condition = "") {
    const std::string columns = columns_of(table);
    database_.execute("INSERT OR IGNORE INTO main." + table + " (" + columns + ") SELECT " +
                      columns + " FROM part." + table + " " + condition + " ORDER BY id");
  }

  /// With the packs that hold any new one.
  void copy_prompts() {
    Statement last = database_.prepare("SELECT COALESCE(MAX(id), 0) FROM main.prompt_packs");
    last.step();
    const std::int64_t packs_before = last.integer(0);
    last.reset();
    database_
        .prepare(
            "INSERT INTO main.prompt_packs (id, packed) SELECT id + ?1, packed "
            "FROM part.prompt_packs WHERE id IN (SELECT pack_id FROM part.prompts p "
            "WHERE NOT EXISTS (SELECT 1 FROM main.prompts m WHERE m.sha256 = p.sha256)) "
            "ORDER BY id")
        .bind(1, packs_before)
        .run();
    database_
        .prepare(
            "INSERT INTO main.prompts (sha256, pack_id, first_byte, size_bytes) "
            "SELECT sha256, pack_id + ?1, first_byte, size_bytes FROM part.prompts p "
            "WHERE NOT EXISTS (SELECT 1 FROM main.prompts m WHERE m.sha256 = p.sha256) "
            "ORDER BY id")
        .bind(1, packs_before)
        .run();
  }

  void map_ids() {
    database_.execute(
        "CREATE TEMP TABLE item_map (old INTEGER PRIMARY KEY, new INTEGER NOT NULL);"
        "INSERT INTO temp.item_map SELECT p.id, m.id FROM part.items p JOIN main.items m "
        "ON m.task = p.task AND m.sample_id = p.sample_id "
        "AND m.samples_fingerprint = p.samples_fingerprint "
        "AND m.corpus_fingerprint = p.corpus_fingerprint;"
        "CREATE TEMP TABLE run_map (old INTEGER PRIMARY KEY, new INTEGER NOT NULL);"
        "INSERT INTO temp.run_map SELECT p.id, m.id FROM part.runs p JOIN main.runs m "
        "ON m.fingerprint = p.fingerprint "
        "WHERE p.id IN (SELECT run_id FROM part.experiment_runs)");
  }

  void copy_samples(const Part& part) {
    const std::string columns = columns_of("samples");
    database_.execute("INSERT OR IGNORE INTO main.samples (run_id, item_id, " + columns +
                      ") SELECT r.new, i.new, " + columns +
                      " FROM part.samples s JOIN temp.run_map r ON r.old = s.run_id "
                      "JOIN temp.item_map i ON i.old = s.item_id ORDER BY s.id");
    const std::int64_t copied = database_.changed_rows();
    if (copied != part.sample_count) {
      throw part_error(part, "holds " + std::to_string(part.sample_count - copied) +
                                 " samples that another part holds too");
    }
  }

  /// What the parts have spent is added up.
  void add_spending() {
    database_.execute(
        "INSERT INTO main.spending (experiment, purpose, model, currency, requests, prompt_tokens, "
        "cached_prompt_tokens, completion_tokens, cost) SELECT experiment, purpose, model, "
        "currency, requests, prompt_tokens, cached_prompt_tokens, completion_tokens, cost "
        "FROM part.spending WHERE true ON CONFLICT (experiment, purpose, model, currency) "
        "DO UPDATE SET requests = requests + excluded.requests, "
        "prompt_tokens = prompt_tokens + excluded.prompt_tokens, "
        "cached_prompt_tokens = cached_prompt_tokens + excluded.cached_prompt_tokens, "
        "completion_tokens = completion_tokens + excluded.completion_tokens, "
        "cost = cost + excluded.cost");
  }

  void copy_experiments() {
    database_.execute(
        "INSERT OR IGNORE INTO main.experiments (name, config, updated_at) "
        "SELECT name, config, updated_at FROM part.experiments ORDER BY id;"
        "INSERT OR IGNORE INTO main.experiment_runs (experiment_id, position, run_id, label, "
        "stopped_after) "
        "SELECT m.id, er.position, r.new, er.label, er.stopped_after FROM part.experiment_runs er "
        "JOIN part.experiments p ON p.id = er.experiment_id "
        "JOIN main.experiments m ON m.name = p.name JOIN temp.run_map r ON r.old = er.run_id;"
        "INSERT OR IGNORE INTO main.run_metrics (run_id, metric, fingerprint) "
        "SELECT r.new, rm.metric, rm.fingerprint FROM part.run_metrics rm "
        "JOIN temp.run_map r ON r.old = rm.run_id;"
        "INSERT OR IGNORE INTO main.run_banks (run_id, label, bank) "
        "SELECT r.new, rb.label, rb.bank FROM part.run_banks rb "
        "JOIN temp.run_map r ON r.old = rb.run_id");
  }

  Database& database_;
};

std::vector<Part> read_parts(std::span<const Workspace> workspaces, bool allow_missing) {
  std::vector<Part> parts;
  for (const Workspace& workspace : workspaces) {
    parts.push_back(read_part(workspace));
    const Part& part = parts.back();
    require_kin(parts.front(), part);
    if (part.sample_count < wanted_count(part) && !allow_missing) {
      throw part_error(part, "is not finished: it has " + std::to_string(part.sample_count) +
                                 " of its " + std::to_string(wanted_count(part)) +
                                 " samples; 'crudbench run' with its --shard continues it");
    }
    if (!allow_missing) {
      require_same_metrics(parts.front(), part);
    }
  }
  return parts;
}

}  // namespace

MergeResult merge_shards(std::span<const Workspace> parts, const Workspace& target,
                         bool allow_missing) {
  if (std::filesystem::exists(target.database_file())) {
    throw Error(ErrorCode::kIo, "workspace '" + target.folder.string() +
                                    "' has results already; merge into a new one");
  }
  const std::vector<Part> read = read_parts(parts, allow_missing);
  MergeResult result{.part_count = static_cast<std::int64_t>(read.size()),
                     .shard_count = read.front().shards.begin()->second.count,
                     .missing = find_missing(read),
                     .expected_count = read.front().expected_count};
  if (!result.missing.empty() && !allow_missing) {
    throw Error(ErrorCode::kInvalidData, "missing of " + std::to_string(result.shard_count) +
                                             " shards: " + numbers_text(result.missing) +
                                             "; --partial merges what is there");
  }
  for (const auto& [experiment, shard] : read.front().shards) {
    result.experiments.push_back(experiment);
  }
  // Filled under another name, so that a merge that fails leaves no half of a result.
  AtomicFolder folder(target.folder / "merged");
  const Workspace temporary{.folder = folder.path()};
  { const Store schema(temporary, Database::Mode::kReadWrite); }
  {
    Database database(temporary.database_file(), Database::Mode::kReadWrite);
    for (const std::size_t i : in_order_of_shards(read)) {
      PartCopier(database, parts[i]).copy(read[i]);
      result.sample_count += read[i].sample_count;
    }
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  std::error_code problem;
  std::filesystem::rename(temporary.database_file(), target.database_file(), problem);
  if (problem) {
    throw io_error("write", target.database_file().string(), problem.value());
  }
  return result;
}

}  // namespace crudbench
