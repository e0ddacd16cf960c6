#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/llama/model_variant.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/estimate.h"
#include "harness/runner/plan.h"
#include "harness/runner/scorer.h"
#include "harness/store/store.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{kSetOption, kThreadsOption};

constexpr CommandSpec kSpec{
    .name = "plan",
    .arguments = "CONFIG",
    .summary = "Show cells, stages and requests, done and to do, before spending any.",
    .min_positionals = 1,
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench plan configs/experiments/sample.json\n"
        "  crudbench plan my.json --json\n"};

/// What is left to do of one cell, over its tasks.
struct CellTotals {
  std::int64_t samples = 0;
  RunProgress progress;
};

/// Requests that judges get if every reply can be read: one a sample where the questions are known,
/// else three.
std::int64_t judge_requests(const Experiment& experiment, const Plan& plan, const Store* store) {
  const Catalog& catalog = builtin_catalog();
  const auto fingerprints = metric_fingerprints(experiment.metrics, catalog);
  std::map<std::string, std::int64_t> run_ids;
  if (store != nullptr) {
    for (const RunRecord& run : store->runs()) {
      run_ids.emplace(run.fingerprint, run.run_id);
    }
  }
  std::int64_t requests = 0;
  for (const PlannedRun& run : plan.runs) {
    const auto run_id = run_ids.find(run.fingerprint);
    const auto recorded = run_id == run_ids.end() ? std::map<std::string, std::string>()
                                                  : store->scored_metrics(run_id->second);
    for (const Json& metric : experiment.metrics) {
      const auto found = recorded.find(to_text(metric));
      const bool is_done =
          found != recorded.end() && found->second == fingerprints.at(to_text(metric));
      if (is_judged(metric, catalog) && !is_done) {
        const bool has_bank = metric.contains("bank") && metric.at("bank").is_string();
        requests += static_cast<std::int64_t>(run.sample_count) * (has_bank ? 1 : 3);
      }
    }
  }
  return requests;
}

Json estimate_json(const Estimate& estimate) {
  return {{"expected", estimate.expected}, {"low", estimate.low}, {"high", estimate.high}};
}

Json spending_json(const std::vector<SpendingEstimate>& estimates, const std::string& currency) {
  Json list = Json::array();
  for (const SpendingEstimate& estimate : estimates) {
    list.push_back({{"model", estimate.model},
                    {"requests", estimate.requests},
                    {"prompt_tokens", estimate_json(estimate.prompt_tokens)},
                    {"completion_tokens", estimate_json(estimate.completion_tokens)},
                    {"most_completion_tokens", estimate.most_completion_tokens},
                    {"currency", currency},
                    {"cost", estimate.cost ? estimate_json(*estimate.cost) : Json()},
                    {"highest_cost", estimate.highest_cost ? Json(*estimate.highest_cost) : Json()},
                    {"basis", estimate.basis}});
  }
  return list;
}

/// "1234 (900 to 1600)".
std::string range_text(const Estimate& estimate) {
  const auto rounded = [](double value) { return std::to_string(std::llround(value)); };
  return rounded(estimate.expected) + " (" + rounded(estimate.low) + " to " +
         rounded(estimate.high) + ")";
}

std::string spending_text(const std::vector<SpendingEstimate>& estimates,
                          const std::string& currency) {
  std::string text;
  for (const SpendingEstimate& estimate : estimates) {
    text += "\nestimated for " + estimate.model +
            ", judges left out: " + range_text(estimate.prompt_tokens) + " prompt tokens, " +
            range_text(estimate.completion_tokens) + " answer tokens\n";
    if (estimate.cost) {
      text += "  cost: " + format_money(estimate.cost->expected, currency) + " (" +
              format_money(estimate.cost->low, currency) + " to " +
              format_money(estimate.cost->high, currency) + ")";
      if (estimate.highest_cost) {
        text += ", at most " + format_money(*estimate.highest_cost, currency) +
                " if every answer runs to its limit";
      }
      text += "\n";
    } else {
      text += "  cost: unknown; /prices/models has no price for it\n";
    }
    text += "  from " + estimate.basis + "\n";
  }
  return text;
}

/// The variants of local models that the cells use: [{"quantization", "model", "file", "cached"}],
/// each once.
Json model_variants(const Experiment& experiment, const Workspace& workspace) {
  Json variants = Json::array();
  std::set<std::filesystem::path> seen;
  for (const Cell& cell : experiment.cells) {
    const Json& generator = cell.generator;
    const Json quantization = generator.value("quantization", Json(kWholeModel));
    if (generator.at("type") != "llama" || quantization == kWholeModel) {
      continue;
    }
    const std::filesystem::path file =
        variant_file(workspace.model_folder(), generator.at("model_sha256").get<std::string>(),
                     quantization.get<std::string>());
    if (seen.insert(file).second) {
      variants.push_back({{"quantization", quantization},
                          {"model", generator.at("model")},
                          {"file", file.string()},
                          {"cached", std::filesystem::exists(file)}});
    }
  }
  return variants;
}

