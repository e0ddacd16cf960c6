#include <utility>

#include "harness/core/fingerprint.h"
#include "reports/comparability.h"
#include "reports/headroom.h"
#include "reports/renderers.h"
#include "reports/report_page.h"

namespace crudbench {

namespace {

constexpr std::size_t kReportIdDigits = 16;

Json comparability_json(const LeaderboardTable& table) {
  Json issues = Json::array();
  for (const ComparabilityIssue& issue : comparability_issues(table)) {
    Json groups = Json::array();
    for (const auto& group : issue.groups) {
      groups.push_back({{"value", group.value}, {"rows", group.rows}});
    }
    issues.push_back({{"kind", to_string(issue.kind)},
                      {"subject", issue.subject},
                      {"groups", std::move(groups)}});
  }
  return issues;
}

Json row_json(const LeaderboardTable& table, std::size_t row) {
  Json headroom = Json::object();
  const auto add = [&](const std::string& metric, const std::optional<std::string>& task) {
    if (const std::optional<double> share = captured_headroom(table, row, metric, task)) {
      headroom[metric][task.value_or("")] = *share;
    }
  };
  for (const std::string& metric : table.main_metrics) {
    add(metric, std::nullopt);
    for (const std::string& task : table.tasks) {
      add(metric, task);
    }
  }
  return {{"bound", to_string(bound_of(table, table.rows[row]))},
          {"headroom", std::move(headroom)}};
}

/// What the experiment's requests came to, judges and failed runs included.
Json spending_json(const Store& store, const std::string& experiment) {
  Json lines = Json::array();
  for (const SpendingRecord& line : store.spending(experiment)) {
    lines.push_back({{"purpose", line.purpose},
                     {"model", line.model},
                     {"requests", line.requests},
                     {"prompt_tokens", line.usage.prompt_tokens},
                     {"completion_tokens", line.usage.completion_tokens},
                     {"cost", line.cost},
                     {"currency", line.currency}});
  }
  return lines;
}

Json table_json(const LeaderboardTable& table) {
  Json rows = Json::array();
  Json profiles = Json::object();
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    rows.push_back(row_json(table, row));
    for (const auto& [task, run] : table.rows[row].runs) {
      profiles[std::to_string(run.run_id)] = profile_json(run.profile);
    }
  }
  return {{"comparability", comparability_json(table)},
          {"rows", std::move(rows)},
          {"profiles", std::move(profiles)}};
}

}  // namespace

Json report_overview(const Store& store, const Leaderboard& leaderboard) {
  Json tables = Json::array();
  for (const LeaderboardTable& table : leaderboard.tables) {
    tables.push_back(table_json(table));
  }
  Json overview = {{"format", "crudbench-report"},
                   {"version", 1},
                   {"leaderboard", leaderboard_json(leaderboard)},
                   {"tables", std::move(tables)},
                   {"experiment_config", Json()},
                   {"spending", Json::array()}};
  if (leaderboard.experiment) {
    overview["spending"] = spending_json(store, *leaderboard.experiment);
    if (auto config = store.experiment_config(*leaderboard.experiment)) {
      overview["experiment_config"] = *std::move(config);
    }
  }
  overview["report_id"] = sha256_hex(to_text(overview)).substr(0, kReportIdDigits);
  return overview;
}

}  // namespace crudbench
