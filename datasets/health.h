#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "datasets/dataset.h"

namespace crudbench {

/// The issues of one kind, for tables.
struct HealthGroup {
  std::string problem;
  std::size_t count = 0;     ///< Records, lines or files concerned.
  std::size_t excluded = 0;  ///< Those of them that are left out of the run.
};

/// One group a problem, in the order in which problems first appear. A record with two problems
/// counts in both.
std::vector<HealthGroup> group_issues(std::span<const HealthIssue> issues);

}  // namespace crudbench
