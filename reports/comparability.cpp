#include "reports/comparability.h"

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

/// "judge" for the values of a judge, whose label stands in brackets; the embedders' otherwise.
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
      if (open != std::string::npos) {
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

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
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

std::vector<ComparabilityIssue> comparability_issues(const Store& store,
                                                     const LeaderboardTable& table) {
  std::map<std::int64_t, std::string> prompts;
  for (const RunRecord& run : store.runs()) {
    if (run.provenance.is_object() && run.provenance.contains("prompt_sha256")) {
      prompts.emplace(run.run_id, plain_text(run.provenance["prompt_sha256"]));
    }
  }
  Differences differences;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    add_labels(table.rows[i], i, differences);
    for (const auto& [task, run] : table.rows[i].runs) {
      const auto prompt = prompts.find(run.run_id);
      if (prompt != prompts.end()) {
        differences.add(Kind::kPrompts, task, prompt->second, i);
      }
      for (const auto& [metric, fingerprint] : store.scored_metrics(run.run_id)) {
        differences.add(Kind::kMetric, metric_type(metric) + " (" + task + ")", fingerprint, i);
      }
    }
  }
  return differences.issues();
}

}  // namespace crudbench
