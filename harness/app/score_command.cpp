#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/external_predictions.h"
#include "harness/store/store.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"samples", "FILE", "CRUD-RAG samples file, for references that FILE lacks"},
    {"name", "NAME", "name of the system in tables (default: the file's name)"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "score",
    .arguments = "FILE",
    .summary = "Score predictions made elsewhere: JSON lines, or upstream's output file.",
    .min_positionals = 1,
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench score predictions.jsonl --samples split_merged.json --name my-system\n"
        "  crudbench score output/QuestAnswer1Doc_gpt.json\n"
        "a line of FILE: {\"id\": \"…\", \"task\": \"questanswer_1doc\", \"prediction\": \"…\"}\n"};

ExitCode run(const Arguments& arguments) {
  const std::filesystem::path file = arguments.positionals().front();
  const Catalog& catalog = builtin_catalog();
  std::vector<ExternalPrediction> predictions = read_external_predictions(file);
  add_references(predictions, arguments.value("samples"), catalog);
  std::vector<Json> metrics;
  for (const char* name : {"bleu", "rouge", "length", "format"}) {
    metrics.push_back(catalog.metrics.resolve({{"type", name}}, "score", "/metrics"));
  }
  const Workspace workspace = workspace_of(arguments);
  const WorkspaceLock lock(workspace);
  Store store(workspace, Database::Mode::kReadWrite);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const std::string name = arguments.value("name").value_or(file.stem().string());
  score_external_predictions(predictions, name, metrics, catalog, *pool, store);
  if (arguments.has("json")) {
    print_leaderboard_json(store, name, *pool);
  } else {
    print_leaderboard(store, name, *pool);
  }
  return ExitCode::kDone;
}

}  // namespace

const Command kScoreCommand{kSpec, run};

}  // namespace crudbench
