#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "datasets/corpus.h"
#include "harness/core/catalog.h"
#include "harness/runner/experiment.h"
#include "harness/runner/job_schedule.h"
#include "harness/runner/plan.h"

namespace crudbench {

/// The work of an experiment's runs, as a schedule takes it: for each run the generation of its
/// answers and, where metrics need judges, the judging after it.
struct RunJobs {
  struct Part {
    std::size_t run = 0;  ///< Position in Plan::runs.
    bool is_judging = false;
    bool is_last = false;  ///< The run is finished with it.
  };

  std::vector<Job> jobs;
  std::vector<Part> parts;  // [job]
};

/// Jobs in the order of `runs`, which are positions in `plan.runs`.
///
/// What computes on this machine (the extractive generator, a local model, wherever in a cell it
/// stands) has the cores alone. Requests to one model about one task are made by one run at a time,
/// because two could ask the same and both would be paid for; requests about other tasks or to
/// other models go on beside them. A program of the user's serves one run at a time.
RunJobs jobs_of(const Experiment& experiment, const Plan& plan,
                const std::vector<std::size_t>& runs, const Catalog& catalog);

/// Runs side by side that keep everything busy: one for the cores, two where requests are made, so
/// that the last answers of one run are not waited for with an idle endpoint.
std::size_t default_lanes(const std::vector<Job>& jobs);

/// About how many bytes each knowledge base of a plan takes in memory, by its chunker
/// (`knowledge_base_key`): the size of the files where they stand, otherwise the corpus's times
/// what such files came to on news (docs/measurements.md).
std::map<std::string, std::uint64_t> knowledge_base_sizes(const Experiment& experiment,
                                                          const Plan& plan, const Corpus& corpus,
                                                          const std::filesystem::path& root);

/// Whether a model on this machine is part of a configuration, at any depth.
bool has_local_model(const Json& config);

}  // namespace crudbench
