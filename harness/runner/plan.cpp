#include "harness/runner/plan.h"

#include <algorithm>
#include <functional>
#include <map>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"
#include "harness/runner/context_tokens.h"
#include "harness/tasks/builtin_tasks.h"

namespace crudbench {

namespace {

/// Raised when the same configuration gives other answers than before.
constexpr int kRunFormat = 1;

/// SHA-256 over which samples were chosen: two limits or seeds never share a run.
std::string selection_fingerprint(const Dataset& dataset, std::string_view task) {
  FingerprintBuilder fingerprint("selection", kRunFormat);
  for (const Sample& sample : dataset.samples) {
    if (sample.task == task) {
      fingerprint.add(sample.task).add(sample.sample_id);
    }
  }
  return fingerprint.hex_digest();
}

/// How samples are chosen, whatever the tasks: what a row's runs have in common.
Json selection_options(const Json& dataset) {
  return {{"limit", dataset.value("limit", Json())}, {"seed", dataset.value("seed", Json())}};
}

/// What every run of a cell has in common, whatever its task.
FingerprintBuilder cell_builder(const Cell& cell, const Dataset& dataset, const Catalog& catalog,
                                const std::string& retrieval_fingerprint) {
  FingerprintBuilder builder("run", kRunFormat);
  builder.add(dataset.knowledge_base_mode)
      .add(dataset.corpus_fingerprint)
      .add(dataset.samples_fingerprint)
      .add(retrieval_fingerprint)
      .add(std::to_string(cell.top_k()))
      .add(to_text(essential_context(cell.context, cell.generator)))
      .add(to_text(essential_generator(cell.generator, catalog)));
  return builder;
}

/// The prompt templates of every set, each loaded once.
class PromptHashes {
 public:
  const std::string& get(const std::string& prompt_set, const std::string& task) {
    auto [entry, is_new] = hashes_.try_emplace({prompt_set, task});
    if (is_new) {
      entry->second = load_prompt_template(prompt_set, task).sha256();
    }
    return entry->second;
  }

 private:
  std::map<std::pair<std::string, std::string>, std::string> hashes_;
};

/// Gathers the retrievals of cells and the stages that they read; looks each up once.
class RetrievalPlanner {
 public:
  RetrievalPlanner(const KnowledgeBase& knowledge_base, Plan& plan)
      : knowledge_base_(knowledge_base), plan_(plan) {}

  /// Returns the fingerprint of the cell's retrieval.
  std::string add(const Cell& cell, std::size_t position) {
    const RetrievalConfig& config = cell.retrieval;
    const std::string key =
        to_text({config.retriever, config.chunker, config.embedder, config.index});
    const auto [known, is_new] = known_configs_.try_emplace(key);
    if (is_new) {
      known->second = find_retrieval(config);
    }
    PlannedRetrieval& retrieval = plan_.retrievals[known->second];
    retrieval.top_k = std::max(retrieval.top_k, cell.top_k());
    retrieval.cells.push_back(position);
    return retrieval.fingerprint;
  }

 private:
  /// Configurations that differ in `top_k` only are one retrieval.
  std::size_t find_retrieval(const RetrievalConfig& config) {
    const std::string fingerprint = knowledge_base_.fingerprint(config);
    const auto [known, is_new] =
        known_retrievals_.try_emplace(fingerprint, plan_.retrievals.size());
    if (is_new) {
      plan_.retrievals.push_back({.fingerprint = fingerprint});
      for (KnowledgeBaseStage& stage : knowledge_base_.stages(config)) {
        const auto [place, is_new_stage] =
            known_stages_.try_emplace(stage.fingerprint, plan_.stages.size());
        if (is_new_stage) {
          plan_.stages.push_back(std::move(stage));
        }
        plan_.retrievals.back().stages.push_back(place->second);
      }
    }
    return known->second;
  }

