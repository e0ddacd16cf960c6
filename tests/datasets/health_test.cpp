#include "datasets/health.h"

#include <vector>

#include "tests/support/testing.h"

namespace crudbench {
namespace {

TEST(GroupIssues, CountsEachProblemInOrderOfAppearance) {
  const std::vector<HealthIssue> issues{
      {"empty_line", "f", "", true, 3},
      {"missing_gold", "s: event_summary/1", "", false},
      {"empty_line", "g", "", true, 2},
  };
  const std::vector<HealthGroup> groups = group_issues(issues);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].problem, "empty_line");
  EXPECT_EQ(groups[0].count, 5U);
  EXPECT_EQ(groups[0].excluded, 5U);
  EXPECT_EQ(groups[1].problem, "missing_gold");
  EXPECT_EQ(groups[1].count, 1U);
  EXPECT_EQ(groups[1].excluded, 0U);
}

TEST(GroupIssues, HasNoGroupWithoutIssues) {
  EXPECT_TRUE(group_issues({}).empty());
}

}  // namespace
}  // namespace crudbench
