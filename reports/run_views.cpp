#include "reports/run_views.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/suggest.h"
#include "harness/text/utf8.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"
#include "reports/safe_text.h"
#include "reports/text_table.h"

namespace crudbench {

namespace {

constexpr std::size_t kFingerprintDigits = 10;
constexpr std::size_t kExcerptChars = 60;
constexpr std::size_t kMaxListedIds = 5;

/// The first code points of a text.
std::string excerpt(std::string_view text) {
  std::size_t offset = 0;
  for (std::size_t chars = 0; offset < text.size() && chars < kExcerptChars; ++chars) {
    offset += decode_at(text, offset).size_bytes;
  }
  return std::string(text.substr(0, offset)) + (offset < text.size() ? "…" : "");
}

std::int64_t pending_count(const RunListing& listing) {
  return std::max<std::int64_t>(
      0, listing.run.sample_count - listing.progress.ok - listing.progress.failed);
}

std::string heading(const std::string& text, bool colours) {
  return "\n" + emphasized(text, Emphasis::kBold, colours) + "\n";
}

std::string choose_ranking_metric(const RunSummary& summary, const std::string& wanted) {
  std::vector<std::string> names;
  for (const MetricSummary& metric : summary.metrics) {
    names.push_back(metric.name);
  }
  if (!wanted.empty()) {
    if (summary.metric(wanted) == nullptr) {
      throw Error(ErrorCode::kInvalidConfig, "run " + std::to_string(summary.run_id) +
                                                 " has no metric '" + wanted + "'" +
                                                 suggestion(wanted, names));
    }
    return wanted;
  }
  const std::vector<std::string> candidates = main_metrics(names);
  const auto of_answers =
      std::find_if(candidates.begin(), candidates.end(),
                   [](const std::string& name) { return describe_metric(name).needs_answer; });
  return of_answers != candidates.end() ? *of_answers
         : candidates.empty()           ? ""
                                        : candidates.front();
}

std::string failure_text(const Failure& failure) {
  return std::string(to_string(failure.stage)) + "/" + failure.failure_class +
         (failure.message.empty() ? "" : ": " + failure.message);
}

Json failure_json(const std::optional<Failure>& failure) {
  return failure ? Json{{"stage", to_string(failure->stage)},
                        {"class", failure->failure_class},
                        {"message", failure->message}}
                 : Json();
}

Json excerpts_json(const std::vector<SampleExcerpt>& excerpts) {
  Json list = Json::array();
  for (const SampleExcerpt& sample : excerpts) {
    list.push_back({{"sample_id", sample.sample_id},
                    {"repeat", sample.repeat},
                    {"value", sample.value ? Json(*sample.value) : Json()},
                    {"failure", failure_json(sample.failure)},
                    {"prediction", sample.prediction}});
  }
  return list;
}

/// " [19.20, 23.40]"; empty without an interval.
std::string interval_suffix(const std::optional<Interval>& interval,
                            const MetricDescription& metric) {
  return interval ? " [" + mean_text(interval->low, metric) + ", " +
                        mean_text(interval->high, metric) + "]"
                  : "";
}

std::string metrics_text(const RunSummary& summary, bool colours) {
  TextTable table({{.title = "metric"},
                   {.title = "mean", .right_aligned = true},
                   {.title = "95 % interval", .right_aligned = true},
                   {.title = "failures as 0", .right_aligned = true},
                   {.title = "valid", .right_aligned = true},
                   {.title = "undefined", .right_aligned = true},
                   {.title = "failed", .right_aligned = true},
                   {.title = "not scored", .right_aligned = true}});
  for (const MetricSummary& metric : summary.metrics) {
    const MetricDescription description = describe_metric(metric.name);
    const std::string interval = metric.interval
                                     ? "[" + mean_text(metric.interval->low, description) + ", " +
                                           mean_text(metric.interval->high, description) + "]"
                                     : "–";
    table.add_row({{.text = metric.name},
                   {.text = mean_text(metric.mean, description)},
                   {.text = interval},
                   {.text = mean_text(metric.mean_failures_as_zero, description)},
                   {.text = std::to_string(metric.valid_count)},
                   {.text = std::to_string(metric.undefined_count)},
                   {.text = std::to_string(metric.failed_count)},
                   {.text = std::to_string(metric.missing_count)}});
  }
  return table.to_string(colours);
}

/// The measures of retrieval by number of gold documents; empty unless there are several numbers.
std::string gold_counts_text(const RunSummary& summary, bool colours) {
  std::map<std::size_t, std::size_t> items;  // By number of gold documents.
  for (const MetricSummary& metric : summary.metrics) {
    for (const auto& [gold_count, estimate] : metric.by_gold_count) {
      items[gold_count] = std::max(items[gold_count], estimate.n);
    }
  }
  if (items.size() < 2) {
    return "";
  }
  std::vector<TextColumn> columns = {{.title = "metric"}};
  for (const auto& [gold_count, count] : items) {
    columns.push_back({.title = std::to_string(gold_count) + " gold",
                       .subtitle = "n " + std::to_string(count),
                       .right_aligned = true});
  }
  TextTable table(std::move(columns));
  for (const MetricSummary& metric : summary.metrics) {
    if (metric.by_gold_count.empty()) {
      continue;
    }
    const MetricDescription description = describe_metric(metric.name);
    std::vector<TextCell> cells = {{.text = metric.name}};
    for (const auto& [gold_count, count] : items) {
      const auto found = metric.by_gold_count.find(gold_count);
      cells.push_back({.text = found == metric.by_gold_count.end()
                                   ? "–"
                                   : mean_text(found->second.mean, description) +
                                         interval_suffix(found->second.interval, description)});
    }
    table.add_row(std::move(cells));
  }
  return heading("retrieval by number of gold documents", colours) + table.to_string(colours);
}

/// The main metrics by question type; empty unless the data has types.
std::string question_types_text(const RunSummary& summary, bool colours) {
  std::map<std::string, std::size_t> items;
  for (const MetricSummary& metric : summary.metrics) {
    for (const auto& [type, estimate] : metric.by_question_type) {
      items[type] = std::max(items[type], estimate.n);
    }
  }
  if (items.empty()) {
    return "";
  }
  std::vector<TextColumn> columns = {{.title = "question type"},
                                     {.title = "n", .right_aligned = true}};
  for (const MetricSummary& metric : summary.metrics) {
    if (!metric.by_question_type.empty()) {
      columns.push_back({.title = metric.name, .right_aligned = true});
    }
  }
  TextTable table(std::move(columns));
  for (const auto& [type, count] : items) {
    std::vector<TextCell> cells = {{.text = type.empty() ? "none" : type},
                                   {.text = std::to_string(count)}};
    for (const MetricSummary& metric : summary.metrics) {
      if (metric.by_question_type.empty()) {
        continue;
      }
      const MetricDescription description = describe_metric(metric.name);
      const auto found = metric.by_question_type.find(type);
      cells.push_back({.text = found == metric.by_question_type.end()
                                   ? "–"
                                   : mean_text(found->second.mean, description) +
                                         interval_suffix(found->second.interval, description)});
    }
    table.add_row(std::move(cells));
  }
  return heading("means by question type", colours) + table.to_string(colours);
}

/// How much of the spread of each metric is between samples; empty without repeats.
std::string variance_text(const RunSummary& summary, bool colours) {
  TextTable table({{.title = "metric"},
                   {.title = "between samples", .right_aligned = true},
                   {.title = "between repeats", .right_aligned = true},
                   {.title = "intraclass correlation", .right_aligned = true}});
  bool any = false;
  for (const MetricSummary& metric : summary.metrics) {
    if (metric.variance) {
      const MetricDescription description = describe_metric(metric.name);
      any = true;
      table.add_row({{.text = metric.name},
                     {.text = mean_text(std::sqrt(metric.variance->between_samples), description)},
                     {.text = mean_text(std::sqrt(metric.variance->between_repeats), description)},
                     {.text = fixed_number(metric.variance->intraclass_correlation, 3)}});
    }
  }
  return any ? heading(
                   "standard deviations over " + std::to_string(summary.repeat_count) + " repeats",
                   colours) +
                   table.to_string(colours)
             : "";
}

/// Label and value lines, the values aligned.
std::string pairs_text(const std::vector<std::pair<std::string, std::string>>& pairs,
                       bool colours) {
  std::size_t width = 0;
  for (const auto& [name, value] : pairs) {
    width = std::max(width, display_width(printable_line(name)));
  }
  std::string output;
  for (const auto& [name, value] : pairs) {
    const std::string label = printable_line(name);
    output += emphasized(label, Emphasis::kDim, colours) +
              std::string(width - display_width(label) + 2, ' ') + printable_line(value) + "\n";
  }
  return output;
}

std::string score_text(const std::string& metric, const Json& score) {
  if (score.is_number()) {
    return mean_text(score.get<double>(), describe_metric(metric));
  }
  if (score.is_object() && score.contains("counts")) {
    return "counts " + to_text(score["counts"]);
  }
  return score.is_object() && score.contains("failed") ? "failed: " + plain_text(score["failed"])
                                                       : "undefined";
}

std::string seconds_text(double seconds) {
  return seconds < 1.0 ? fixed_number(seconds * 1000.0, 1) + " ms"
                       : fixed_number(seconds, 1) + " s";
}

std::string hits_text(const SampleRecord& sample, bool colours) {
  TextTable table({{.title = "rank", .right_aligned = true},
                   {.title = "gold"},
                   {.title = "document"},
                   {.title = "bytes", .right_aligned = true},
                   {.title = "score", .right_aligned = true}});
  for (std::size_t i = 0; i < sample.hits.size(); ++i) {
    const StoredHit& hit = sample.hits[i];
    const Emphasis emphasis = hit.is_gold ? Emphasis::kBold : Emphasis::kNone;
    table.add_row({{.text = std::to_string(i + 1)},
                   {.text = hit.is_gold ? "*" : ""},
                   {.text = hit.doc_id, .emphasis = emphasis},
                   {.text = std::to_string(hit.span.begin) + "-" + std::to_string(hit.span.end)},
                   {.text = fixed_number(hit.score, 4)}});
  }
  return table.to_string(colours);
}

std::string repeat_text(const SampleView& view, std::size_t repeat, bool colours) {
  const SampleRecord& sample = view.repeats[repeat];
  const std::optional<std::string>& prompt = view.prompts[repeat];
  std::string output;
  if (view.repeats.size() > 1) {
    output += heading("repeat " + std::to_string(sample.repeat), colours);
  }
  if (sample.failure) {
    output += heading("failed", colours) + printable_line(failure_text(*sample.failure)) + "\n";
  }
  output += heading("hits", colours);
  output += sample.hits.empty() ? "none\n" : hits_text(sample, colours);
  if (!sample.prompt_sha256.empty()) {
    output += heading("prompt as sent", colours);
    output += (prompt ? printable_text(*prompt) : "not kept") + "\n";
  }
  output += heading("prediction", colours) + printable_text(sample.prediction) + "\n";
  if (sample.reply && *sample.reply != sample.prediction) {
    output += heading("reply as received", colours) + printable_text(*sample.reply) + "\n";
  }
  output += heading("scores", colours);
  std::vector<std::pair<std::string, std::string>> scores;
  for (const auto& [name, score] : sample.scores.items()) {
    scores.emplace_back(name, score_text(name, score));
  }
  std::sort(scores.begin(), scores.end(), [](const auto& left, const auto& right) {
    return metric_precedes(left.first, right.first);
  });
  output += scores.empty() ? "none\n" : pairs_text(scores, colours);

  const auto count_text = [](std::int64_t count) {
    return count >= 0 ? std::to_string(count) : std::string("not reported");
  };
  output += heading("request", colours);
  std::vector<std::pair<std::string, std::string>> request = {
      {"retrieval", seconds_text(sample.retrieval_seconds)},
      {"generation", seconds_text(sample.generation_seconds) + (sample.cached ? ", cached" : "")},
      {"context", std::to_string(sample.context_chars) + " characters"},
      {"prompt tokens", count_text(sample.usage.prompt_tokens)},
      {"completion tokens", count_text(sample.usage.completion_tokens)},
      {"finish reason", sample.finish_reason},
      {"prompt SHA-256", sample.prompt_sha256},
      {"attempts", std::to_string(sample.attempt_count)}};
  if (sample.attempts.is_array()) {
    for (std::size_t i = 0; i < sample.attempts.size(); ++i) {
      request.emplace_back("attempt " + std::to_string(i + 1), to_text(sample.attempts[i]));
    }
  }
  return output + pairs_text(request, colours);
}

Json repeat_json(const SampleRecord& sample, const std::optional<std::string>& prompt) {
  Json hits = Json::array();
  for (const StoredHit& hit : sample.hits) {
    hits.push_back({{"doc_id", hit.doc_id},
                    {"begin", hit.span.begin},
                    {"end", hit.span.end},
                    {"score", hit.score},
                    {"gold", hit.is_gold}});
  }
  return {{"repeat", sample.repeat},
          {"failure", failure_json(sample.failure)},
          {"prediction", sample.prediction},
          {"reply", sample.reply ? Json(*sample.reply) : Json()},
          {"hits", std::move(hits)},
          {"scores", sample.scores},
          {"prompt", prompt ? Json(*prompt) : Json()},
          {"prompt_sha256", sample.prompt_sha256},
          {"context_chars", sample.context_chars},
          {"prompt_tokens", sample.usage.prompt_tokens},
          {"cached_prompt_tokens", sample.usage.cached_prompt_tokens},
          {"completion_tokens", sample.usage.completion_tokens},
          {"retrieval_seconds", sample.retrieval_seconds},
          {"generation_seconds", sample.generation_seconds},
          {"attempt_count", sample.attempt_count},
          {"attempts", sample.attempts},
          {"finish_reason", sample.finish_reason},
          {"cached", sample.cached}};
}

}  // namespace

std::vector<RunListing> list_runs(const Store& store,
                                  const std::optional<std::string>& experiment) {
  std::vector<RunRecord> runs = store.runs(experiment);
  std::vector<Json> cells;
  for (const RunRecord& run : runs) {
    cells.push_back(labelled_cell(run));
  }
  std::vector<std::string> labels = cell_labels(cells);
  std::vector<RunListing> listings;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunProgress progress = store.progress(runs[i].run_id);
    listings.push_back(
        {.run = std::move(runs[i]), .label = std::move(labels[i]), .progress = progress});
  }
  return listings;
}