  const KnowledgeBase& knowledge_base_;
  Plan& plan_;
  std::map<std::string, std::size_t> known_configs_;     // to a position in Plan::retrievals
  std::map<std::string, std::size_t> known_retrievals_;  // by fingerprint, the same
  std::map<std::string, std::size_t> known_stages_;      // to a position in Plan::stages
};

}  // namespace

std::vector<std::string> tasks_of(const Dataset& dataset) {
  std::vector<std::string> tasks;
  for (const std::string_view name : task_names()) {
    if (std::any_of(dataset.samples.begin(), dataset.samples.end(),
                    [name](const Sample& sample) { return sample.task == name; })) {
      tasks.emplace_back(name);
    }
  }
  if (tasks.empty()) {
    throw Error(ErrorCode::kInvalidData,
                "the samples file has no valid sample of the chosen tasks; 'crudbench validate' "
                "lists why");
  }
  return tasks;
}

Json essential_generator(const Json& generator, const Catalog& catalog) {
  Json essential = generator;
  const auto& entry = catalog.generators.entries().at(generator.at("type").get<std::string>());
  for (const std::string& option : entry.neutral_options) {
    essential.erase(option);
  }
  return essential;
}

std::vector<Json> costly_generators(const Experiment& experiment, const Catalog& catalog) {
  std::vector<Json> costly;
  const auto add = [&](const Json& generator) {
    const auto& entry = catalog.generators.entries().at(generator.at("type").get<std::string>());
    if (entry.costly && std::find(costly.begin(), costly.end(), generator) == costly.end()) {
      costly.push_back(generator);
    }
  };
  const std::function<void(const Json&)> add_rewriting = [&](const Json& retriever) {
    if (retriever.contains("generator")) {
      add(retriever.at("generator"));
    }
    for (const Json& part : retriever.value("parts", Json::array())) {
      add_rewriting(part);
    }
  };
  for (const Cell& cell : experiment.cells) {
    add(cell.generator);
    add_rewriting(cell.retrieval.retriever);
  }
  for (const Json& metric : experiment.metrics) {
    if (metric.contains("judge")) {
      add(metric.at("judge"));
    }
  }
  return costly;
}

std::vector<std::size_t> samples_of(const Dataset& dataset, std::string_view task) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < dataset.samples.size(); ++i) {
    if (dataset.samples[i].task == task) {
      positions.push_back(i);
    }
  }
  return positions;
}

Plan make_plan(const Experiment& experiment, const Dataset& dataset, const Catalog& catalog,
               const KnowledgeBase& knowledge_base, const Store* store) {
  Plan plan{.tasks = tasks_of(dataset)};
  std::map<std::string, RunProgress> progress;
  if (store != nullptr) {
    for (const RunRecord& run : store->runs()) {
      progress.emplace(run.fingerprint, store->progress(run.run_id));
    }
  }
  std::map<std::string, std::string> selections;
  std::map<std::string, std::size_t> sample_counts;
  for (const std::string& task : plan.tasks) {
    selections.emplace(task, selection_fingerprint(dataset, task));
    sample_counts.emplace(task, samples_of(dataset, task).size());
  }
  PromptHashes prompt_hashes;
  RetrievalPlanner retrievals(knowledge_base, plan);
  for (std::size_t i = 0; i < experiment.cells.size(); ++i) {
    const Cell& cell = experiment.cells[i];
    const std::string retrieval_fingerprint = retrievals.add(cell, i);
    FingerprintBuilder row = cell_builder(cell, dataset, catalog, retrieval_fingerprint);
    row.add("row").add(cell.prompts).add(to_text(selection_options(experiment.dataset)));
    const std::string cell_fingerprint = row.hex_digest();
    for (const std::string& task : plan.tasks) {
      FingerprintBuilder run = cell_builder(cell, dataset, catalog, retrieval_fingerprint);
      run.add("task").add(task).add(selections.at(task));
      run.add(prompt_hashes.get(cell.prompts, task));
      PlannedRun planned{.cell = i,
                         .task = task,
                         .fingerprint = run.hex_digest(),
                         .cell_fingerprint = cell_fingerprint,
                         .retrieval_fingerprint = retrieval_fingerprint,
                         .sample_count = sample_counts.at(task) * experiment.repeats};
      if (const auto found = progress.find(planned.fingerprint); found != progress.end()) {
        planned.progress = found->second;
      }
      plan.runs.push_back(std::move(planned));
    }
  }
  return plan;
}

}  // namespace crudbench
