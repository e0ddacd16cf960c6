#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reports/comparability.h"
#include "reports/renderers.h"
#include "reports/safe_text.h"
#include "reports/text_table.h"

namespace crudbench {

namespace {

constexpr std::size_t kFingerprintDigits = 10;

/// A mean by both ways of counting, of a run or averaged over tasks, and its rank.
struct RankedMeans {
  std::optional<double> mean;
  std::optional<double> mean_failures_as_zero;
  std::optional<std::size_t> rank;
};

/// What one block of lines shows: a task, or the average over tasks.
struct Block {
  std::string title;
  /// nullopt if the row has no part in the block.
  std::function<std::optional<SampleTally>(const LeaderboardRow&)> samples;
  std::function<RankedMeans(const LeaderboardRow&, const std::string& metric)> means;
  std::function<std::optional<std::int64_t>(const LeaderboardRow&)> format_failures;
  std::function<std::int64_t(const LeaderboardRow&)> repeats;
  /// nullopt where there is no price.
  std::function<std::optional<MoneyTotals>(const LeaderboardRow&)> money;
};

Block task_block(const std::string& task) {
  const auto find = [task](const LeaderboardRow& row) -> const RunSummary* {
    const auto run = row.runs.find(task);
    return run != row.runs.end() ? &run->second : nullptr;
  };
  return {.title = task,
          .samples = [find](const LeaderboardRow& row) -> std::optional<SampleTally> {
            const RunSummary* run = find(row);
            return run == nullptr ? std::nullopt : std::optional(tally_samples(*run));
          },
          .means = [find](const LeaderboardRow& row, const std::string& metric) -> RankedMeans {
            const RunSummary* run = find(row);
            const MetricSummary* summary = run != nullptr ? run->metric(metric) : nullptr;
            return summary != nullptr
                       ? RankedMeans{summary->mean, summary->mean_failures_as_zero, summary->rank}
                       : RankedMeans{};
          },
          .format_failures = [find](const LeaderboardRow& row) -> std::optional<std::int64_t> {
            const RunSummary* run = find(row);
            return run != nullptr ? run->format_failure_count : std::nullopt;
          },
          .repeats = [find](const LeaderboardRow& row) -> std::int64_t {
            const RunSummary* run = find(row);
            return run != nullptr ? run->repeat_count : 0;
          },
          .money = [find](const LeaderboardRow& row) -> std::optional<MoneyTotals> {
            const RunSummary* run = find(row);
            return run != nullptr && !run->money.currency.empty() ? std::optional(run->money)
                                                                  : std::nullopt;
          }};
}

Block average_block(const LeaderboardTable& table) {
  return {.title = "average over " + std::to_string(table.tasks.size()) + " tasks",
          .samples = [](const LeaderboardRow& row) { return std::optional(tally_samples(row)); },
          .means = [](const LeaderboardRow& row, const std::string& metric) -> RankedMeans {
            const auto average = row.averages.find(metric);
            return average != row.averages.end()
                       ? RankedMeans{average->second.mean, average->second.mean_failures_as_zero,
                                     average->second.rank}
                       : RankedMeans{};
          },
          .format_failures = [](const LeaderboardRow& row) -> std::optional<std::int64_t> {
            std::optional<std::int64_t> sum;
            for (const auto& [task, run] : row.runs) {
              if (run.format_failure_count) {
                sum = sum.value_or(0) + *run.format_failure_count;
              }
            }
            return sum;
          },
          .repeats = [](const LeaderboardRow& row) -> std::int64_t {
            std::int64_t most = 0;
            for (const auto& [task, run] : row.runs) {
              most = std::max(most, run.repeat_count);
            }
            return most;
          },
          .money = [](const LeaderboardRow& row) { return total_money(row); }};
}

std::string cell_text(const RankedMeans& means, const MetricDescription& metric, bool show_both) {
  std::string text = mean_text(means.mean, metric);
  if (show_both) {
    text += " (" + mean_text(means.mean_failures_as_zero, metric) + ")";
  }
  return text;
}

/// Whether the samples tell any two rows of the column apart.
bool tells_apart(const LeaderboardTable& table, const Block& block, const std::string& metric) {
  return std::any_of(table.rows.begin(), table.rows.end(), [&](const LeaderboardRow& row) {
    return block.means(row, metric).rank.value_or(1) > 1;
  });
}

/// "similarity[lsa]" → "similarity" over "[lsa]", so that columns stay narrow.
TextColumn metric_column(const std::string& metric) {
  const std::size_t label = std::min(metric.find('['), metric.size());
  return {
      .title = metric.substr(0, label), .subtitle = metric.substr(label), .right_aligned = true};
}

std::vector<MetricDescription> shown_metrics(const LeaderboardTable& table, const Block& block) {
  std::vector<MetricDescription> shown;
  for (const MetricDescription& metric : table.metrics) {
    const bool is_main = std::find(table.main_metrics.begin(), table.main_metrics.end(),
                                   metric.name) != table.main_metrics.end();
    const bool has_value = std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
      const RankedMeans means = block.means(row, metric.name);
      return means.mean || means.mean_failures_as_zero;
    });
    if (is_main && has_value) {
      shown.push_back(metric);
    }
  }
  return shown;
}