std::string run_list_terminal(const std::vector<RunListing>& runs, bool colours) {
  if (runs.empty()) {
    return "no runs yet\n";
  }
  TextTable table({{.title = "run", .right_aligned = true},
                   {.title = "fingerprint"},
                   {.title = "task"},
                   {.title = "ok", .right_aligned = true},
                   {.title = "failed", .right_aligned = true},
                   {.title = "pending", .right_aligned = true},
                   {.title = "all", .right_aligned = true},
                   {.title = "created"},
                   {.title = "configuration"}});
  for (const RunListing& listing : runs) {
    const auto count_cell = [](std::int64_t count) -> TextCell {
      return {.text = std::to_string(count),
              .emphasis = count > 0 ? Emphasis::kWarning : Emphasis::kDim};
    };
    table.add_row({{.text = std::to_string(listing.run.run_id)},
                   {.text = listing.run.fingerprint.substr(0, kFingerprintDigits)},
                   {.text = listing.run.task},
                   {.text = std::to_string(listing.progress.ok)},
                   count_cell(listing.progress.failed),
                   count_cell(pending_count(listing)),
                   {.text = std::to_string(listing.run.sample_count)},
                   {.text = listing.run.created_at},
                   {.text = listing.label}});
  }
  return table.to_string(colours);
}

