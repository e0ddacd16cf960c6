#include "reports/upstream_output.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/tasks/builtin_tasks.h"
#include "harness/text/utf8.h"
#include "metrics/quest_eval.h"
#include "metrics/statistics.h"
#include "reports/leaderboard.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

constexpr std::size_t kFingerprintDigits = 10;

/// A metric of upstream's output and the value of ours that it is; one that ends in '[' has a
/// label.
struct UpstreamMetric {
  std::string_view name;
  std::string_view ours;
};

constexpr std::string_view kLength = "length";
constexpr std::string_view kQuestF1 = "QA_avg_F1";
constexpr std::array kMetrics = {
    UpstreamMetric{"bleu-avg", "bleu_upstream"},
    UpstreamMetric{"bleu-1", "bleu_p1"},
    UpstreamMetric{"bleu-2", "bleu_p2"},
    UpstreamMetric{"bleu-3", "bleu_p3"},
    UpstreamMetric{"bleu-4", "bleu_p4"},
    UpstreamMetric{"rouge-L", "rouge_l"},
    UpstreamMetric{"bertScore", "similarity["},
    UpstreamMetric{kQuestF1, "quest_upstream_f1["},
    UpstreamMetric{"QA_recall", "quest_upstream_recall["},
    UpstreamMetric{kLength, "length_chars"},
};

bool is_quest_metric(const UpstreamMetric& metric) {
  return metric.ours.starts_with("quest_");
}

struct StoredSample {
  ItemRecord item;
  SampleRecord sample;
};

std::vector<StoredSample> read_samples(const Store& store, const RunRecord& run,
                                       std::int64_t repeat) {
  std::vector<StoredSample> samples;
  store.visit_samples(run.run_id, [&](const ItemRecord& item, SampleRecord&& sample) {
    if (sample.repeat == repeat) {
      samples.push_back({item, std::move(sample)});
    }
  });
  std::stable_sort(samples.begin(), samples.end(),
                   [](const StoredSample& left, const StoredSample& right) {
                     return left.item.sample_id < right.item.sample_id;
                   });
  return samples;
}

/// Upstream's name → our name with its label, for what every ok sample was scored by.
std::map<std::string_view, std::string> find_measured(const std::vector<StoredSample>& samples) {
  std::map<std::string_view, std::string> measured;
  std::set<std::string> names;
  for (const StoredSample& stored : samples) {
    for (const auto& [name, score] : stored.sample.scores.items()) {
      names.insert(name);
    }
  }
  for (const UpstreamMetric& metric : kMetrics) {
    const auto name = std::find_if(names.begin(), names.end(), [&](const std::string& candidate) {
      return metric.ours.ends_with('[') ? candidate.starts_with(metric.ours)
                                        : candidate == metric.ours;
    });
    const bool in_all =
        name != names.end() &&
        std::all_of(samples.begin(), samples.end(), [&](const StoredSample& stored) {
          return stored.sample.failure || stored.sample.scores.contains(*name);
        });
    if (in_all) {
      measured.emplace(metric.name, *name);
    }
  }
  return measured;
}

std::optional<double> score_of(const SampleRecord& sample, const std::string& name) {
  const auto score = sample.scores.find(name);
  return score != sample.scores.end() && score->is_number() ? std::optional(score->get<double>())
                                                            : std::nullopt;
}

/// The label in "quest_upstream_f1[LABEL]".
std::string label_of(const std::string& name) {
  const std::size_t open = name.find('[') + 1;
  return name.substr(open, name.rfind(']') - open);
}

/// What upstream keeps of an examination: lists that are empty where it was left out of the means.
Json quest_eval_save(const SampleRecord& sample,
                     const std::map<std::string_view, std::string>& measured) {
  const auto metric = measured.find(kQuestF1);
  if (metric == measured.end()) {
    return Json::object();
  }
  Examination examination;
  const auto stored = sample.examinations.find(label_of(metric->second));
  if (stored != sample.examinations.end() && score_of(sample, metric->second)) {
    examination = examination_from(*stored).value_or(Examination());
  }
  return {{"questions_gt", examination.set.questions},
          {"answers_gt4gt", examination.set.gold_answers},
          {"answers_gm4gt", examination.answers}};
}

