#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "reports/leaderboard.h"

namespace crudbench {

/// Something beside the axes in which rows of one table differ, so that their scores do not say
/// which system is better.
struct ComparabilityIssue {
  enum class Kind {
    kSamples,   ///< Rows are over different numbers of samples of one task.
    kPrompts,   ///< Rows were asked with different prompt files on one task.
    kJudge,     ///< Rows were judged by different judges.
    kEmbedder,  ///< Similarity or BERTScore was computed with different embedders.
    kMetric,    ///< A metric was computed with different options or dictionaries.
  };
  Kind kind = Kind::kPrompts;
  std::string subject;  ///< The task, or the metric.
  struct Group {
    std::string value;              ///< What these rows have: a hash, a label.
    std::vector<std::size_t> rows;  ///< Positions in the table, ascending.
  };
  std::vector<Group> groups;  ///< Two or more, by value.
};

std::string_view to_string(ComparabilityIssue::Kind kind) noexcept;

/// Rows that lack what the others have (a metric, a hash) are in no group. Knowledge-base mode,
/// corpus and samples are not looked at: rows that differ in one never share a table.
std::vector<ComparabilityIssue> comparability_issues(const LeaderboardTable& table);

/// For people, a clause each, all that makes results of this leaderboard not comparable: between
/// tables "knowledge base (gold_augmented, paper)", within one "prompts of event_summary (2
/// versions)". No two alike; empty if all may be compared.
std::vector<std::string> comparability_notes(const Leaderboard& leaderboard);

}  // namespace crudbench