/// The columns of money that a block needs.
struct MoneyColumns {
  bool spent = false;
  bool saved = false;
  std::optional<std::string> currency;  ///< Of all rows; else each cell has its own.

  MoneyColumns(const LeaderboardTable& table, const Block& block) {
    std::set<std::string> currencies;
    for (const LeaderboardRow& row : table.rows) {
      if (const std::optional<MoneyTotals> money = block.money(row)) {
        currencies.insert(money->currency);
        saved = saved || money->saved.has_value();
      }
    }
    spent = !currencies.empty();
    if (currencies.size() == 1) {
      currency = *currencies.begin();
    }
  }

  void add_to(std::vector<TextColumn>& columns) const {
    if (spent) {
      columns.push_back(
          {.title = "spent", .subtitle = currency.value_or(""), .right_aligned = true});
    }
    if (saved) {
      columns.push_back(
          {.title = "saved", .subtitle = currency.value_or(""), .right_aligned = true});
    }
  }

  void add_to(std::vector<TextCell>& cells, const std::optional<MoneyTotals>& money) const {
    const auto amount = [&](const std::string& text) {
      return TextCell{.text = money && !currency ? text + " " + money->currency : text};
    };
    if (spent) {
      cells.push_back(amount(money ? spent_text(*money) : "–"));
    }
    if (saved) {
      cells.push_back(amount(money_text(money ? money->saved : std::nullopt)));
    }
  }
};

std::string block_text(const LeaderboardTable& table, const Block& block, bool colours,
                       std::size_t terminal_columns) {
  bool any_failed = false;
  bool any_pending = false;
  bool any_format = false;
  bool any_repeats = false;
  for (const LeaderboardRow& row : table.rows) {
    const std::optional<SampleTally> samples = block.samples(row);
    any_failed = any_failed || (samples && samples->failed_count > 0);
    any_pending = any_pending || (samples && samples->pending_count > 0);
    any_format = any_format || block.format_failures(row).value_or(0) > 0;
    any_repeats = any_repeats || block.repeats(row) > 1;
  }

  std::vector<TextColumn> columns;
  for (const std::string& axis : table.axes) {
    columns.push_back({.title = axis_title(table, axis)});
  }
  const std::vector<MetricDescription> metrics = shown_metrics(table, block);
  std::vector<bool> show_both;
  std::vector<bool> ranked;
  for (const MetricDescription& metric : metrics) {
    columns.push_back(metric_column(metric.name));
    show_both.push_back(std::any_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
      const RankedMeans means = block.means(row, metric.name);
      return means.mean_failures_as_zero && means.mean != means.mean_failures_as_zero;
    }));
    ranked.push_back(tells_apart(table, block, metric.name));
  }
  for (const auto& [title, shown] :
       {std::pair("coverage", true), std::pair("failed", any_failed),
        std::pair("pending", any_pending), std::pair("no tag", any_format),
        std::pair("repeats", any_repeats)}) {
    if (shown) {
      columns.push_back({.title = title, .right_aligned = true});
    }
  }
  const MoneyColumns money(table, block);
  money.add_to(columns);

  TextTable text(std::move(columns));
  for (const LeaderboardRow& row : table.rows) {
    const std::optional<SampleTally> samples = block.samples(row);
    if (!samples) {
      continue;
    }
    std::vector<TextCell> cells;
    for (const std::optional<Json>& value : row.axis_values) {
      cells.push_back({.text = value ? plain_text(*value) : "–"});
    }
    for (std::size_t i = 0; i < metrics.size(); ++i) {
      const RankedMeans means = block.means(row, metrics[i].name);
      const bool is_best = ranked[i] && means.rank == 1U;
      cells.push_back({.text = cell_text(means, metrics[i], show_both[i]),
                       .emphasis = is_best      ? Emphasis::kBold
                                   : means.mean ? Emphasis::kNone
                                                : Emphasis::kDim});
    }
    const bool complete = samples->ok_count >= samples->sample_count;
    cells.push_back({.text = share_text(samples->coverage()),
                     .emphasis = complete ? Emphasis::kNone : Emphasis::kWarning});
    if (any_failed) {
      cells.push_back({.text = std::to_string(samples->failed_count)});
    }
    if (any_pending) {
      cells.push_back({.text = std::to_string(samples->pending_count)});
    }
    if (any_format) {
      const std::optional<std::int64_t> count = block.format_failures(row);
      cells.push_back({.text = count ? std::to_string(*count) : "–"});
    }
    if (any_repeats) {
      cells.push_back({.text = std::to_string(block.repeats(row))});
    }
    money.add_to(cells, block.money(row));
    text.add_row(std::move(cells));
  }
  return emphasized(printable_line(block.title), Emphasis::kBold, colours) + "\n" +
         text.to_string(colours, terminal_columns);
}