ExitCode run(const Arguments& arguments) {
  const Experiment experiment = experiment_of(arguments);
  const Workspace workspace = workspace_of(arguments);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Dataset dataset = read_dataset(experiment, *pool);
  const KnowledgeBase knowledge_base(workspace.knowledge_base_folder(), dataset.corpus,
                                     dataset.corpus_fingerprint, builtin_catalog(), *pool);
  std::optional<Store> store;
  if (std::filesystem::exists(workspace.database_file())) {
    store.emplace(workspace, Database::Mode::kReadOnly);
  }
  const Plan plan =
      make_plan(experiment, dataset, builtin_catalog(), knowledge_base, store ? &*store : nullptr);

  const std::int64_t to_judges = judge_requests(experiment, plan, store ? &*store : nullptr);
  std::vector<CellTotals> cells(experiment.cells.size());
  std::int64_t samples = 0;
  std::int64_t to_do = 0;
  std::int64_t requests = 0;
  for (const PlannedRun& run : plan.runs) {
    const auto count = static_cast<std::int64_t>(run.sample_count);
    const std::int64_t left = count - run.progress.ok - run.progress.failed;
    cells[run.cell].samples += count;
    cells[run.cell].progress.ok += run.progress.ok;
    cells[run.cell].progress.failed += run.progress.failed;
    samples += count;
    to_do += left;
    const Json& generator = experiment.cells[run.cell].generator;
    const bool costly =
        builtin_catalog().generators.entries().at(generator.at("type").get<std::string>()).costly;
    requests += costly ? left : 0;
  }

  const std::vector<SpendingEstimate> estimates =
      estimate_spending(experiment, dataset, builtin_catalog(), plan, store ? &*store : nullptr);
  const std::string& currency = experiment.prices.currency;

  if (arguments.has("json")) {
    Json stages = Json::array();
    for (const KnowledgeBaseStage& stage : plan.stages) {
      stages.push_back(
          {{"kind", stage.kind}, {"fingerprint", stage.fingerprint}, {"cached", stage.cached}});
    }
    Json runs = Json::array();
    for (const PlannedRun& run : plan.runs) {
      runs.push_back({{"cell", experiment.cells[run.cell].to_json()},
                      {"task", run.task},
                      {"fingerprint", run.fingerprint},
                      {"samples", run.sample_count},
                      {"ok", run.progress.ok},
                      {"failed", run.progress.failed}});
    }
    print_json({{"experiment", experiment.name},
                {"cells", experiment.cells.size()},
                {"tasks", plan.tasks},
                {"samples", samples},
                {"samples_to_do", to_do},
                {"requests_at_most", requests},
                {"judge_requests", to_judges},
                {"estimates", spending_json(estimates, currency)},
                {"stages", stages},
                {"model_variants", model_variants(experiment, workspace)},
                {"runs", runs}});
    return ExitCode::kDone;
  }

  std::string text = "experiment " + experiment.name + ": " +
                     std::to_string(experiment.cells.size()) + " cells x " +
                     std::to_string(plan.tasks.size()) +
                     " tasks = " + std::to_string(plan.runs.size()) + " runs\n\nknowledge base:\n";
  for (const KnowledgeBaseStage& stage : plan.stages) {
    text += std::string(stage.cached ? "  cached  " : "  build   ") + stage.kind + " " +
            stage.fingerprint.substr(0, 12) + "\n";
  }
  for (const Json& variant : model_variants(experiment, workspace)) {
    text += std::string(variant.at("cached") == true ? "  cached  " : "  make    ") + "model " +
            variant.at("quantization").get<std::string>() + " of " +
            printable_line(variant.at("model").get<std::string>()) + "\n";
  }
  text += "\ncells:\n";
  const std::vector<std::string> labels = labels_of(experiment);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const CellTotals& totals = cells[i];
    const std::int64_t done = totals.progress.ok + totals.progress.failed;
    text += std::string(done == totals.samples ? "  done    " : "  to do   ") + labels[i] + ": " +
            std::to_string(done) + " of " + std::to_string(totals.samples) + " samples";
    if (totals.progress.failed > 0) {
      text += ", " + std::to_string(totals.progress.failed) + " failed";
    }
    text += "\n";
  }
  text += "\nsamples to do: " + std::to_string(to_do) + " of " + std::to_string(samples) +
          "\nrequests to endpoints: at most " + std::to_string(requests) +
          " (answers in the completion cache are not asked for again)\n";
  if (to_judges > 0) {
    text += "requests to judges: " + std::to_string(to_judges) +
            " (one more for every reply that cannot be read; cached answers and questions are not "
            "asked for again)\n";
  }
  text += spending_text(estimates, currency);
  print(text);
  return ExitCode::kDone;
}

}  // namespace

const Command kPlanCommand{kSpec, run};

}  // namespace crudbench
