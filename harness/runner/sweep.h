#pragma once

#include <string>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/json.h"
#include "harness/runner/experiment.h"

namespace crudbench {

/// All cells of a complete configuration. On top of the axes (`expand_cells`):
///
/// - `"variants": [{"label": NAME, SECTION: …}, …]`: each is merged into the configuration (JSON
///   merge patch), and all cells of it bear the label;
/// - `"zip": [[POINTER, POINTER, …], …]`: the lists at the pointers of a group have the same length
///   and vary together instead of with each other;
/// - `"exclude": [{POINTER: VALUE or list of values, …}, …]`: a cell that has one of the values at
///   every pointer of a rule is left out. A rule that fits no cell is logged.
///
/// Throws Error(kInvalidConfig) naming file and pointer; for more than kMaxCells cells (before
/// exclusion) with their number, before any is made.
std::vector<Cell> sweep_cells(const Json& config, const std::string& file, const Catalog& catalog);

/// Throws Error(kInvalidConfig) for a list where one value holds for the whole experiment: in its
/// data set, its name, its repeats.
void refuse_fixed_axes(const Json& config, const std::string& file, const Catalog& catalog);

}  // namespace crudbench
