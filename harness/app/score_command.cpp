#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/log.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/external_predictions.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"config", "CONFIG",
     "score on the data and with the metrics of this experiment, so that the "
     "system stands in one table with its cells"},
    kSetOption,
    {"samples", "FILE", "CRUD-RAG samples file, for references that FILE lacks (without --config)"},
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
        "  crudbench score predictions.jsonl --config my.json --name my-system\n"
        "  crudbench score predictions.jsonl --samples split_merged.json --name my-system\n"
        "  crudbench score output/QuestAnswer1Doc_gpt.json\n"
        "a line of FILE: {\"id\": \"…\", \"task\": \"questanswer_1doc\", \"prediction\": \"…\",\n"
        "                   \"contexts\": [\"…\", {\"doc_id\": \"…\"}]}\n"};

/// Nothing to show: scoring is quick, and judging logs of itself.
class Silent final : public RunListener {
 public:
  void run_started(const PlannedRun&, std::size_t, std::size_t) override {}
  void sample_finished(const PlannedRun&, const SampleRecord&) override {}
  void judging_started(const PlannedRun&, const std::string& /*metric*/,
                       std::size_t count) override {
    if (count > 0) {
      log_info("judge", std::to_string(count) + " samples to judge");
    }
  }
  void sample_judged(const PlannedRun&) override {}
  void run_finished(const PlannedRun&, const RunProgress&) override {}
};

void score_without_data(const Arguments& arguments, std::vector<ExternalPrediction> predictions,
                        const std::string& name, Store& store, Executor& executor) {
  const Catalog& catalog = builtin_catalog();
  add_references(predictions, arguments.value("samples"), catalog);
  std::vector<Json> metrics;
  for (const char* type : {"bleu", "rouge", "chrf", "length", "format"}) {
    metrics.push_back(catalog.metrics.resolve({{"type", type}}, "score", "/metrics"));
  }
  score_external_predictions(predictions, name, metrics, catalog, executor, store);
}

ExitCode run(const Arguments& arguments) {
  const std::filesystem::path file = arguments.positionals().front();
  const std::string name = arguments.value("name").value_or(file.stem().string());
  const std::vector<ExternalPrediction> predictions = read_external_predictions(file);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Workspace workspace = workspace_of(arguments);
  const WorkspaceLock lock(workspace);
  Store store(workspace, Database::Mode::kReadWrite);
  if (const auto config = arguments.value("config")) {
    const Experiment experiment = load_experiment(*config, arguments.all("set"), builtin_catalog());
    const Dataset dataset = read_dataset(experiment, *pool);
    Silent listener;
    score_predictions(predictions, name, experiment, dataset, builtin_catalog(), store, workspace,
                      *pool, {}, listener, {});
  } else {
    score_without_data(arguments, predictions, name, store, *pool);
  }
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
