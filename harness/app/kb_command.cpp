#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/random.h"
#include "harness/runner/builtin_catalog.h"
#include "reports/safe_text.h"
#include "retrievers/artifact_store.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    kSetOption,
    kThreadsOption,
    kKnowledgeBasesOption,
    {"top-k", "K", "hits to show in a search (default: 5)"},
    {"dry-run", "", "say what gc would remove, and remove nothing"},
};

constexpr CommandSpec kSpec{
    .name = "kb",
    .arguments = "build|inspect CONFIG | search CONFIG QUERY | ls | verify | gc [CONFIG…]",
    .summary = "Build, search or inspect knowledge bases; list, verify or clear what is kept.",
    .min_positionals = 1,
    .max_positionals = 100,
    .options = kOptions,
    .examples =
        "  crudbench kb build configs/experiments/sample.json\n"
        "  crudbench kb search configs/experiments/sample.json '地铁 首班车' --top-k 3\n"
        "  crudbench kb inspect configs/experiments/sample.json\n"
        "  crudbench kb ls\n"
        "  crudbench kb gc --dry-run configs/experiments/sample.json\n"};

/// Cells of an experiment that stand for all of its retrieval configurations.
std::vector<std::size_t> distinct_retrievals(const Experiment& experiment,
                                             const KnowledgeBase& knowledge_base) {
  std::vector<std::size_t> cells;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < experiment.cells.size(); ++i) {
    if (seen.insert(knowledge_base.fingerprint(experiment.cells[i].retrieval)).second) {
      cells.push_back(i);
    }
  }
  return cells;
}

std::uintmax_t folder_bytes(const std::filesystem::path& folder) {
  std::uintmax_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, ignored)) {
    if (entry.is_regular_file(ignored)) {
      bytes += entry.file_size(ignored);
    }
  }
  return bytes;
}

/// Every artifact of the experiment with its state and size.
Json inspect(const Experiment& experiment, const KnowledgeBase& knowledge_base,
             const Workspace& workspace) {
  Json stages = Json::array();
  std::set<std::string> seen;
  for (const std::size_t cell : distinct_retrievals(experiment, knowledge_base)) {
    for (const KnowledgeBaseStage& stage :
         knowledge_base.stages(experiment.cells[cell].retrieval)) {
      if (seen.insert(stage.fingerprint).second) {
        stages.push_back(
            {{"kind", stage.kind},
             {"fingerprint", stage.fingerprint},
             {"cached", stage.cached},
             {"bytes", folder_bytes(workspace.knowledge_base_folder() / stage.fingerprint)}});
      }
    }
  }
  return stages;
}

/// How an approximate index does beside the exact one, with chunks of the corpus as queries.
Json measure_index(const Cell& cell, KnowledgeBase& knowledge_base) {
  constexpr std::size_t kQueries = 200;
  constexpr std::size_t kTopK = 8;
  constexpr std::uint64_t kSeed = 22;
  const RetrievalConfig& config = cell.retrieval;
  const std::size_t dimension =
      knowledge_base.embedder(config.chunker, config.embedder).dimension();
  const std::span<const float> rows = knowledge_base.vectors(config.chunker, config.embedder);
  std::vector<float> queries;
  for (const std::size_t row : sample_positions(rows.size() / dimension, kQueries, kSeed)) {
    const std::span<const float> values = rows.subspan(row * dimension, dimension);
    queries.insert(queries.end(), values.begin(), values.end());
  }
  const Registry<VectorIndex>& indexes = knowledge_base.catalog().indexes;
  const std::unique_ptr<VectorIndex> flat = indexes.build({{"type", "flat"}});
  flat->build(rows, dimension, knowledge_base.executor());
  const VectorIndex& index = knowledge_base.index(config.chunker, config.embedder, config.index);
  const auto expected = flat->search(queries, kTopK, knowledge_base.executor());
  const auto start = std::chrono::steady_clock::now();
  const auto found = index.search(queries, kTopK, knowledge_base.executor());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::size_t wanted = 0;
  std::size_t shared = 0;
  for (std::size_t query = 0; query < expected.size(); ++query) {
    wanted += expected[query].size();
    for (const Neighbor& neighbor : expected[query]) {
      shared += std::find(found[query].begin(), found[query].end(), neighbor) != found[query].end()
                    ? 1U
                    : 0U;
    }
  }
  return {{"index", config.index},
          {"queries", expected.size()},
          {"recall@8", static_cast<double>(shared) / static_cast<double>(wanted)},
          {"ms_per_query", 1e3 * seconds.count() / static_cast<double>(expected.size())}};
}

