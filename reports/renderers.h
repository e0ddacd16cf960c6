#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "harness/core/json.h"
#include "reports/leaderboard.h"

/// The forms a leaderboard takes. All of them show the same numbers; none trusts a text that it
/// shows.
namespace crudbench {

/// Per table and task the main metrics with coverage, then the averages over tasks; shares in per
/// cent; what answers cost and what the cache saved, where there is a price. Where samples failed,
/// each mean stands with the one that counts failures as 0 in
/// parentheses. `colours` switches ANSI sequences on, and with them bold for the rows of rank 1 in
/// columns whose rows can be told apart. Tables are kept to `columns` of the terminal, 0 for any
/// width.
std::string leaderboard_terminal(const Leaderboard& leaderboard, bool colours,
                                 std::size_t columns = 0);

/// The same tables in GitHub-flavoured Markdown, with 95 % intervals, data and provenance; rows of
/// rank 1 are bold.
std::string leaderboard_markdown(const Leaderboard& leaderboard);

/// One line a row × task × metric, all metrics, numbers exact (a share as a share, not in per
/// cent), with a header line. A run without any scores has one line without a metric. Where the
/// items of a run have different numbers of gold documents, a line for each number follows, with
/// `gold_count` and, in `n_valid`, its items; in all other lines `gold_count` is empty.
std::string leaderboard_csv(const Leaderboard& leaderboard);

/// Everything in the leaderboard, numbers exact; the format is described in reports/README.md.
Json leaderboard_json(const Leaderboard& leaderboard);

/// The main metrics as LaTeX tables for the package booktabs, one a task and one of the averages:
/// the best mean of a column bold, and as superscripts the letters of the rows that a row is
/// significantly better than. Text that is not Latin needs XeLaTeX or LuaLaTeX.
std::string leaderboard_latex(const Leaderboard& leaderboard);

/// How people read a mean: a share in per cent with two decimals, anything else with three
/// significant decimals; "–" for none.
std::string mean_text(const std::optional<double>& mean, const MetricDescription& metric);

/// "31.20 (30.58)": the mean and, where it is another number, the one with failures as 0.
std::string both_means_text(const std::optional<double>& mean,
                            const std::optional<double>& with_zeros,
                            const MetricDescription& metric);

/// The same for a difference, with its sign: "+1.20", "-0.031".
std::string difference_text(double difference, const MetricDescription& metric);

/// "0.034", "<0.001".
std::string p_value_text(double p_value);

/// An amount of money with as many decimals as it takes to see it: "12.30", "0.0123", "0"; "–" for
/// none.
std::string money_text(const std::optional<double>& amount);

/// What was spent; "≥0.0123" where some samples do not tell.
std::string spent_text(const MoneyTotals& money);

/// "96.7 %"; never "100 %" for anything less; "–" for none.
std::string share_text(const std::optional<double>& share);

}  // namespace crudbench