Json run_list_json(const std::vector<RunListing>& runs) {
  Json list = Json::array();
  for (const RunListing& listing : runs) {
    list.push_back({{"run_id", listing.run.run_id},
                    {"fingerprint", listing.run.fingerprint},
                    {"task", listing.run.task},
                    {"label", listing.label},
                    {"samples", listing.run.sample_count},
                    {"ok", listing.progress.ok},
                    {"failed", listing.progress.failed},
                    {"pending", pending_count(listing)},
                    {"created_at", listing.run.created_at}});
  }
  return list;
}

RunView view_run(const Store& store, std::string_view run, const RunViewOptions& options,
                 Executor& executor) {
  RunView view{.run = store.find_run(run)};
  view.summary = summarize_run(store, view.run, options.summary, executor);
  view.ranking_metric = choose_ranking_metric(view.summary, options.ranking_metric);
  const bool higher_is_better = describe_metric(view.ranking_metric).higher_is_better;
  const auto is_worse = [&](const SampleExcerpt& left, const SampleExcerpt& right) {
    return higher_is_better ? *left.value < *right.value : *left.value > *right.value;
  };
  store.visit_samples(view.run.run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
    SampleExcerpt found{.sample_id = item.sample_id,
                        .repeat = sample.repeat,
                        .failure = sample.failure,
                        .prediction = excerpt(sample.prediction)};
    if (found.failure) {
      if (view.failed.size() < options.excerpt_count) {
        view.failed.push_back(std::move(found));
      }
      return;
    }
    const auto score = sample.scores.find(view.ranking_metric);
    if (score == sample.scores.end() || !score->is_number()) {
      return;
    }
    found.value = score->get<double>();
    // Equal values keep the order of the task.
    view.worst.insert(std::upper_bound(view.worst.begin(), view.worst.end(), found, is_worse),
                      std::move(found));
    if (view.worst.size() > options.excerpt_count) {
      view.worst.pop_back();
    }
  });
  return view;
}