/// The indexes of the experiment that are built, each measured once for each of its settings.
Json measure_indexes(const Experiment& experiment, KnowledgeBase& knowledge_base) {
  Json measured = Json::array();
  std::set<std::string> seen;
  for (const Cell& cell : experiment.cells) {
    const std::vector<KnowledgeBaseStage> stages = knowledge_base.stages(cell.retrieval);
    const auto index = std::find_if(stages.begin(), stages.end(),
                                    [](const auto& stage) { return stage.kind == "index"; });
    const bool is_built =
        index != stages.end() &&
        std::all_of(stages.begin(), stages.end(), [](const auto& stage) { return stage.cached; });
    if (is_built && seen.insert(index->fingerprint + cell.retrieval.index.dump()).second) {
      measured.push_back(measure_index(cell, knowledge_base));
    }
  }
  return measured;
}

/// The hits of one query under every retrieval configuration of the experiment.
Json search(const Experiment& experiment, KnowledgeBase& knowledge_base, const std::string& query,
            std::size_t top_k) {
  Json results = Json::array();
  const std::vector<std::string> labels = labels_of(experiment);
  for (const std::size_t position : distinct_retrievals(experiment, knowledge_base)) {
    const Cell& cell = experiment.cells[position];
    if (cell.top_k() == 0) {
      continue;  // The bounds do not look at the query.
    }
    const std::unique_ptr<Retriever> retriever = knowledge_base.open(cell.retrieval);
    const Query asked{.text = query, .gold_documents = {}};
    const std::vector<Retrieval> found =
        retriever->retrieve(std::span(&asked, 1), top_k, knowledge_base.executor());
    Json hits = Json::array();
    for (const Hit& hit : found.front().hits) {
      hits.push_back({{"chunk", retriever->chunks().chunk_id(hit.chunk)},
                      {"score", hit.score},
                      {"text", retriever->chunks().text(hit.chunk)}});
    }
    const std::optional<Failure>& failure = found.front().failure;
    results.push_back(
        {{"cell", labels[position]},
         {"hits", std::move(hits)},
         {"failure", failure ? Json(failure->failure_class + ": " + failure->message) : Json()}});
  }
  return results;
}

std::string search_text(const Json& results) {
  std::string text;
  for (const Json& result : results) {
    text += result.at("cell").get<std::string>() + "\n";
    if (result.at("failure").is_string()) {
      text += "  failed: " + printable_line(result.at("failure").get<std::string>()) + "\n";
    }
    std::size_t rank = 0;
    for (const Json& hit : result.at("hits")) {
      text += "  " + std::to_string(++rank) + "  " + to_text(hit.at("score")) + "  " +
              printable_line(hit.at("chunk").get<std::string>()) + "\n     " +
              clip_to_columns(printable_line(hit.at("text").get<std::string>()), 100) + "\n";
    }
  }
  return text;
}

std::string inspect_text(const Json& result) {
  std::string text;
  for (const Json& stage : result.at("stages")) {
    text += std::string(stage.at("cached").get<bool>() ? "  built    " : "  missing  ") +
            stage.at("kind").get<std::string>() + "  " +
            stage.at("fingerprint").get<std::string>().substr(0, 12) + "  " +
            to_text(stage.at("bytes")) + " bytes\n";
  }
  for (const Json& index : result.at("indexes")) {
    char figures[80];
    std::snprintf(figures, sizeof figures, "  recall@8 %.4f, %.3f ms a query  ",
                  index.at("recall@8").get<double>(), index.at("ms_per_query").get<double>());
    text += figures + to_text(index.at("index")) + "\n";
  }
  return text;
}

/// Which artifacts are in use: fingerprint → what uses it.
using References = std::map<std::string, std::set<std::string>>;

/// Notes the artifacts of a retrieval, over a corpus of which only the fingerprint is at hand.
void add_references(const Workspace& workspace, const std::string& corpus_fingerprint,
                    const RetrievalConfig& retrieval, const std::string& user,
                    References& references) {
  const Corpus no_documents;
  SerialExecutor executor;
  const KnowledgeBase knowledge_base(workspace.knowledge_base_folder(), no_documents,
                                     corpus_fingerprint, builtin_catalog(), executor);
  for (const KnowledgeBaseStage& stage : knowledge_base.stages(retrieval)) {
    references[stage.fingerprint].insert(user);
  }
}

