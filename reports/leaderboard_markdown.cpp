#include <algorithm>
#include <utility>

#include "reports/renderers.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

/// One line of a Markdown table; the cells are Markdown already.
std::string table_line(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) {
    line += " " + cell + " |";
  }
  return line + "\n";
}

std::string table_rule(std::size_t text_columns, std::size_t number_columns) {
  std::vector<std::string> cells(text_columns, "---");
  cells.insert(cells.end(), number_columns, "---:");
  return table_line(cells);
}

std::vector<std::string> axis_titles(const LeaderboardTable& table) {
  std::vector<std::string> titles;
  for (const std::string& axis : table.axes) {
    titles.push_back(markdown_cell(axis_title(table, axis)));
  }
  return titles;
}

std::vector<std::string> axis_cells(const LeaderboardRow& row) {
  std::vector<std::string> cells;
  for (const std::optional<Json>& value : row.axis_values) {
    cells.push_back(value ? markdown_cell(plain_text(*value)) : "–");
  }
  return cells;
}

const MetricDescription& description_of(const LeaderboardTable& table, const std::string& name) {
  return *std::find_if(table.metrics.begin(), table.metrics.end(),
                       [&](const MetricDescription& metric) { return metric.name == name; });
}

/// "31.20 (30.58)", the second with failures as 0 where it is another number.
std::string both_means(const std::optional<double>& mean, const std::optional<double>& with_zeros,
                       const MetricDescription& metric) {
  std::string text = mean_text(mean, metric);
  if (with_zeros && with_zeros != mean) {
    text += " (" + mean_text(with_zeros, metric) + ")";
  }
  return text;
}

std::string metric_cell(const MetricSummary* summary, const MetricDescription& metric) {
  if (summary == nullptr) {
    return "–";
  }
  std::string text = both_means(summary->mean, summary->mean_failures_as_zero, metric);
  if (summary->interval) {
    text += " \\[" + mean_text(summary->interval->low, metric) + ", " +
            mean_text(summary->interval->high, metric) + "\\]";
  }
  return text;
}

std::string failure_cell(const RunSummary& run) {
  std::string text;
  for (const auto& [failure, count] : run.failures) {
    text += (text.empty() ? "" : ", ") + markdown_cell(failure) + " " + std::to_string(count);
  }
  if (run.pending_count() > 0) {
    text +=
        (text.empty() ? "" : ", ") + std::string("pending ") + std::to_string(run.pending_count());
  }
  return text.empty() ? "–" : text;
}

std::string task_section(const LeaderboardTable& table, const std::string& task) {
  std::vector<std::string> titles = axis_titles(table);
  for (const std::string& metric : table.main_metrics) {
    titles.push_back(markdown_cell(metric));
  }
  titles.insert(titles.end(), {"coverage", "failed or pending", "no tag"});
  std::string output = "\n### " + markdown_cell(task) + "\n\n" + table_line(titles) +
                       table_rule(table.axes.size(), table.main_metrics.size() + 3);
  for (const LeaderboardRow& row : table.rows) {
    const auto found = row.runs.find(task);
    if (found == row.runs.end()) {
      continue;
    }
    const RunSummary& run = found->second;
    std::vector<std::string> cells = axis_cells(row);
    for (const std::string& metric : table.main_metrics) {
      cells.push_back(metric_cell(run.metric(metric), description_of(table, metric)));
    }
    cells.push_back(share_text(run.coverage()) + " (" + std::to_string(run.ok_count) + "/" +
                    std::to_string(run.sample_count) + ")");
    cells.push_back(failure_cell(run));
    cells.push_back(run.format_failure_count ? std::to_string(*run.format_failure_count) : "–");
    output += table_line(cells);
  }
  return output;
}

std::string average_section(const LeaderboardTable& table) {
  std::vector<std::string> titles = axis_titles(table);
  for (const std::string& metric : table.main_metrics) {
    titles.push_back(markdown_cell(metric));
  }
  std::string output = "\n### Average over " + std::to_string(table.tasks.size()) + " tasks\n\n" +
                       table_line(titles) +
                       table_rule(table.axes.size(), table.main_metrics.size());
  for (const LeaderboardRow& row : table.rows) {
    std::vector<std::string> cells = axis_cells(row);
    for (const std::string& metric : table.main_metrics) {
      const auto average = row.averages.find(metric);
      cells.push_back(average == row.averages.end()
                          ? "–"
                          : both_means(average->second.mean, average->second.mean_failures_as_zero,
                                       description_of(table, metric)));
    }
    output += table_line(cells);
  }
  return output;
}

std::string provenance_section(const LeaderboardTable& table) {
  std::string output = "\n### Provenance\n\n" + table_line({"what", "value"}) + table_rule(2, 0);
  for (const auto& [path, counts] : table.provenance) {
    std::string values;
    for (const ValueCount& count : counts) {
      values += (values.empty() ? "" : ", ") + markdown_cell(plain_text(count.value));
      if (counts.size() > 1) {
        values += " (" + std::to_string(count.run_count) + " runs)";
      }
    }
    output += table_line({markdown_cell(path), values});
  }
  for (const auto& [path, value] : table.common_options) {
    output += table_line({markdown_cell(path), markdown_cell(plain_text(value))});
  }
  return output;
}

}  // namespace

std::string leaderboard_markdown(const Leaderboard& leaderboard) {
  std::string output =
      "# " +
      (leaderboard.experiment ? markdown_cell(*leaderboard.experiment) : "crudbench leaderboard") +
      "\n\n";
  if (leaderboard.tables.empty()) {
    return output + "No runs yet.\n";
  }
  output +=
      "Means over valid samples with 95 % bootstrap intervals in brackets; in parentheses, where "
      "it "
      "is another number, the mean with failed samples counted as 0. Shares in %. Coverage: "
      "samples "
      "that ended ok, out of all. No tag: replies without the `<response>` tag.\n";
  if (leaderboard.tables.size() > 1) {
    output += "\n**The tables differ in knowledge base or data: do not compare across them.**\n";
  }
  for (const LeaderboardTable& table : leaderboard.tables) {
    output += "\n## Knowledge base: " +
              (table.knowledge_base_mode.empty() ? "not recorded"
                                                 : markdown_cell(table.knowledge_base_mode)) +
              (table.selection.empty() ? "" : ", " + markdown_cell(table.selection)) + "\n";
    if (table.tasks.size() > 1) {
      output += average_section(table);
    }
    for (const std::string& task : table.tasks) {
      output += task_section(table, task);
    }
    output += provenance_section(table);
  }
  return output;
}

}  // namespace crudbench
