#include "reports/bundle.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/fingerprint.h"
#include "reports/bundle_format.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

/// The file name of a path, a URL without who may read it, anything else as it is.
std::string without_private_parts(const std::string& text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string::npos) {
    const std::size_t host = scheme + 3;
    const std::size_t path = std::min(text.find('/', host), text.size());
    const std::size_t user = text.substr(0, path).rfind('@');
    const std::size_t begin = user != std::string::npos && user >= host ? user + 1 : host;
    return text.substr(0, host) +
           text.substr(begin, std::min(text.find_first_of("?#", host), text.size()) - begin);
  }
  const bool is_path = text.starts_with('/') || text.starts_with("./") || text.starts_with("../") ||
                       text.starts_with("~/");
  return is_path ? std::filesystem::path(text).filename().string() : text;
}

Json without_private_parts(const Json& value) {
  if (value.is_string()) {
    return without_private_parts(value.get<std::string>());
  }
  Json cleaned = value;
  if (value.is_structured()) {
    for (Json& child : cleaned) {
      child = without_private_parts(child);
    }
  }
  return cleaned;
}

/// Runs of one cell on one data set, a run a task; a second run of a task (after an edited prompt)
/// is a row of its own, as in a leaderboard.
std::vector<std::vector<RunRecord>> rows_of(std::vector<RunRecord> runs) {
  using RowKey = std::tuple<TableIdentity, std::string, std::size_t>;
  std::map<std::tuple<TableIdentity, std::string, std::string>, std::size_t> seen;
  std::map<RowKey, std::size_t> positions;
  std::vector<std::vector<RunRecord>> rows;
  for (RunRecord& run : runs) {
    const TableIdentity identity = table_identity(run);
    const std::size_t occurrence = seen[{identity, run.cell_fingerprint, run.task}]++;
    const auto [position, is_new] =
        positions.try_emplace({identity, run.cell_fingerprint, occurrence}, rows.size());
    if (is_new) {
      rows.emplace_back();
    }
    rows[position->second].push_back(std::move(run));
  }
  return rows;
}

BundleRun make_run(const Store& store, RunRecord run, const BundleOptions& options,
                   Executor& executor) {
  BundleRun result;
  store.visit_samples(run.run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
    BundleSample kept{.sample_id = item.sample_id,
                      .reference_sha256 = sha256_hex(item.reference),
                      .gold_count = item.gold_doc_ids.size(),
                      .has_prediction = options.with_predictions && !sample.failure};
    kept.sample = {.sample_id = item.sample_id,
                   .repeat = sample.repeat,
                   .failure = std::move(sample.failure),
                   .prediction = kept.has_prediction ? std::move(sample.prediction) : "",
                   .usage = sample.usage,
                   .retrieval_seconds = sample.retrieval_seconds,
                   .generation_seconds = sample.generation_seconds,
                   .cached = sample.cached,
                   .scores = std::move(sample.scores)};
    if (kept.sample.failure) {
      kept.sample.failure->message.clear();  // May quote anything.
    }
    result.samples.push_back(std::move(kept));
  });
  const auto missing = run.sample_count - static_cast<std::int64_t>(result.samples.size());
  if (missing > 0) {
    throw Error(ErrorCode::kInvalidConfig,
                "run " + std::to_string(run.run_id) + " (" + run.task + ") lacks " +
                    std::to_string(missing) + " of " + std::to_string(run.sample_count) +
                    " samples: a bundle holds complete runs, so finish it first");
  }
  run.cell = without_private_parts(run.cell);
  run.provenance = without_private_parts(run.provenance);
  result.run = std::move(run);
  result.summary = bundle_summary(result, executor);
  return result;
}

}  // namespace

std::vector<Bundle> make_bundles(const Store& store, const std::optional<std::string>& experiment,
                                 const BundleOptions& options, Executor& executor) {
  std::vector<Bundle> bundles;
  for (std::vector<RunRecord>& row : rows_of(runs_to_report(store, experiment))) {
    Bundle bundle{.system = options.system};
    for (RunRecord& run : row) {
      bundle.runs.push_back(make_run(store, std::move(run), options, executor));
    }
    bundles.push_back(std::move(bundle));
  }
  return bundles;
}

std::string bundle_file_name(const Bundle& bundle, const std::string& text) {
  constexpr std::size_t kHashDigits = 10;
  std::string name;
  for (const char byte : bundle.system) {
    const bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9');
    if (is_plain || (!name.empty() && name.back() != '-')) {
      name += is_plain ? byte : '-';
    }
  }
  constexpr std::size_t kMaxNameBytes = 64;
  name.resize(std::min(name.size(), kMaxNameBytes));
  while (name.ends_with('-')) {
    name.pop_back();
  }
  return (name.empty() ? "system" : name) + "-" + sha256_hex(text).substr(0, kHashDigits) +
         ".jsonl";
}

ScoredRun score_bundle_run(const BundleRun& run, const SummaryOptions& options,
                           Executor& executor) {
  std::map<std::string, std::int64_t> ids;
  const auto samples = [&](const SampleVisitor& visit) {
    for (const BundleSample& sample : run.samples) {
      const auto next = static_cast<std::int64_t>(ids.size()) + 1;
      const ItemRecord item{.item_id = ids.try_emplace(sample.sample_id, next).first->second,
                            .task = run.run.task,
                            .sample_id = sample.sample_id,
                            .gold_doc_ids = std::vector<std::string>(sample.gold_count)};
      visit(item, sample.sample);
    }
  };
  return score_run(run.run, samples, options, executor);
}

Json bundle_summary(const BundleRun& run, Executor& executor) {
  Json summary = summary_json(score_bundle_run(run, {}, executor).summary);
  summary.erase("run_id");
  summary.erase("judges");  // Bundles do not hold what they asked.
  for (Json& metric : summary["metrics"]) {
    metric.erase("rank");  // Tells of the other rows.
    metric.erase("better_than");
    metric.erase("by_question_type");  // Bundles do not hold the types.
  }
  return summary;
}

}  // namespace crudbench