/// What the runs in the store have used, by the names of their experiments.
References stored_references(const Workspace& workspace) {
  References references;
  std::error_code missing;
  if (!std::filesystem::exists(workspace.database_file(), missing)) {
    return references;
  }
  const Store store(workspace, Database::Mode::kReadOnly);
  const auto add = [&](const std::vector<RunRecord>& runs, const std::string& user) {
    for (const RunRecord& run : runs) {
      const RetrievalConfig retrieval{.retriever = run.cell.value("retriever", Json()),
                                      .chunker = run.cell.value("chunker", Json()),
                                      .embedder = run.cell.value("embedder", Json()),
                                      .index = run.cell.value("index", Json())};
      try {
        add_references(workspace, run.provenance.value("corpus_fingerprint", ""), retrieval, user,
                       references);
      } catch (const Error&) {
        // A run made elsewhere, or with a member that this program does not have: it has none here.
      }
    }
  };
  add(store.runs(), "runs");
  for (const std::string& experiment : store.experiments()) {
    add(store.runs(experiment), experiment);
  }
  return references;
}

/// What the configurations on the command line need, their metrics included.
void add_config_references(const Arguments& arguments, const Workspace& workspace,
                           References& references) {
  const std::vector<std::string>& words = arguments.positionals();
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const Experiment experiment =
        load_experiment(words[i], arguments.all("set"), builtin_catalog());
    const std::string corpus = read_dataset(experiment, *pool).corpus_fingerprint;
    for (const Cell& cell : experiment.cells) {
      add_references(workspace, corpus, cell.retrieval, experiment.name, references);
    }
    for (const Json& metric : experiment.metrics) {
      if (metric.contains("embedder") && metric.contains("chunker")) {
        const RetrievalConfig like_dense{.retriever = {{"type", "dense"}},
                                         .chunker = metric.at("chunker"),
                                         .embedder = metric.at("embedder"),
                                         .index = {{"type", "flat"}}};
        add_references(workspace, corpus, like_dense, experiment.name, references);
      }
    }
  }
}

/// The parameters of an artifact's last stage in one line.
std::string short_parameters(const StoredArtifact& artifact) {
  if (artifact.kind == "chunks" || artifact.kind == "embedder" || artifact.kind == "index") {
    const std::string section = artifact.kind == "chunks" ? "chunker" : artifact.kind;
    if (artifact.parameters.is_object() && artifact.parameters.contains(section)) {
      return to_text(artifact.parameters.at(section));
    }
  }
  return artifact.parameters.is_null() ? "" : to_text(artifact.parameters);
}

Json list_artifacts(const ArtifactStore& store, const References& references) {
  Json artifacts = Json::array();
  const auto now = std::filesystem::file_time_type::clock::now();
  for (const StoredArtifact& artifact : store.list()) {
    const auto used = references.find(artifact.fingerprint);
    artifacts.push_back(
        {{"kind", artifact.kind},
         {"fingerprint", artifact.fingerprint},
         {"bytes", artifact.size_bytes},
         {"parameters", short_parameters(artifact)},
         {"age_s",
          std::chrono::duration_cast<std::chrono::seconds>(now - artifact.built_at).count()},
         {"defect", artifact.defect},
         {"used_by", used == references.end() ? std::set<std::string>() : used->second}});
  }
  return artifacts;
}

Json verify_artifacts(const ArtifactStore& store) {
  Json artifacts = Json::array();
  for (const StoredArtifact& artifact : store.list()) {
    artifacts.push_back({{"kind", artifact.kind},
                         {"fingerprint", artifact.fingerprint},
                         {"bytes", artifact.size_bytes},
                         {"defect", store.verify(artifact.fingerprint)}});
  }
  return artifacts;
}

/// Removes what nothing refers to; `removed` says so of each, with `dry_run` of what would be.
Json collect_garbage(const ArtifactStore& store, const References& references, bool dry_run) {
  Json artifacts = Json::array();
  for (const StoredArtifact& artifact : store.list()) {
    if (!references.contains(artifact.fingerprint)) {
      const bool removed = dry_run || store.remove(artifact.fingerprint);
      artifacts.push_back({{"kind", artifact.kind},
                           {"fingerprint", artifact.fingerprint},
                           {"bytes", artifact.size_bytes},
                           {"defect", removed ? "" : "another process builds it; kept"},
                           {"removed", removed}});
    }
  }
  return artifacts;
}

std::string age_text(std::int64_t seconds) {
  constexpr std::int64_t kHour = 3600;
  constexpr std::int64_t kDay = 24 * kHour;
  return seconds >= 2 * kDay    ? std::to_string(seconds / kDay) + " days"
         : seconds >= 2 * kHour ? std::to_string(seconds / kHour) + " hours"
                                : std::to_string(seconds / 60) + " minutes";
}