std::string short_fingerprint(const std::string& fingerprint) {
  return fingerprint.empty() ? "not recorded"
                             : printable_line(fingerprint.substr(0, kFingerprintDigits));
}

}  // namespace

std::string leaderboard_terminal(const Leaderboard& leaderboard, bool colours,
                                 std::size_t columns) {
  if (leaderboard.tables.empty()) {
    return "no runs yet\n";
  }
  std::string output;
  bool any_failed = false;
  bool any_ranked = false;
  bool any_money = false;
  for (const LeaderboardTable& table : leaderboard.tables) {
    const std::vector<ChanceWarning> warnings = chance_warnings(table);
    const std::string mode = table.knowledge_base_mode.empty()
                                 ? "not recorded"
                                 : printable_line(table.knowledge_base_mode);
    output += output.empty() ? "" : "\n";
    output += emphasized("knowledge base: " + mode, Emphasis::kBold, colours) + ", corpus " +
              short_fingerprint(table.corpus_fingerprint) + ", samples " +
              short_fingerprint(table.samples_fingerprint) +
              (table.selection.empty() ? "" : ", " + printable_line(table.selection)) + "\n";
    for (const std::string& task : table.tasks) {
      const Block block = task_block(task);
      output += "\n" + block_text(table, block, colours, columns);
      for (const ChanceWarning& warning : warnings) {
        if (warning.task == task) {
          output += emphasized("warning: " + printable_line(chance_text(warning)),
                               Emphasis::kWarning, colours) +
                    "\n";
        }
      }
      any_ranked = any_ranked || std::any_of(table.main_metrics.begin(), table.main_metrics.end(),
                                             [&](const auto& metric) {
                                               return tells_apart(table, block, metric);
                                             });
    }
    if (table.tasks.size() > 1) {
      output += "\n" + block_text(table, average_block(table), colours, columns);
    }
    any_failed = any_failed ||
                 std::any_of(table.rows.begin(), table.rows.end(),
                             [](const auto& row) { return tally_samples(row).failed_count > 0; });
    any_money = any_money || std::any_of(table.rows.begin(), table.rows.end(), [](const auto& row) {
                  return std::any_of(row.runs.begin(), row.runs.end(), [](const auto& run) {
                    return !run.second.money.currency.empty();
                  });
                });
  }
  output += "\nMeans over valid samples";
  output += any_failed ? "; in parentheses with failures counted as 0" : "";
  output += ". Shares in %.\n";
  if (any_money) {
    output += "Spent: on answers, those of judges not counted; saved: by answers from the cache.\n";
  }
  if (any_ranked && colours) {
    output +=
        "Bold: rows than which none is significantly better (paired sign-flip tests over the "
        "samples "
        "two rows share,\nHolm over all pairs of rows in the column, level 5 %).\n";
  }
  for (const std::string& note : comparability_notes(leaderboard)) {
    output += emphasized("Not comparable throughout: results differ in " + printable_line(note),
                         Emphasis::kWarning, colours) +
              "\n";
  }
  return output;
}

std::string mean_text(const std::optional<double>& mean, const MetricDescription& metric) {
  if (mean && metric.is_share) {
    return fixed_number(*mean * 100.0, 2);
  }
  return fixed_number(mean, mean && std::abs(*mean) >= 100.0 ? 1 : 3);
}

std::string both_means_text(const std::optional<double>& mean,
                            const std::optional<double>& with_zeros,
                            const MetricDescription& metric) {
  std::string text = mean_text(mean, metric);
  if (with_zeros && with_zeros != mean) {
    text += " (" + mean_text(with_zeros, metric) + ")";
  }
  return text;
}

std::string difference_text(double difference, const MetricDescription& metric) {
  const std::string text = mean_text(difference, metric);
  return difference > 0.0 ? "+" + text : text;
}

std::string p_value_text(double p_value) {
  return p_value < 0.001 ? "<0.001" : fixed_number(p_value, 3);
}

std::string money_text(const std::optional<double>& amount) {
  if (!amount || *amount == 0.0) {
    return amount ? "0" : "–";
  }
  constexpr int kMostDecimals = 12;
  constexpr int kDigits = 3;
  const double size = std::abs(*amount);
  if (size >= 1.0) {
    return fixed_number(*amount, 2);
  }
  const int decimals =
      std::min(kMostDecimals, kDigits - 1 - static_cast<int>(std::floor(std::log10(size))));
  std::string text = fixed_number(*amount, decimals);
  text.resize(text.find_last_not_of('0') + 1);
  return text;
}

std::string spent_text(const MoneyTotals& money) {
  return (money.unknown_count > 0 && money.cost ? "≥" : "") + money_text(money.cost);
}

std::string share_text(const std::optional<double>& share) {
  if (!share) {
    return "–";
  }
  if (*share == 1.0) {
    return "100 %";
  }
  const std::string text = fixed_number(*share * 100.0, 1);
  return (text == "100.0" && *share < 1.0 ? "99.9" : text) + " %";
}

}  // namespace crudbench
