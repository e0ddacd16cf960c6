#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "harness/app/commands.h"
#include "harness/app/model_report.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/llama/model_variant.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/estimate.h"
#include "harness/runner/plan.h"
#include "harness/runner/plan_tree.h"
#include "harness/runner/rehearsal.h"
#include "harness/runner/scorer.h"
#include "harness/runner/sharding.h"
#include "harness/store/store.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    kSetOption,
    kThreadsOption,
    kKnowledgeBasesOption,
    {"shards", "N", "also show what each of N shards would do"},
    {"no-timing", "", "do no small parts of the work to tell its time and disk space"},
};

constexpr CommandSpec kSpec{
    .name = "plan",
    .arguments = "CONFIG",
    .summary = "Show cells, stages and requests, done and to do, before spending any.",
    .min_positionals = 1,
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench plan configs/experiments/sample.json\n"
        "  crudbench plan my.json --shards 8 --json\n"};

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

/// "0.4 s", "12 s", "3 min 5 s", "2 h 10 min".
std::string duration_text(double seconds) {
  constexpr double kMinute = 60.0;
  constexpr double kHour = 3600.0;
  if (seconds < 10.0) {
    return fixed_number(seconds, 1) + " s";
  }
  const auto whole = [](double value) { return std::to_string(std::llround(std::floor(value))); };
  if (seconds < kMinute) {
    return whole(seconds) + " s";
  }
  return seconds < kHour
             ? whole(seconds / kMinute) + " min " + whole(std::fmod(seconds, kMinute)) + " s"
             : whole(seconds / kHour) + " h " + whole(std::fmod(seconds, kHour) / kMinute) + " min";
}

std::string size_text(double bytes) {
  return bytes_text(static_cast<std::uint64_t>(bytes));
}

Json effort_json(const Effort& effort) {
  Json stages = Json::object();
  for (const auto& [fingerprint, stage] : effort.stages) {
    stages[fingerprint] = {{"seconds", stage.seconds}, {"bytes", stage.bytes}};
  }
  return {{"seconds", effort.seconds()},
          {"build_seconds", effort.build_seconds},
          {"search_seconds", effort.search_seconds},
          {"answer_seconds", effort.answer_seconds},
          {"bytes", effort.bytes()},
          {"artifact_bytes", effort.artifact_bytes},
          {"store_bytes", effort.store_bytes},
          {"stages", std::move(stages)},
          {"left_out", effort.untimed}};
}