std::string artifacts_text(const Json& artifacts) {
  std::string text;
  std::uintmax_t total = 0;
  for (const Json& artifact : artifacts) {
    const std::string kind = artifact.at("kind").get<std::string>();
    text += "  " + (kind.empty() ? "?" : printable_line(kind)) + "  " +
            artifact.at("fingerprint").get<std::string>().substr(0, 12) + "  " +
            to_text(artifact.at("bytes")) + " bytes";
    if (artifact.contains("age_s")) {
      text += "  " + age_text(artifact.at("age_s").get<std::int64_t>());
      for (const Json& user : artifact.at("used_by")) {
        text += "  " + printable_line(user.get<std::string>());
      }
      text += "\n     " +
              clip_to_columns(printable_line(artifact.at("parameters").get<std::string>()), 100);
    }
    if (const std::string defect = artifact.at("defect").get<std::string>(); !defect.empty()) {
      text += "\n     " + printable_line(defect);
    }
    text += "\n";
    total += artifact.value("removed", true) ? artifact.at("bytes").get<std::uintmax_t>() : 0;
  }
  return text + "  " + std::to_string(artifacts.size()) + " artifacts, " + std::to_string(total) +
         " bytes\n";
}

/// "ls", "verify" and "gc": the actions on all that is kept.
ExitCode run_on_store(const std::string& action, const Arguments& arguments) {
  if (action != "gc" && arguments.positionals().size() > 1) {
    throw Error(ErrorCode::kInvalidConfig, "kb " + action + ": expected no CONFIG");
  }
  const Workspace workspace = workspace_of(arguments);
  const ArtifactStore store(workspace.knowledge_base_folder());
  Json artifacts;
  bool sound = true;
  if (action == "verify") {
    artifacts = verify_artifacts(store);
    sound = std::all_of(artifacts.begin(), artifacts.end(),
                        [](const Json& artifact) { return artifact.at("defect") == ""; });
  } else {
    References references = stored_references(workspace);
    if (action == "ls") {
      artifacts = list_artifacts(store, references);
    } else {
      const bool dry_run = arguments.has("dry-run");
      std::optional<WorkspaceLock> lock;  // A run may be about to read what it does not yet record.
      if (!dry_run) {
        lock.emplace(workspace);
      }
      add_config_references(arguments, workspace, references);
      artifacts = collect_garbage(store, references, dry_run);
    }
  }
  if (arguments.has("json")) {
    print_json(artifacts);
  } else {
    print(artifacts_text(artifacts));
  }
  return sound ? ExitCode::kDone : ExitCode::kData;
}

ExitCode run_on_config(const std::string& action, const Arguments& arguments) {
  const bool needs_query = action == "search";
  if (arguments.positionals().size() != (needs_query ? 3U : 2U)) {
    throw Error(ErrorCode::kInvalidConfig, needs_query ? "kb search: expected CONFIG QUERY"
                                                       : "kb " + action + ": expected CONFIG");
  }
  const Experiment experiment =
      load_experiment(arguments.positionals()[1], arguments.all("set"), builtin_catalog());
  const Workspace workspace = workspace_of(arguments);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Dataset dataset = read_dataset(experiment, *pool);
  KnowledgeBase knowledge_base(workspace.knowledge_base_folder(), dataset.corpus,
                               dataset.corpus_fingerprint, builtin_catalog(), *pool);
  if (action == "build") {
    for (const std::size_t cell : distinct_retrievals(experiment, knowledge_base)) {
      knowledge_base.open(experiment.cells[cell].retrieval);
    }
  }
  Json result;
  if (needs_query) {
    result = search(experiment, knowledge_base, arguments.positionals()[2],
                    count_option(arguments, "top-k", 5, 1, 1000));
  } else {
    result = {{"stages", inspect(experiment, knowledge_base, workspace)},
              {"indexes",
               action == "inspect" ? measure_indexes(experiment, knowledge_base) : Json::array()}};
  }
  if (arguments.has("json")) {
    print_json(result);
  } else {
    print(needs_query ? search_text(result) : inspect_text(result));
  }
  return ExitCode::kDone;
}

ExitCode run(const Arguments& arguments) {
  const std::string& action = arguments.positionals().front();
  if (action == "gc" && arguments.has("kb")) {
    throw Error(ErrorCode::kInvalidConfig,
                "kb gc: no --kb here: one workspace does not tell what others need of a shared "
                "folder");
  }
  if (action == "ls" || action == "verify" || action == "gc") {
    return run_on_store(action, arguments);
  }
  if (action == "build" || action == "search" || action == "inspect") {
    return run_on_config(action, arguments);
  }
  throw Error(ErrorCode::kInvalidConfig,
              "kb: expected build, search, inspect, ls, verify or gc, found '" + action + "'");
}

}  // namespace

const Command kKnowledgeBaseCommand{kSpec, run};

}  // namespace crudbench
