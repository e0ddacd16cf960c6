#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "reports/renderers.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

/// Builds lines field by field.
class CsvWriter {
 public:
  CsvWriter& text(std::string_view value) { return append(csv_field(value)); }
  CsvWriter& number(const std::optional<double>& value) { return append(exact_number(value)); }
  CsvWriter& count(const std::optional<std::int64_t>& value) {
    return append(value ? std::to_string(*value) : "");
  }
  void end_line() {
    output_ += "\r\n";
    line_is_empty_ = true;
  }
  std::string take() { return std::move(output_); }

 private:
  CsvWriter& append(const std::string& field) {
    output_ += line_is_empty_ ? "" : ",";
    output_ += field;
    line_is_empty_ = false;
    return *this;
  }

  std::string output_;
  bool line_is_empty_ = true;
};

/// Which items of a run a line is about; by default all.
struct ItemGroup {
  std::optional<std::int64_t> gold_count = std::nullopt;
  std::optional<std::string> question_type = std::nullopt;
};

void write_line(CsvWriter& csv, const std::set<std::string>& axes, const LeaderboardTable& table,
                const LeaderboardRow& row, const RunSummary& run, const MetricSummary& metric,
                const ItemGroup& group = {}) {
  csv.text(table.knowledge_base_mode)
      .text(table.corpus_fingerprint)
      .text(table.samples_fingerprint)
      .text(table.selection)
      .text(row_label(table, row))
      .text(row.cell_fingerprint);
  for (const std::string& axis : axes) {
    const auto options = flatten_options(row.cell);
    const auto value = options.find(axis);
    csv.text(value != options.end() ? plain_text(value->second) : "");
  }
  csv.text(run.task).count(run.run_id).text(run.fingerprint).text(run.created_at);
  const std::optional<VarianceComponents>& variance = metric.variance;
  const auto of_samples = [&](std::int64_t count) {
    return group.gold_count || group.question_type ? std::nullopt : std::optional(count);
  };
  csv.text(metric.name)
      .count(group.gold_count)
      .text(group.question_type.value_or(""))
      .number(metric.mean)
      .number(metric.mean_failures_as_zero)
      .number(metric.interval ? std::optional(metric.interval->low) : std::nullopt)
      .number(metric.interval ? std::optional(metric.interval->high) : std::nullopt)
      .count(metric.valid_count)
      .count(of_samples(metric.undefined_count))
      .count(of_samples(metric.failed_count))
      .count(of_samples(metric.missing_count))
      .count(metric.rank)
      .number(metric.chance_level)
      .number(variance ? std::optional(variance->between_samples) : std::nullopt)
      .number(variance ? std::optional(variance->between_repeats) : std::nullopt)
      .number(variance ? variance->intraclass_correlation : std::nullopt);
  csv.count(run.repeat_count)
      .count(run.document_count)
      .count(run.sample_count)
      .count(run.ok_count)
      .count(run.failed_count)
      .count(run.pending_count())
      .number(run.coverage())
      .count(run.record_count)
      .count(run.excluded_count)
      .count(run.format_failure_count)
      .number(run.retrieval_seconds)
      .number(run.generation_seconds)
      .count(run.prompt_tokens)
      .count(run.completion_tokens)
      .count(run.cached_count);
  const std::optional<EngineCost>& engine = run.engine;
  const std::optional<Interval> speed = engine ? engine->interval : std::nullopt;
  csv.number(engine ? std::optional(engine->tokens_per_second) : std::nullopt)
      .number(speed ? std::optional(speed->low) : std::nullopt)
      .number(speed ? std::optional(speed->high) : std::nullopt)
      .count(engine ? std::optional(engine->peak_memory_bytes) : std::nullopt)
      .number(run.money.cost)
      .number(run.money.saved)
      .count(run.money.unknown_count)
      .text(run.money.currency)
      .end_line();
}

/// The lines of one number of gold documents each, where there are several numbers, and of one
/// question type each.
void write_groups(CsvWriter& csv, const std::set<std::string>& axes, const LeaderboardTable& table,
                  const LeaderboardRow& row, const RunSummary& run, const MetricSummary& metric) {
  const auto write = [&](const MeanEstimate& estimate, const ItemGroup& group) {
    write_line(csv, axes, table, row, run,
               {.name = metric.name,
                .valid_count = static_cast<std::int64_t>(estimate.n),
                .mean = estimate.mean,
                .interval = estimate.interval},
               group);
  };
  if (metric.by_gold_count.size() > 1) {
    for (const auto& [gold_count, estimate] : metric.by_gold_count) {
      write(estimate, {.gold_count = static_cast<std::int64_t>(gold_count)});
    }
  }
  for (const auto& [type, estimate] : metric.by_question_type) {
    if (!type.empty()) {
      write(estimate, {.question_type = type});
    }
  }
}

}  // namespace

std::string leaderboard_csv(const Leaderboard& leaderboard) {
  std::set<std::string> axes;
  for (const LeaderboardTable& table : leaderboard.tables) {
    axes.insert(table.axes.begin(), table.axes.end());
  }
  CsvWriter csv;
  for (const char* name : {"knowledge_base_mode", "corpus_fingerprint", "samples_fingerprint",
                           "selection", "label", "cell_fingerprint"}) {
    csv.text(name);
  }
  for (const std::string& axis : axes) {
    csv.text(axis);
  }
  for (const char* name : {"task",
                           "run_id",
                           "run_fingerprint",
                           "created_at",
                           "metric",
                           "gold_count",
                           "question_type",
                           "mean",
                           "mean_failures_as_zero",
                           "low",
                           "high",
                           "n_valid",
                           "n_undefined",
                           "n_failed",
                           "n_missing",
                           "rank",
                           "chance_level",
                           "variance_between_samples",
                           "variance_between_repeats",
                           "intraclass_correlation",
                           "repeats",
                           "documents",
                           "samples",
                           "ok",
                           "failed",
                           "pending",
                           "coverage",
                           "records",
                           "excluded",
                           "format_failures",
                           "retrieval_seconds",
                           "generation_seconds",
                           "prompt_tokens",
                           "completion_tokens",
                           "cached",
                           "engine_tokens_per_second",
                           "engine_low",
                           "engine_high",
                           "engine_peak_memory_bytes",
                           "cost",
                           "saved",
                           "n_cost_unknown",
                           "currency"}) {
    csv.text(name);
  }
  csv.end_line();
  for (const LeaderboardTable& table : leaderboard.tables) {
    for (const LeaderboardRow& row : table.rows) {
      for (const std::string& task : table.tasks) {
        const auto run = row.runs.find(task);
        if (run == row.runs.end()) {
          continue;
        }
        for (const MetricSummary& metric : run->second.metrics) {
          write_line(csv, axes, table, row, run->second, metric);
          write_groups(csv, axes, table, row, run->second, metric);
        }
        if (run->second.metrics.empty()) {
          write_line(csv, axes, table, row, run->second, {});
        }
      }
    }
  }
  return csv.take();
}

}  // namespace crudbench
