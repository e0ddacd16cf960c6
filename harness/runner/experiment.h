#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/json.h"
#include "harness/runner/prices.h"
#include "retrievers/retriever.h"

namespace crudbench {

/// One fully resolved configuration, before it meets a task. Sections that its retriever does not
/// read are null, so that cells that cannot differ are equal.
struct Cell {
  RetrievalConfig retrieval;
  Json context;
  std::string prompts;
  Json generator;
  std::string label;  ///< What the configuration calls it; empty if it says nothing.

  /// Hits handed to the context builder.
  std::size_t top_k() const;
  /// The sections as one object, for the store.
  Json to_json() const;
  /// The same with the label, where there is one, under "label": for people.
  Json labelled_json() const;
};

/// How the grid is searched instead of run whole.
struct Search {
  enum class Type {
    kGrid,               ///< Every cell on every sample.
    kRandom,             ///< Cells drawn at random; `Experiment::cells` are those drawn.
    kSuccessiveHalving,  ///< Few samples for all cells, more for the better ones (`run_search`).
  };
  Type type = Type::kGrid;
  std::string metric;           ///< By which cells are ranked, over all tasks.
  std::size_t min_samples = 8;  ///< Of each task in the first round.
  std::size_t eta = 3;          ///< One cell in so many goes on, with so many times the samples.
  /// Samples to spend over all cells, tasks and repeats; a round that would go beyond does not
  /// begin. 0: no limit.
  std::size_t max_samples = 0;
  /// Money to spend, in the currency of the prices; a round that would probably go beyond does not
  /// begin, the first one does. 0: no limit.
  double max_cost = 0.0;
};

/// A configuration file, read, checked and expanded: which data, which cells, which metrics.
struct Experiment {
  std::string name;
  std::string file;
  Json dataset;             ///< Resolved.
  std::vector<Cell> cells;  ///< In the order of the axes; equal cells of one label once.
  /// Resolved, with the sections that a metric reads ("embedder", "chunker", "judge") inside.
  std::vector<Json> metrics;
  /// How often every sample is generated and judged, with the seeds of generator and judge raised
  /// by one each time.
  std::size_t repeats = 1;
  bool keep_prompts = true;  ///< In the workspace, as they were sent.
  PriceTable prices;
  Search search;
  Json source;  ///< As written, base files and overrides applied.
};

/// Reads an experiment file and what it extends (`complete_config`), and makes its cells
/// (`sweep_cells`). `overrides` are "POINTER=VALUE", e.g. "/retriever/top_k=[2,4]". Throws
/// Error(kInvalidConfig) naming file and pointer.
Experiment load_experiment(const std::filesystem::path& file,
                           std::span<const std::string> overrides, const Catalog& catalog);

/// The same for a configuration that is already in memory; relative paths start at `folder`.
Experiment parse_experiment(Json config, const std::string& file,
                            const std::filesystem::path& folder,
                            std::span<const std::string> overrides, const Catalog& catalog);

inline constexpr std::int64_t kMaxRepeats = 1000;

/// More cells than this are refused before any is made.
inline constexpr std::size_t kMaxCells = 100'000;

}  // namespace crudbench
