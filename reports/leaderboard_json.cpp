#include <utility>

#include "reports/comparability.h"
#include "reports/renderers.h"

namespace crudbench {

namespace {

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json row_json(const LeaderboardTable& table, const LeaderboardRow& row) {
  Json axes = Json::object();
  for (std::size_t i = 0; i < table.axes.size(); ++i) {
    if (row.axis_values[i]) {
      axes[table.axes[i]] = *row.axis_values[i];
    }
  }
  Json averages = Json::object();
  for (const auto& [metric, average] : row.averages) {
    averages[metric] = {{"mean", optional_json(average.mean)},
                        {"mean_failures_as_zero", optional_json(average.mean_failures_as_zero)},
                        {"low", average.interval ? Json(average.interval->low) : Json()},
                        {"high", average.interval ? Json(average.interval->high) : Json()},
                        {"rank", average.rank ? Json(*average.rank) : Json()},
                        {"better_than", average.better_than}};
  }
  Json runs = Json::object();
  for (const auto& [task, run] : row.runs) {
    runs[task] = summary_json(run);
  }
  return {{"label", row_label(table, row)},
          {"cell_fingerprint", row.cell_fingerprint},
          {"cell", row.cell},
          {"axes", std::move(axes)},
          {"averages", std::move(averages)},
          {"routing", routing_json(row.routing)},
          {"runs", std::move(runs)}};
}

Json table_json(const LeaderboardTable& table) {
  Json metrics = Json::array();
  for (const MetricDescription& metric : table.metrics) {
    metrics.push_back({{"name", metric.name},
                       {"higher_is_better", metric.higher_is_better},
                       {"is_share", metric.is_share},
                       {"needs_answer", metric.needs_answer}});
  }
  Json provenance = Json::object();
  for (const auto& [path, counts] : table.provenance) {
    for (const ValueCount& count : counts) {
      provenance[path].push_back({{"value", count.value}, {"runs", count.run_count}});
    }
  }
  Json titles = Json::object();
  for (const std::string& axis : table.axes) {
    titles[axis] = axis_title(table, axis);
  }
  Json rows = Json::array();
  for (const LeaderboardRow& row : table.rows) {
    rows.push_back(row_json(table, row));
  }
  Json warnings = Json::array();
  for (const ChanceWarning& warning : chance_warnings(table)) {
    Json levels = Json::object();
    for (const auto& [metric, level] : warning.levels) {
      levels[metric] = level;
    }
    warnings.push_back({{"task", warning.task},
                        {"documents", warning.document_count},
                        {"chance_levels", std::move(levels)}});
  }
  return {{"knowledge_base_mode", table.knowledge_base_mode},
          {"corpus_fingerprint", table.corpus_fingerprint},
          {"samples_fingerprint", table.samples_fingerprint},
          {"selection", table.selection},
          {"axes", table.axes},
          {"axis_titles", std::move(titles)},
          {"tasks", table.tasks},
          {"metrics", std::move(metrics)},
          {"main_metrics", table.main_metrics},
          {"common_options", table.common_options},
          {"provenance", std::move(provenance)},
          {"chance_warnings", std::move(warnings)},
          {"rows", std::move(rows)}};
}

}  // namespace

Json leaderboard_json(const Leaderboard& leaderboard) {
  Json tables = Json::array();
  for (const LeaderboardTable& table : leaderboard.tables) {
    tables.push_back(table_json(table));
  }
  return {{"format", "crudbench-leaderboard"},
          {"version", 1},
          {"experiment", leaderboard.experiment ? Json(*leaderboard.experiment) : Json()},
          {"not_comparable", comparability_notes(leaderboard)},
          {"tables", std::move(tables)}};
}

}  // namespace crudbench
