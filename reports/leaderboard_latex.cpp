#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reports/comparability.h"
#include "reports/renderers.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

/// What a row shows of a metric, of a task or of the averages.
struct Result {
  std::optional<double> mean;
  std::optional<double> mean_failures_as_zero;
  std::vector<std::size_t> better_than;
};

/// One LaTeX table. Rows keep the letters that they have in the whole leaderboard table.
struct Part {
  std::string caption;  ///< LaTeX already.
  std::function<bool(const LeaderboardRow&)> has_row;
  std::function<Result(const LeaderboardRow&, const std::string& metric)> result;
  std::function<SampleTally(const LeaderboardRow&)> samples;
  std::function<std::optional<MoneyTotals>(const LeaderboardRow&)> money;
};

/// a, b, …, z, aa, ab, …
std::string row_letter(std::size_t row) {
  std::string letters;
  for (std::size_t rest = row + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return letters;
}

std::string letters_of(const std::vector<std::size_t>& rows) {
  std::string letters;
  for (const std::size_t row : rows) {
    letters += (letters.empty() ? "" : ",") + row_letter(row);
  }
  return letters;
}

/// The best mean of the column; nullopt where no direction is better or there is but one.
std::optional<double> best_mean(const LeaderboardTable& table, const Part& part,
                                const MetricDescription& metric) {
  std::vector<double> means;
  for (const LeaderboardRow& row : table.rows) {
    if (const auto mean = part.has_row(row) ? part.result(row, metric.name).mean : std::nullopt) {
      means.push_back(*mean);
    }
  }
  if (means.size() < 2 || !metric.is_ranked) {
    return std::nullopt;
  }
  const auto [low, high] = std::minmax_element(means.begin(), means.end());
  return metric.higher_is_better ? *high : *low;
}

std::string result_cell(const Result& result, const MetricDescription& metric, bool is_best) {
  std::string text = latex_text(both_means_text(result.mean, result.mean_failures_as_zero, metric));
  if (is_best) {
    text = "\\textbf{" + text + "}";
  }
  return result.better_than.empty()
             ? text
             : text + "\\textsuperscript{" + letters_of(result.better_than) + "}";
}

std::string line(const std::vector<std::string>& cells) {
  std::string text = "  ";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += (i == 0 ? "" : " & ") + cells[i];
  }
  return text + " \\\\\n";
}

/// LaTeX of an amount; the empty text of nothing.
std::string money_cell(const std::string& text, const MoneyTotals& money) {
  const std::string number = text.starts_with("≥") ? "$\\geq$" + text.substr(3) : text;
  return number + " " + latex_text(money.currency);
}

std::string part_text(const LeaderboardTable& table, const Part& part) {
  std::vector<std::string> titles = {""};
  for (const std::string& axis : table.axes) {
    titles.push_back(latex_text(axis_title(table, axis)));
  }
  std::vector<std::optional<double>> best;
  for (const std::string& metric : table.main_metrics) {
    titles.push_back(latex_text(metric));
    best.push_back(best_mean(table, part, metric_of(table, metric)));
  }
  titles.emplace_back("coverage");
  const bool has_money = std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    return part.has_row(row) && part.money(row);
  });
  if (has_money) {
    titles.insert(titles.end(), {"spent", "saved"});
  }
  std::string output = "\n\\begin{table}\n  \\centering\n  \\caption{" + part.caption +
                       "}\n  \\begin{tabular}{l" + std::string(table.axes.size(), 'l') +
                       std::string(table.main_metrics.size() + (has_money ? 3 : 1), 'r') +
                       "}\n  \\toprule\n" + line(titles) + "  \\midrule\n";
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const LeaderboardRow& row = table.rows[i];
    if (!part.has_row(row)) {
      continue;
    }
    std::vector<std::string> cells = {row_letter(i)};
    for (const std::optional<Json>& value : row.axis_values) {
      cells.push_back(latex_text(value ? plain_text(*value) : "–"));
    }
    for (std::size_t column = 0; column < best.size(); ++column) {
      const MetricDescription& metric = metric_of(table, table.main_metrics[column]);
      const Result result = part.result(row, metric.name);
      cells.push_back(result_cell(result, metric, best[column] && result.mean == best[column]));
    }
    cells.push_back(latex_text(share_text(part.samples(row).coverage())));
    if (const auto money = has_money ? part.money(row) : std::nullopt) {
      cells.push_back(money_cell(spent_text(*money), *money));
      cells.push_back(money->saved ? money_cell(money_text(money->saved), *money) : "--");
    } else if (has_money) {
      cells.insert(cells.end(), {"--", "--"});
    }
    output += line(cells);
  }
  return output + "  \\bottomrule\n  \\end{tabular}\n\\end{table}\n";
}

Part task_part(const LeaderboardTable& table, const std::string& task) {
  return {.caption = latex_text(task + ", " + data_title(table)),
          .has_row = [task](const LeaderboardRow& row) { return row.runs.contains(task); },
          .result = [task](const LeaderboardRow& row, const std::string& metric) -> Result {
            const MetricSummary* summary = row.runs.at(task).metric(metric);
            return summary != nullptr
                       ? Result{summary->mean, summary->mean_failures_as_zero, summary->better_than}
                       : Result();
          },
          .samples = [task](const LeaderboardRow& row) { return tally_samples(row.runs.at(task)); },
          .money = [task](const LeaderboardRow& row) -> std::optional<MoneyTotals> {
            const MoneyTotals& money = row.runs.at(task).money;
            return money.currency.empty() ? std::nullopt : std::optional(money);
          }};
}

Part average_part(const LeaderboardTable& table) {
  return {.caption = latex_text("average over " + std::to_string(table.tasks.size()) + " tasks, " +
                                data_title(table)),
          .has_row = [](const LeaderboardRow&) { return true; },
          .result = [](const LeaderboardRow& row, const std::string& metric) -> Result {
            const auto average = row.averages.find(metric);
            return average != row.averages.end()
                       ? Result{average->second.mean, average->second.mean_failures_as_zero,
                                average->second.better_than}
                       : Result();
          },
          .samples = [](const LeaderboardRow& row) { return tally_samples(row); },
          .money = [](const LeaderboardRow& row) { return total_money(row); }};
}

constexpr const char* kPreamble =
    "% Needs \\usepackage{booktabs}; with Chinese text XeLaTeX or LuaLaTeX and "
    "\\usepackage{ctex}.\n"
    "% Means over valid samples, shares in per cent; in parentheses, where it is another number, "
    "the mean\n"
    "% with failed samples counted as 0. Bold: the best mean. Superscripts: the rows that a row "
    "is\n"
    "% significantly better than (paired sign-flip tests over the samples two rows share, Holm "
    "over "
    "all\n"
    "% pairs of rows in the column, level 5 %). Coverage: samples that ended ok, out of all. "
    "Spent: "
    "on\n% answers, those of judges not counted; saved: by answers from the cache.\n";

}  // namespace

std::string leaderboard_latex(const Leaderboard& leaderboard) {
  std::string output = kPreamble;
  for (const std::string& note : comparability_notes(leaderboard)) {
    output += "% NOT COMPARABLE throughout: results differ in " + printable_line(note) + "\n";
  }
  for (const LeaderboardTable& table : leaderboard.tables) {
    if (table.tasks.size() > 1) {
      output += part_text(table, average_part(table));
    }
    for (const std::string& task : table.tasks) {
      output += part_text(table, task_part(table, task));
    }
  }
  return output;
}

}  // namespace crudbench