std::string run_view_terminal(const RunView& view, bool colours) {
  const RunSummary& summary = view.summary;
  std::vector<std::pair<std::string, std::string>> facts = {
      {"run", std::to_string(summary.run_id)},
      {"fingerprint", summary.fingerprint},
      {"task", summary.task},
      {"created", summary.created_at},
      {"samples",
       std::to_string(summary.ok_count) + " ok, " + std::to_string(summary.failed_count) +
           " failed, " + std::to_string(summary.pending_count()) + " pending, of " +
           std::to_string(summary.sample_count) +
           (summary.repeat_count > 1 ? ", with " + std::to_string(summary.repeat_count) + " repeats"
                                     : "")},
      {"coverage", share_text(summary.coverage())},
      {"retrieval", seconds_text(summary.retrieval_seconds) + " in all"},
      {"generation", seconds_text(summary.generation_seconds) + " in all, " +
                         std::to_string(summary.cached_count) + " samples from the cache"}};
  if (summary.excluded_count) {
    facts.emplace_back("excluded records", std::to_string(*summary.excluded_count));
  }
  if (summary.format_failure_count) {
    facts.emplace_back("replies without tag", std::to_string(*summary.format_failure_count));
  }
  if (summary.truncated_count > 0) {
    facts.emplace_back("contexts cut", std::to_string(summary.truncated_count) +
                                           " of them to keep to the limit of tokens");
  }
  if (summary.prompt_tokens || summary.completion_tokens) {
    facts.emplace_back("tokens", std::to_string(summary.prompt_tokens.value_or(0)) + " in, " +
                                     std::to_string(summary.completion_tokens.value_or(0)) +
                                     " out");
  }
  std::string output = pairs_text(facts, colours);

  output += heading("configuration", colours);
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto& [path, value] : flatten_options(view.run.cell)) {
    options.emplace_back(path, plain_text(value));
  }
  output += pairs_text(options, colours);

  output += heading("means", colours);
  output += summary.metrics.empty() ? "no scores yet\n" : metrics_text(summary, colours);
  if (const auto warning = chance_warning(summary)) {
    output += emphasized("warning: " + printable_line(chance_text(*warning)), Emphasis::kWarning,
                         colours) +
              "\n";
  }
  output += gold_counts_text(summary, colours);
  output += question_types_text(summary, colours);
  output += variance_text(summary, colours);
  if (!summary.failures.empty()) {
    output += heading("failures", colours);
    std::vector<std::pair<std::string, std::string>> failures;
    for (const auto& [name, count] : summary.failures) {
      failures.emplace_back(name, std::to_string(count));
    }
    output += pairs_text(failures, colours);
    output += heading("first failed samples", colours);
    std::vector<std::pair<std::string, std::string>> samples;
    for (const SampleExcerpt& sample : view.failed) {
      samples.emplace_back(sample.sample_id, failure_text(*sample.failure));
    }
    output += pairs_text(samples, colours);
  }
  if (!view.worst.empty()) {
    output += heading("worst samples by " + printable_line(view.ranking_metric), colours);
    TextTable table({{.title = "sample"},
                     {.title = view.ranking_metric, .right_aligned = true},
                     {.title = "prediction"}});
    for (const SampleExcerpt& sample : view.worst) {
      table.add_row({{.text = sample.sample_id},
                     {.text = mean_text(sample.value, describe_metric(view.ranking_metric))},
                     {.text = sample.prediction}});
    }
    output += table.to_string(colours);
  }
  return output;
}

