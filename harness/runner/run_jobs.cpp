#include "harness/runner/run_jobs.h"

#include <algorithm>
#include <set>

#include "harness/generators/generator_traits.h"
#include "harness/runner/retrieval_desk.h"
#include "harness/runner/scorer.h"
#include "retrievers/artifact_store.h"

namespace crudbench {

namespace {

const std::string kCores = "cores";

/// About the size of an artifact that does not stand yet; rather too much, by what such files came
/// to on news.
std::uint64_t unbuilt_bytes(const KnowledgeBaseStage& stage, double corpus_bytes) {
  constexpr double kBytesPerUnit = 1.8;  ///< Of text, for a token or character of a chunk's size.
  constexpr double kUsualChunk = 1000.0;
  constexpr double kUsualDimension = 1024.0;
  const auto rows_bytes = [&] {
    const Json size = stage.parameters.at("chunker").value("size", Json());
    const Json dimension = stage.parameters.at("embedder").value("dim", Json());
    const double chunk_bytes =
        size.is_number() ? std::max(1.0, size.get<double>()) * kBytesPerUnit : kUsualChunk;
    return corpus_bytes / chunk_bytes * sizeof(float) *
           (dimension.is_number() ? dimension.get<double>() : kUsualDimension);
  };
  double bytes = 0.1 * corpus_bytes;  // Chunks, distances.
  if (stage.kind == "bm25") {
    bytes = 1.1 * corpus_bytes;
  } else if (stage.kind == "embedder") {
    bytes = 0.8 * corpus_bytes;
  } else if (stage.kind == "vectors") {
    bytes = rows_bytes();
  } else if (stage.kind == "index") {  // A flat one is its vectors.
    bytes = stage.parameters.at("index").value("type", "") == "flat" ? 0.0 : 1.5 * rows_bytes();
  }
  return static_cast<std::uint64_t>(bytes);
}

/// What asking a generator about a task keeps from others.
std::string taken_by(const Json& generator, const std::string& task) {
  const std::string type = generator.at("type").get<std::string>();
  if (!traits_of(type).is_remote) {
    return kCores;
  }
  return type == "exec" ? "program " + to_text(generator)
                        : "requests " + task + " " + to_text(generator);
}

/// The same for the generators that stand in a retriever's options, at any depth.
void take_nested(const Json& config, const std::string& task, std::set<std::string>& taken) {
  const Json type = config.is_object() ? config.value("type", Json()) : Json();
  if (type.is_string() && traits_of(type.get<std::string>()).is_remote) {
    taken.insert(taken_by(config, task));
  }
  if (config.is_structured()) {
    for (const Json& part : config) {
      take_nested(part, task, taken);
    }
  }
}

bool is_requests(const std::string& name) {
  return name != kCores && !name.starts_with("run ");
}

}  // namespace

bool has_local_model(const Json& config) {
  if (config.is_object() && config.value("type", Json()) == "llama") {
    return true;
  }
  return config.is_structured() && std::any_of(config.begin(), config.end(), has_local_model);
}

RunJobs jobs_of(const Experiment& experiment, const Plan& plan,
                const std::vector<std::size_t>& runs, const Catalog& catalog) {
  std::vector<Json> judges;
  for (const Json& metric : experiment.metrics) {
    if (is_judged(metric, catalog)) {
      judges.push_back(metric.at("judge"));
    }
  }
  RunJobs result;
  for (const std::size_t position : runs) {
    const PlannedRun& run = plan.runs[position];
    const Cell& cell = experiment.cells[run.cell];
    const std::string itself = "run " + run.fingerprint;  // Two cells can come to one run.
    Job generation{.exclusive = {itself, taken_by(cell.generator, run.task)},
                   .resident = knowledge_base_key(cell)};
    const RetrievalConfig& retrieval = cell.retrieval;
    if (has_local_model({retrieval.retriever, retrieval.embedder, retrieval.chunker})) {
      generation.exclusive.insert(kCores);
    }
    take_nested(retrieval.retriever, run.task, generation.exclusive);
    result.jobs.push_back(std::move(generation));
    result.parts.push_back({.run = position, .is_last = judges.empty()});
    if (judges.empty()) {
      continue;
    }
    Job judging{.exclusive = {itself}, .after = result.jobs.size() - 1};
    for (const Json& judge : judges) {
      judging.exclusive.insert(taken_by(judge, run.task));
    }
    result.jobs.push_back(std::move(judging));
    result.parts.push_back({.run = position, .is_judging = true, .is_last = true});
  }
  return result;
}

std::size_t default_lanes(const std::vector<Job>& jobs) {
  bool computes = false;
  bool requests = false;
  for (const Job& job : jobs) {
    computes = computes || job.exclusive.contains(kCores);
    requests = requests || std::any_of(job.exclusive.begin(), job.exclusive.end(), is_requests);
  }
  return std::max<std::size_t>((computes ? 1 : 0) + (requests ? 2 : 0), 1);
}

std::map<std::string, std::uint64_t> knowledge_base_sizes(const Experiment& experiment,
                                                          const Plan& plan, const Corpus& corpus,
                                                          const std::filesystem::path& root) {
  std::map<std::string, std::uint64_t> built;  // by fingerprint
  for (const StoredArtifact& artifact : ArtifactStore(root).list()) {
    built.emplace(artifact.fingerprint, artifact.size_bytes);
  }
  std::map<std::string, std::set<std::size_t>> stages;  // by chunker: positions in Plan::stages
  for (const PlannedRetrieval& retrieval : plan.retrievals) {
    std::set<std::size_t>& of_base =
        stages[knowledge_base_key(experiment.cells[retrieval.cells.front()])];
    of_base.insert(retrieval.stages.begin(), retrieval.stages.end());
  }
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& [chunker, positions] : stages) {
    std::uint64_t& size = sizes[chunker];
    for (const std::size_t position : positions) {
      const KnowledgeBaseStage& stage = plan.stages[position];
      const auto found = built.find(stage.fingerprint);
      size += found != built.end() ? found->second
                                   : unbuilt_bytes(stage, static_cast<double>(corpus.size_bytes()));
    }
  }
  return sizes;
}

}  // namespace crudbench
