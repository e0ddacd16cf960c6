#pragma once

#include <string>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/json.h"
#include "harness/runner/experiment.h"

namespace crudbench {

/// The cells that one configuration spells out: a list where a scalar is expected makes an axis,
/// the parts of a retriever included, a section may be a list of alternatives, and the cells are
/// the product of all of them, in nested order; equal ones are not looked for.
/// `label` begins the label of each cell; alternatives that have one add theirs.
/// Throws Error(kInvalidConfig) naming `file` and pointer.
std::vector<Cell> expand_cells(const Json& config, const std::string& label,
                               const std::string& file, const Catalog& catalog);

/// How many cells that would be, without making them. Saturates at
/// SIZE_MAX. What is malformed counts as 1; `expand_cells` says what is wrong with it.
std::size_t count_cells(const Json& config, const Catalog& catalog);

/// min(a * b, SIZE_MAX).
std::size_t saturating_product(std::size_t a, std::size_t b);
/// min(a + b, SIZE_MAX).
std::size_t saturating_sum(std::size_t a, std::size_t b);

}  // namespace crudbench
