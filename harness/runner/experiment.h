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

  /// Hits handed to the context builder.
  std::size_t top_k() const;
  /// The sections as one object, for the store.
  Json to_json() const;
};

/// A configuration file, read, checked and expanded: which data, which cells, which metrics.
struct Experiment {
  std::string name;
  std::string file;
  Json dataset;             ///< Resolved.
  std::vector<Cell> cells;  ///< In the order of the axes; equal cells once.
  /// Resolved, with the sections that a metric reads ("embedder", "chunker", "judge") inside.
  std::vector<Json> metrics;
  /// How often every sample is generated and judged, with the seeds of generator and judge raised
  /// by one each time.
  std::size_t repeats = 1;
  PriceTable prices;
  Json source;  ///< As written, overrides applied.
};

/// Reads an experiment file. A list where a scalar is expected makes an axis: the cells are the
/// product of all axes. `overrides` are "POINTER=VALUE", e.g. "/retriever/top_k=[2,4]"; a value
/// that is not JSON is a string. Relative paths in the file start at the file's folder, in
/// overrides at the working directory. Throws Error(kInvalidConfig) naming file and pointer.
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
