#include "reports/comparability.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "reports/safe_text.h"

namespace crudbench {

namespace {

using Kind = ComparabilityIssue::Kind;

/// Collects what rows have of each subject.
class Differences {
 public:
  void add(Kind kind, const std::string& subject, const std::string& value, std::size_t row) {
    rows_[{kind, subject}][value].insert(row);
  }

  std::vector<ComparabilityIssue> issues() const {
    std::vector<ComparabilityIssue> issues;
    for (const auto& [what, values] : rows_) {
      if (values.size() < 2) {
        continue;
      }
      ComparabilityIssue& issue = issues.emplace_back();
      issue.kind = what.first;
      issue.subject = what.second;
      for (const auto& [value, rows] : values) {
        issue.groups.push_back({.value = value, .rows = {rows.begin(), rows.end()}});
      }
    }
    return issues;
  }

 private:
  std::map<std::pair<Kind, std::string>, std::map<std::string, std::set<std::size_t>>> rows_;
};

/// The values of a judge have its label in brackets; those of similarity and BERTScore an
/// embedder's.
Kind kind_of_label(std::string_view family) {
  return family.starts_with("quest_") || family.starts_with("judge_") ? Kind::kJudge
                                                                      : Kind::kEmbedder;
}

/// The type of a metric, from its options as the store names it.
std::string metric_type(const std::string& options) {
  const Json parsed = Json::parse(options, nullptr, false);
  return parsed.is_object() && parsed.contains("type") ? plain_text(parsed["type"]) : options;
}

/// The labels in the names of a row's metrics, as one value a family: rows that have the same few
/// labels may be compared, whatever their number.
void add_labels(const LeaderboardRow& row, std::size_t position, Differences& differences) {
  std::map<std::string, std::set<std::string>> labels;
  for (const auto& [task, run] : row.runs) {
    for (const MetricSummary& metric : run.metrics) {
      const std::size_t open = metric.name.find('[');
      if (open != std::string::npos && metric.mean) {
        labels[metric.name.substr(0, open)].insert(metric.name.substr(open));
      }
    }
  }
  for (const auto& [family, names] : labels) {
    std::string value;
    for (const std::string& name : names) {
      value += name;
    }
    differences.add(kind_of_label(family), family, value, position);
  }
}

/// What a table was measured on, as `comparability_notes` names it.
struct DataPart {
  const char* name;
  std::string LeaderboardTable::*value;
  bool is_readable;  ///< A hash is only counted.
};

constexpr DataPart kDataParts[] = {
    {"knowledge base", &LeaderboardTable::knowledge_base_mode, true},
    {"corpus", &LeaderboardTable::corpus_fingerprint, false},
    {"samples", &LeaderboardTable::samples_fingerprint, false},
    {"choice among the samples", &LeaderboardTable::selection, true},
};

std::string issue_note(const ComparabilityIssue& issue) {
  std::string note = std::string(to_string(issue.kind)) + " of " + issue.subject + " (";
  const bool is_hash = issue.kind == Kind::kPrompts || issue.kind == Kind::kMetric;
  if (is_hash) {
    return note + std::to_string(issue.groups.size()) + " versions)";
  }
  for (std::size_t i = 0; i < issue.groups.size(); ++i) {
    note += (i == 0 ? "" : ", ") + issue.groups[i].value;
  }
  return note + ")";
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::kSamples:
      return "samples";
    case Kind::kPrompts:
      return "prompts";
    case Kind::kJudge:
      return "judge";
    case Kind::kEmbedder:
      return "embedder";
    case Kind::kMetric:
      break;
  }
  return "metric";
}

std::vector<ComparabilityIssue> comparability_issues(const LeaderboardTable& table) {
  Differences differences;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    add_labels(table.rows[i], i, differences);
    for (const auto& [task, run] : table.rows[i].runs) {
      if (run.pending_count() == 0) {
        differences.add(
            Kind::kSamples, task,
            std::to_string(run.sample_count / std::max<std::int64_t>(1, run.repeat_count)), i);
      }
      if (!run.prompt_sha256.empty()) {
        differences.add(Kind::kPrompts, task, run.prompt_sha256, i);
      }
      for (const auto& [metric, fingerprint] : run.metric_fingerprints) {
        differences.add(Kind::kMetric, metric_type(metric) + " on " + task, fingerprint, i);
      }
    }
  }
  return differences.issues();
}

std::vector<std::string> comparability_notes(const Leaderboard& leaderboard) {
  std::vector<std::string> notes;
  for (const DataPart& part : kDataParts) {
    std::set<std::string> values;
    for (const LeaderboardTable& table : leaderboard.tables) {
      values.insert(table.*part.value);
    }
    if (values.size() < 2) {
      continue;
    }
    std::string note = std::string(part.name) + " (";
    if (part.is_readable) {
      for (const std::string& value : values) {
        note += (note.ends_with('(') ? "" : ", ") + (value.empty() ? "not stated" : value);
      }
    } else {
      note += std::to_string(values.size()) + " by content";
    }
    notes.push_back(note + ")");
  }
  for (const LeaderboardTable& table : leaderboard.tables) {
    for (const ComparabilityIssue& issue : comparability_issues(table)) {
      std::string note = issue_note(issue);
      if (std::find(notes.begin(), notes.end(), note) == notes.end()) {
        notes.push_back(std::move(note));
      }
    }
  }
  return notes;
}

}  // namespace crudbench
