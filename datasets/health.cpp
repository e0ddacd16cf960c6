#include "datasets/health.h"

#include <algorithm>

namespace crudbench {

std::vector<HealthGroup> group_issues(std::span<const HealthIssue> issues) {
  std::vector<HealthGroup> groups;
  for (const HealthIssue& issue : issues) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const HealthGroup& known) {
      return known.problem == issue.problem;
    });
    if (group == groups.end()) {
      group = groups.insert(groups.end(), {.problem = issue.problem});
    }
    group->count += issue.count;
    group->excluded += issue.excluded ? issue.count : 0;
  }
  return groups;
}

}  // namespace crudbench
