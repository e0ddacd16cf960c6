#include <algorithm>
#include <set>
#include <utility>

#include "reports/comparability.h"
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

/// Bold for rows of rank 1.
std::string ranked_means(const std::string& means, const std::optional<std::size_t>& rank,
                         bool tells_apart) {
  return tells_apart && rank == 1U ? "**" + means + "**" : means;
}

std::string metric_cell(const MetricSummary* summary, const MetricDescription& metric,
                        bool tells_apart) {
  if (summary == nullptr) {
    return "–";
  }
  std::string text =
      ranked_means(both_means_text(summary->mean, summary->mean_failures_as_zero, metric),
                   summary->rank, tells_apart);
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

/// The metrics whose column, of a task or (nullptr) of the averages, tells any two rows apart.
std::set<std::string> telling_metrics(const LeaderboardTable& table, const std::string* task) {
  std::set<std::string> metrics;
  for (const LeaderboardRow& row : table.rows) {
    if (task == nullptr) {
      for (const auto& [metric, average] : row.averages) {
        if (average.rank.value_or(1) > 1) {
          metrics.insert(metric);
        }
      }
    } else if (const auto run = row.runs.find(*task); run != row.runs.end()) {
      for (const MetricSummary& metric : run->second.metrics) {
        if (metric.rank.value_or(1) > 1) {
          metrics.insert(metric.name);
        }
      }
    }
  }
  return metrics;
}

std::string task_section(const LeaderboardTable& table, const std::string& task) {
  const std::set<std::string> telling = telling_metrics(table, &task);
  const bool any_repeats =
      std::any_of(table.rows.begin(), table.rows.end(), [&](const LeaderboardRow& row) {
        const auto run = row.runs.find(task);
        return run != row.runs.end() && run->second.repeat_count > 1;
      });
  std::vector<std::string> titles = axis_titles(table);
  for (const std::string& metric : table.main_metrics) {
    titles.push_back(markdown_cell(metric));
  }
  titles.insert(titles.end(), {"coverage", "failed or pending", "no tag"});
  if (any_repeats) {
    titles.emplace_back("repeats");
  }
  std::string output = "\n### " + markdown_cell(task) + "\n\n" + table_line(titles) +
                       table_rule(table.axes.size(), titles.size() - table.axes.size());
  for (const LeaderboardRow& row : table.rows) {
    const auto found = row.runs.find(task);
    if (found == row.runs.end()) {
      continue;
    }
    const RunSummary& run = found->second;
    std::vector<std::string> cells = axis_cells(row);
    for (const std::string& metric : table.main_metrics) {
      cells.push_back(
          metric_cell(run.metric(metric), metric_of(table, metric), telling.contains(metric)));
    }
    cells.push_back(share_text(run.coverage()) + " (" + std::to_string(run.ok_count) + "/" +
                    std::to_string(run.sample_count) + ")");
    cells.push_back(failure_cell(run));
    cells.push_back(run.format_failure_count ? std::to_string(*run.format_failure_count) : "–");
    if (any_repeats) {
      cells.push_back(std::to_string(run.repeat_count));
    }
    output += table_line(cells);
  }
  for (const ChanceWarning& warning : chance_warnings(table)) {
    if (warning.task == task) {
      output += "\n> **Warning:** " + markdown_cell(chance_text(warning)) + ".\n";
    }
  }
  return output;
}

std::string average_section(const LeaderboardTable& table) {
  const std::set<std::string> telling = telling_metrics(table, nullptr);
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
                          : ranked_means(both_means_text(average->second.mean,
                                                         average->second.mean_failures_as_zero,
                                                         metric_of(table, metric)),
                                         average->second.rank, telling.contains(metric)));
    }
    output += table_line(cells);
  }
  return output;
}

/// What local models took of the machine; empty if there are none.
std::string engine_section(const LeaderboardTable& table) {
  constexpr double kBytesPerGb = 1e9;
  std::string lines;
  for (const LeaderboardRow& row : table.rows) {
    for (const auto& [task, run] : row.runs) {
      if (const std::optional<EngineCost>& cost = run.engine) {
        std::string speed = fixed_number(cost->tokens_per_second, 2);
        if (cost->interval) {
          speed += " [" + fixed_number(cost->interval->low, 2) + ", " +
                   fixed_number(cost->interval->high, 2) + "]";
        }
        lines += table_line(
            {markdown_cell(row_label(table, row)), markdown_cell(task), speed,
             fixed_number(static_cast<double>(cost->peak_memory_bytes) / kBytesPerGb, 2)});
      }
    }
  }
  return lines.empty()
             ? lines
             : "\n### Speed and memory of local models\n\nTokens written a second of "
               "computing, prompts included; the most memory held.\n\n" +
                   table_line({"row", "task", "tokens/s", "GB"}) + table_rule(2, 2) + lines;
}

/// What answers have cost; empty where there is no price.
std::string money_section(const LeaderboardTable& table) {
  std::string lines;
  for (const LeaderboardRow& row : table.rows) {
    for (const auto& [task, run] : row.runs) {
      if (!run.money.currency.empty()) {
        lines += table_line({markdown_cell(row_label(table, row)), markdown_cell(task),
                             markdown_cell(run.money.currency), spent_text(run.money),
                             money_text(run.money.saved), std::to_string(run.money.unknown_count)});
      }
    }
  }
  return lines.empty() ? lines
                       : "\n### Money\n\nSpent on answers, those of judges not counted, and saved "
                         "by answers from the cache.\n\n" +
                             table_line({"row", "task", "currency", "spent", "saved",
                                         "samples of unknown cost"}) +
                             table_rule(3, 3) + lines;
}

/// Which experts worked on which task; empty without telemetry.
std::string routing_section(const LeaderboardTable& table) {
  std::string output;
  for (const LeaderboardRow& row : table.rows) {
    if (!row.routing.empty()) {
      output += "\n### Experts: " + markdown_cell(row_label(table, row)) + "\n\n" +
                routing_markdown(row.routing);
    }
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
      "that ended ok, out of all. No tag: replies without the `<response>` tag. Bold: rows than "
      "which none is significantly better, by paired "
      "sign-flip tests over the samples two rows share (Holm over all pairs of rows in the column, "
      "level 5 %).\n";
  const std::vector<std::string> notes = comparability_notes(leaderboard);
  if (!notes.empty()) {
    output += "\n**Not comparable throughout.** Results differ in:\n\n";
    for (const std::string& note : notes) {
      output += "- " + markdown_cell(note) + "\n";
    }
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
    output += money_section(table) + engine_section(table) + routing_section(table) +
              provenance_section(table);
  }
  return output;
}

}  // namespace crudbench
