#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/runner/builtin_catalog.h"
#include "reports/safe_text.h"
#include "retrievers/knowledge_base.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    kSetOption,
    kThreadsOption,
    {"top-k", "K", "hits to show in a search (default: 5)"},
};

constexpr CommandSpec kSpec{
    .name = "kb",
    .arguments = "build|search|inspect CONFIG [QUERY]",
    .summary = "Build, search or inspect the knowledge bases of a configuration.",
    .min_positionals = 2,
    .max_positionals = 3,
    .options = kOptions,
    .examples =
        "  crudbench kb build configs/experiments/sample.json\n"
        "  crudbench kb search configs/experiments/sample.json '地铁 首班车' --top-k 3\n"
        "  crudbench kb inspect configs/experiments/sample.json\n"};

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

std::size_t top_k_of(const Arguments& arguments) {
  std::size_t top_k = 5;
  if (const auto text = arguments.value("top-k")) {
    const char* const end = text->data() + text->size();
    const auto [stopped_at, problem] = std::from_chars(text->data(), end, top_k);
    if (problem != std::errc() || stopped_at != end || top_k == 0 || top_k > 1000) {
      throw Error(ErrorCode::kInvalidConfig,
                  "--top-k: expected an integer from 1 to 1000, found '" + *text + "'");
    }
  }
  return top_k;
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
    results.push_back({{"cell", labels[position]}, {"hits", std::move(hits)}});
  }
  return results;
}

std::string search_text(const Json& results) {
  std::string text;
  for (const Json& result : results) {
    text += result.at("cell").get<std::string>() + "\n";
    std::size_t rank = 0;
    for (const Json& hit : result.at("hits")) {
      text += "  " + std::to_string(++rank) + "  " + to_text(hit.at("score")) + "  " +
              printable_line(hit.at("chunk").get<std::string>()) + "\n     " +
              clip_to_columns(printable_line(hit.at("text").get<std::string>()), 100) + "\n";
    }
  }
  return text;
}

std::string inspect_text(const Json& stages) {
  std::string text;
  for (const Json& stage : stages) {
    text += std::string(stage.at("cached").get<bool>() ? "  built    " : "  missing  ") +
            stage.at("kind").get<std::string>() + "  " +
            stage.at("fingerprint").get<std::string>().substr(0, 12) + "  " +
            to_text(stage.at("bytes")) + " bytes\n";
  }
  return text;
}

ExitCode run(const Arguments& arguments) {
  const std::string& action = arguments.positionals().front();
  const bool needs_query = action == "search";
  if (action != "build" && action != "search" && action != "inspect") {
    throw Error(ErrorCode::kInvalidConfig,
                "kb: expected build, search or inspect, found '" + action + "'");
  }
  if (needs_query != (arguments.positionals().size() == 3)) {
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
  const Json result = needs_query ? search(experiment, knowledge_base, arguments.positionals()[2],
                                           top_k_of(arguments))
                                  : inspect(experiment, knowledge_base, workspace);
  if (arguments.has("json")) {
    print_json(result);
  } else {
    print(needs_query ? search_text(result) : inspect_text(result));
  }
  return ExitCode::kDone;
}

}  // namespace

const Command kKnowledgeBaseCommand{kSpec, run};

}  // namespace crudbench