std::string effort_text(const Effort& effort) {
  std::string text = "time on this machine: about " + duration_text(effort.seconds()) +
                     " (knowledge bases " + duration_text(effort.build_seconds) +
                     ", opening and searching them " + duration_text(effort.search_seconds) +
                     ", answers and scores " + duration_text(effort.answer_seconds) +
                     ")\ndisk: about " + size_text(effort.bytes()) + " (knowledge bases " +
                     size_text(effort.artifact_bytes) + ", store " + size_text(effort.store_bytes) +
                     ")\n";
  for (const std::string& part : effort.untimed) {
    text += "  left out: " + part + "\n";
  }
  return text;
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
                    {"seconds", estimate.seconds ? estimate_json(*estimate.seconds) : Json()},
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
            ", judges and rewriting left out: " + range_text(estimate.prompt_tokens) +
            " prompt tokens, " + range_text(estimate.completion_tokens) + " answer tokens\n";
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
    text += "  waiting for it: " +
            (estimate.seconds ? "about " + duration_text(estimate.seconds->expected) +
                                    ", if it serves as many requests at a time as allowed"
                              : "unknown; some of its runs have had no answers yet") +
            "\n  from " + estimate.basis + "\n";
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

std::string variants_text(const Json& variants) {
  std::string text;
  for (const Json& variant : variants) {
    text += std::string(variant.at("cached") == true ? "cached " : "make   ") + "model " +
            variant.at("quantization").get<std::string>() + " of " +
            printable_line(variant.at("model").get<std::string>()) + "\n";
  }
  return text;
}

/// What is left to do of one cell, over its tasks.
struct CellTotals {
  std::int64_t samples = 0;
  RunProgress progress;

  std::int64_t done() const { return progress.ok + progress.failed; }
};

/// What an experiment comes to. Runs that several cells share are counted once in the sums.
struct PlanTotals {
  std::vector<CellTotals> cells;
  std::int64_t samples = 0;
  std::int64_t to_do = 0;
  std::int64_t requests = 0;
  std::int64_t rewriting = 0;  ///< Requests for writing queries anew, at most.
};

/// Requests that one query costs a retriever with generators in it, at any depth.
std::int64_t rewriting_requests(const Json& retriever) {
  std::int64_t requests = retriever.contains("generator") ? 1 : 0;
  for (const Json& part : retriever.value("parts", Json::array())) {
    requests += rewriting_requests(part);
  }
  return requests;
}

PlanTotals count_totals(const Experiment& experiment, const Plan& plan) {
  PlanTotals totals;
  totals.cells.resize(experiment.cells.size());
  std::set<std::string> seen;
  std::map<std::pair<std::string, std::string>, std::int64_t> rewriting;  // by retrieval and task
  for (const PlannedRun& run : plan.runs) {
    const auto count = static_cast<std::int64_t>(run.sample_count);
    CellTotals& cell = totals.cells[run.cell];
    cell.samples += count;
    cell.progress.ok += run.progress.ok;
    cell.progress.failed += run.progress.failed;
    if (!seen.insert(run.fingerprint).second) {
      continue;
    }
    const std::int64_t left = count - run.progress.ok - run.progress.failed;
    totals.samples += count;
    totals.to_do += left;
    const Json& generator = experiment.cells[run.cell].generator;
    const bool costly =
        builtin_catalog().generators.entries().at(generator.at("type").get<std::string>()).costly;
    totals.requests += costly ? left : 0;
    std::int64_t& most = rewriting[{run.retrieval_fingerprint, run.task}];
    most = std::max(most, left / static_cast<std::int64_t>(experiment.repeats) *
                              rewriting_requests(experiment.cells[run.cell].retrieval.retriever));
  }
  for (const auto& [retrieval, requests] : rewriting) {
    totals.rewriting += requests;
  }
  return totals;
}

/// The shards of a plan, for `--shards`.
Json shards_json(const std::vector<ShardPlan>& shards, std::size_t repeats) {
  Json list = Json::array();
  for (const ShardPlan& shard : shards) {
    std::size_t samples = 0;
    for (const SampleRange& range : shard.ranges) {
      samples += range.size() * repeats;
    }
    list.push_back({{"shard", shard.shard.number}, {"samples", samples}, {"cost", shard.cost}});
  }
  return list;
}

std::string shards_text(const std::vector<ShardPlan>& shards) {
  const auto [least, most] = std::minmax_element(
      shards.begin(), shards.end(),
      [](const auto& left, const auto& right) { return left.cost < right.cost; });
  return "\nshards: " + std::to_string(shards.size()) + ", the costliest " +
         (least->cost == 0
              ? std::string("beside empty ones")
              : fixed_number(static_cast<double>(most->cost) / static_cast<double>(least->cost),
                             3) +
                    " x the cheapest") +
         "\n";
}

Json plan_json(const Experiment& experiment, const Plan& plan, const PlanTotals& totals,
               std::int64_t to_judges) {
  Json stages = Json::array();
  for (const KnowledgeBaseStage& stage : plan.stages) {
    stages.push_back(
        {{"kind", stage.kind}, {"fingerprint", stage.fingerprint}, {"cached", stage.cached}});
  }
  Json runs = Json::array();
  for (const PlannedRun& run : plan.runs) {
    runs.push_back({{"cell", experiment.cells[run.cell].labelled_json()},
                    {"cell_position", run.cell},
                    {"task", run.task},
                    {"fingerprint", run.fingerprint},
                    {"samples", run.sample_count},
                    {"ok", run.progress.ok},
                    {"failed", run.progress.failed}});
  }
  return {{"experiment", experiment.name},
          {"cells", experiment.cells.size()},
          {"tasks", plan.tasks},
          {"samples", totals.samples},
          {"samples_to_do", totals.to_do},
          {"requests_at_most", totals.requests},
          {"judge_requests", to_judges},
          {"rewriting_requests", totals.rewriting},
          {"stages", stages},
          {"tree", plan_tree_json(plan_tree(experiment, plan))},
          {"runs", runs}};
}

std::string cell_line(const std::string& label, const CellTotals& totals) {
  std::string line = std::string(totals.done() == totals.samples ? "done   " : "to do  ") + label +
                     ": " + std::to_string(totals.done()) + " of " +
                     std::to_string(totals.samples) + " samples";
  if (totals.progress.failed > 0) {
    line += ", " + std::to_string(totals.progress.failed) + " failed";
  }
  return line;
}

/// The tree of stages with the cells as leaves, two spaces a level.
void append_tree(std::string& text, const std::vector<PlanNode>& nodes, std::size_t depth,
                 const std::vector<std::string>& labels, const PlanTotals& totals,
                 const Effort& effort) {
  const std::string indent((depth + 1) * 2, ' ');
  for (const PlanNode& node : nodes) {
    const bool is_retrieval = node.kind == "retrieval";
    text += indent +
            (is_retrieval  ? ""
             : node.cached ? "cached "
                           : "build  ") +
            node.kind + " " + node.fingerprint.substr(0, 12);
    if (const std::string parameters = parameters_text(node.parameters); !parameters.empty()) {
      text += "  " + parameters;
    }
    if (node.cell_count > 1) {
      text += "  (shared by " + std::to_string(node.cell_count) + " cells)";
    }
    if (const auto stage = effort.stages.find(node.fingerprint); stage != effort.stages.end()) {
      text += ", about " + duration_text(stage->second.seconds) + " and " +
              size_text(stage->second.bytes);
    }
    text += "\n";
    append_tree(text, node.children, depth + 1, labels, totals, effort);
    for (const std::size_t cell : node.cells) {
      text += indent + "  " + cell_line(labels[cell], totals.cells[cell]) + "\n";
    }
  }
}

std::string plan_text(const Experiment& experiment, const Plan& plan, const PlanTotals& totals,
                      std::int64_t to_judges, const std::optional<Effort>& effort) {
  std::string text = "experiment " + experiment.name + ": " +
                     std::to_string(experiment.cells.size()) + " cells x " +
                     std::to_string(plan.tasks.size()) +
                     " tasks = " + std::to_string(plan.runs.size()) + " runs\n\nstages:\n";
  append_tree(text, plan_tree(experiment, plan), 0, labels_of(experiment), totals,
              effort.value_or(Effort()));
  text += "\nsamples to do: " + std::to_string(totals.to_do) + " of " +
          std::to_string(totals.samples) + "\nrequests to endpoints: at most " +
          std::to_string(totals.requests) +
          " (answers in the completion cache are not asked for again)\n";
  if (to_judges > 0) {
    text += "requests to judges: " + std::to_string(to_judges) +
            " (one more for every reply that cannot be read; cached answers and questions are not "
            "asked for again)\n";
  }
  if (totals.rewriting > 0) {
    text += "requests for rewriting queries: at most " + std::to_string(totals.rewriting) + "\n";
  }
  if (effort) {
    text += effort_text(*effort);
  }
  return text;
}

ExitCode run(const Arguments& arguments) {
  const std::size_t shard_count = count_option(arguments, "shards", 0, 1, kMaxShards);
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
  const PlanTotals totals = count_totals(experiment, plan);
  std::vector<ShardPlan> shards;
  if (shard_count > 0) {
    shards = plan_shards(experiment, dataset, builtin_catalog(), plan, shard_count);
  }

  const std::vector<SpendingEstimate> estimates =
      estimate_spending(experiment, dataset, builtin_catalog(), plan, store ? &*store : nullptr);
  std::optional<Effort> effort;
  if (!arguments.has("no-timing")) {
    set_log_level(LogLevel::kWarning);  // What is built for it is gone again afterwards.
    try {
      effort = rehearse(experiment, dataset, builtin_catalog(), plan, knowledge_base, *pool);
    } catch (const Error& error) {  // As for a full disk; the rest of the plan stands.
      log_warning("plan", std::string("time and disk space cannot be told: ") + error.what());
    }
  }
  const std::string& currency = experiment.prices.currency;
  const Json variants = model_variants(experiment, workspace);

  if (arguments.has("json")) {
    Json result = plan_json(experiment, plan, totals, to_judges);
    if (shard_count > 0) {
      result["shards"] = shards_json(shards, experiment.repeats);
    }
    result["estimates"] = spending_json(estimates, currency);
    result["effort"] = effort ? effort_json(*effort) : Json();
    result["model_variants"] = variants;
    print_json(result);
  } else {
    print(plan_text(experiment, plan, totals, to_judges, effort) + variants_text(variants) +
          spending_text(estimates, currency) +
          (shard_count > 0 ? shards_text(shards) : std::string()));
  }
  return ExitCode::kDone;
}

}  // namespace

const Command kPlanCommand{kSpec, run};

}  // namespace crudbench