Json run_view_json(const RunView& view) {
  return {{"summary", summary_json(view.summary)}, {"cell", view.run.cell},
          {"provenance", view.run.provenance},     {"ranking_metric", view.ranking_metric},
          {"failed", excerpts_json(view.failed)},  {"worst", excerpts_json(view.worst)}};
}

SampleView view_sample(const Store& store, std::string_view run, std::string_view sample_id) {
  SampleView view{.run = store.find_run(run)};
  // Samples come item by item; an exact match wins over any number of prefix matches.
  bool exact = false;
  std::set<std::string> matches;
  store.visit_samples(view.run.run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
    if (exact ? item.sample_id != sample_id : !item.sample_id.starts_with(sample_id)) {
      return;
    }
    if (!exact && item.sample_id == sample_id) {
      exact = true;
      view.repeats.clear();
    }
    matches.insert(item.sample_id);
    if (view.repeats.empty() || view.item.item_id == item.item_id) {
      view.item = item;
      view.repeats.push_back(std::move(sample));
    }
  });
  if (view.repeats.empty()) {
    throw Error(ErrorCode::kInvalidConfig, "run " + std::to_string(view.run.run_id) +
                                               " has no result for sample '" +
                                               std::string(sample_id) + "'");
  }
  if (!exact && matches.size() > 1) {
    std::string listed;
    std::size_t listed_count = 0;
    for (const std::string& match : matches) {
      if (listed_count++ < kMaxListedIds) {
        listed += (listed.empty() ? "" : ", ") + match;
      }
    }
    throw Error(ErrorCode::kInvalidConfig, std::to_string(matches.size()) + " samples of run " +
                                               std::to_string(view.run.run_id) + " start with '" +
                                               std::string(sample_id) + "': " + listed +
                                               (matches.size() > kMaxListedIds ? ", …" : ""));
  }
  for (const SampleRecord& sample : view.repeats) {
    view.prompts.push_back(store.find_prompt(sample.prompt_sha256));
  }
  return view;
}