Json result_json(const StoredSample& stored, const RunRecord& run,
                 const std::map<std::string_view, std::string>& measured) {
  const SampleRecord& sample = stored.sample;
  const std::string text = sample.failure ? "" : sample.prediction;
  Json metrics = Json::object();
  for (const UpstreamMetric& metric : kMetrics) {
    const auto name = measured.find(metric.name);
    const std::optional<double> score =
        sample.failure || name == measured.end() ? std::nullopt : score_of(sample, name->second);
    metrics[metric.name] =
        metric.name == kLength ? Json(count_code_points(text)) : Json(score.value_or(0.0));
  }
  return {{"id", stored.item.sample_id},
          {"metrics", std::move(metrics)},
          {"log",
           {{"generated_text", text},
            {"ground_truth_text", stored.item.reference},
            {"quest_eval_save", quest_eval_save(sample, measured)},
            {"evaluateDatetime", run.created_at}}},
          {"valid", !strip(text).empty()}};
}

/// As `compute_overall` of upstream's tasks, without what was not measured.
Json overall_json(const Json& results, const std::string& task_class,
                  const std::map<std::string_view, std::string>& measured) {
  Json overall = Json::object();
  std::int64_t valid_count = 0;
  std::int64_t examined_count = 0;
  std::map<std::string_view, std::vector<double>> values;
  for (const Json& result : results) {
    if (!result["valid"].get<bool>()) {
      continue;
    }
    ++valid_count;
    const Json& save = result["log"]["quest_eval_save"];
    examined_count += save.contains("questions_gt") && !save["questions_gt"].empty() ? 1 : 0;
    for (const UpstreamMetric& metric : kMetrics) {
      values[metric.name].push_back(result["metrics"][metric.name].get<double>());
    }
  }
  if (valid_count == 0) {
    return overall;
  }
  for (const UpstreamMetric& metric : kMetrics) {
    const std::int64_t count = is_quest_metric(metric) ? examined_count : valid_count;
    if ((metric.name != kLength && !measured.contains(metric.name)) || count == 0) {
      continue;
    }
    const bool is_plain =
        is_quest_metric(metric) || (metric.name == "bertScore" && task_class == "Summary");
    overall[(is_plain ? "" : "avg. ") + std::string(metric.name)] =
        stable_sum(values[metric.name]) / static_cast<double>(count);
  }
  overall["num"] = valid_count;
  return overall;
}

std::int64_t last_repeat(const Store& store, const RunRecord& run) {
  std::int64_t last = 0;
  for (const auto& [item_id, repeat] : store.finished(run.run_id, false)) {
    last = std::max(last, repeat);
  }
  return last;
}

}  // namespace

Json upstream_output(const Store& store, const RunRecord& run, std::int64_t repeat) {
  const std::optional<std::string_view> task_class = upstream_task_class(run.task);
  if (!task_class) {
    throw Error(ErrorCode::kInvalidConfig,
                "run " + std::to_string(run.run_id) + ": upstream has no task '" + run.task + "'");
  }
  const std::vector<StoredSample> samples = read_samples(store, run, repeat);
  const std::map<std::string_view, std::string> measured = find_measured(samples);
  Json results = Json::array();
  std::int64_t ok_count = 0;
  for (const StoredSample& stored : samples) {
    results.push_back(result_json(stored, run, measured));
    ok_count += stored.sample.failure ? 0 : 1;
  }
  const Json generator = run.cell.is_object() ? run.cell.value("generator", Json()) : Json();
  Json overall = overall_json(results, std::string(*task_class), measured);
  return {{"info",
           {{"task", *task_class},
            {"llm", to_text(generator)},
            {"crudbench",
             {{"run", run.fingerprint},
              {"cell", run.cell},
              {"samples", run.sample_count},
              {"ok", ok_count},
              {"failed", static_cast<std::int64_t>(samples.size()) - ok_count},
              {"repeat", repeat},
              {"measured", measured}}}}},
          {"overall", std::move(overall)},
          {"results", std::move(results)}};
}

std::vector<std::filesystem::path> write_upstream_output(
    const Store& store, const std::optional<std::string>& experiment,
    const std::filesystem::path& folder) {
  create_folders(folder);
  std::vector<std::filesystem::path> paths;
  for (const RunRecord& run : runs_to_report(store, experiment)) {
    const std::string name = "run-" + std::to_string(run.run_id) + "-" +
                             file_name_part(run.fingerprint.substr(0, kFingerprintDigits)) + "-" +
                             file_name_part(run.task);
    const std::int64_t last = last_repeat(store, run);
    for (std::int64_t repeat = 0; repeat <= last; ++repeat) {
      const std::string suffix = repeat == 0 ? "" : "-repeat-" + std::to_string(repeat + 1);
      paths.push_back(folder / (name + suffix + ".json"));
      write_file_atomically(
          paths.back(),
          upstream_output(store, run, repeat).dump(4, ' ', false, Json::error_handler_t::replace) +
              "\n");
    }
  }
  return paths;
}

}  // namespace crudbench