std::string sample_view_terminal(const SampleView& view, bool colours) {
  std::string gold;
  for (const std::string& doc_id : view.item.gold_doc_ids) {
    gold += (gold.empty() ? "" : ", ") + doc_id;
  }
  std::string output = pairs_text({{"run", std::to_string(view.run.run_id)},
                                   {"task", view.item.task},
                                   {"sample", view.item.sample_id},
                                   {"gold documents", gold.empty() ? "not known" : gold}},
                                  colours);
  output += heading("query", colours) + printable_text(view.item.query) + "\n";
  output += heading("reference", colours) + printable_text(view.item.reference) + "\n";
  for (std::size_t repeat = 0; repeat < view.repeats.size(); ++repeat) {
    output += repeat_text(view, repeat, colours);
  }
  return output;
}

Json sample_view_json(const SampleView& view) {
  Json repeats = Json::array();
  for (std::size_t repeat = 0; repeat < view.repeats.size(); ++repeat) {
    repeats.push_back(repeat_json(view.repeats[repeat], view.prompts[repeat]));
  }
  return {{"run_id", view.run.run_id},
          {"fingerprint", view.run.fingerprint},
          {"task", view.item.task},
          {"sample_id", view.item.sample_id},
          {"query", view.item.query},
          {"reference", view.item.reference},
          {"gold_doc_ids", view.item.gold_doc_ids},
          {"repeats", std::move(repeats)}};
}

}  // namespace crudbench
