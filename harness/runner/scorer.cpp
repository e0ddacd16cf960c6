#include "harness/runner/scorer.h"

#include <algorithm>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/runner/plan.h"
#include "harness/tasks/builtin_tasks.h"
#include "harness/tasks/prompt_template.h"
#include "harness/text/segmenter.h"
#include "metrics/question_bank.h"

namespace crudbench {

namespace {

/// Raised when a metric's values change for the same input.
constexpr int kScoresFormat = 2;

/// Samples whose words are in memory at once.
constexpr std::size_t kSamplesPerBatch = 512;
constexpr std::size_t kSamplesPerRange = 16;

Json stored_value(const MetricValue& value) {
  if (value.value) {
    return *value.value;
  }
  if (!value.counts.empty()) {
    return {{"counts", value.counts}};
  }
  return value.failure_class.empty() ? Json() : Json{{"failed", value.failure_class}};
}

bool reads(const Json& metric, const Catalog& catalog, std::string_view section) {
  const auto& sections =
      catalog.metrics.entries().at(metric.at("type").get<std::string>()).sections;
  return std::find(sections.begin(), sections.end(), section) != sections.end();
}

/// The options of a member that are not its defaults, as "name=value"; all of them for a member
/// that has no defaults.
template <class AxisRegistry>
std::string special_options(const AxisRegistry& registry, const Json& member) {
  Json defaults = Json::object();
  try {
    defaults = registry.resolve({{"type", member.at("type")}}, "", "");
  } catch (const Error&) {  // It has options that must be given.
  }
  std::string text;
  for (const auto& [name, value] : member.items()) {
    const bool is_default = defaults.contains(name) && defaults.at(name) == value;
    if (name != "type" && name != "model" && !is_default) {
      text += " " + name + "=" +
              (value.is_string() ? value.template get<std::string>() : to_text(value));
    }
  }
  return text;
}

/// SHA-256 over what a judge is given besides its own configuration: bank and prompts, by content.
std::string judge_material(const Json& metric) {
  FingerprintBuilder fingerprint("judge material", 1);
  if (const Json bank = metric.value("bank", Json()); bank.is_string()) {
    for (const std::string_view task : task_names()) {
      const std::filesystem::path file = bank_file(bank.get<std::string>(), task);
      fingerprint.add(file.empty() ? "" : read_file(file));
    }
  }
  const std::string prompts = metric.value("prompts", std::string("default"));
  for (const char* name : {"quest_eval_gen", "quest_eval_answer"}) {
    fingerprint.add(load_judge_template(prompts, name).sha256());
  }
  return fingerprint.hex_digest();
}

std::string member_name(const Json& member) {
  return member.contains("model") && member.at("model").is_string()
             ? member.at("model").get<std::string>()
             : member.at("type").get<std::string>();
}

}  // namespace

bool is_judged(const Json& metric, const Catalog& catalog) {
  return reads(metric, catalog, "judge");
}

Scorer::Scorer(std::span<const Json> metrics, const Catalog& catalog,
               const ScorerResources& resources) {
  for (const Json& metric : metrics) {
    const MetricParts parts{
        .label = metric_label(metric, catalog),
        .embedder = reads(metric, catalog, "embedder") ? &resources.embedder(metric) : nullptr,
        .references = resources.references};
    metrics_.push_back(catalog.metrics.build(metric, parts));
    reads_words_ = reads_words_ || metrics_.back()->reads_words();
  }
}

std::vector<Json> Scorer::score_all(std::span<const ScorerInput> inputs, Executor& executor) const {
  std::vector<Json> scores(inputs.size(), Json::object());
  for (std::size_t begin = 0; begin < inputs.size(); begin += kSamplesPerBatch) {
    const auto batch = inputs.subspan(begin, std::min(kSamplesPerBatch, inputs.size() - begin));
    std::vector<std::vector<std::string_view>> words(2 * batch.size());
    std::vector<Prediction> predictions(batch.size());
    run_ranges(executor, batch.size(), kSamplesPerRange, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        const ScorerInput& input = batch[i];
        if (reads_words_) {
          jieba_segmenter().segment(input.prediction, words[2 * i]);
          jieba_segmenter().segment(input.reference, words[2 * i + 1]);
        }
        predictions[i] = {.task = input.task,
                          .text = input.prediction,
                          .reference = input.reference,
                          .text_words = words[2 * i],
                          .reference_words = words[2 * i + 1],
                          .ranking = {.documents = input.documents,
                                      .gold = input.gold,
                                      .gold_chunk_count = input.gold_chunk_count},
                          .answered = input.answered,
                          .reply = input.reply,
                          .examination = input.examination};
      }
    });
    for (const auto& metric : metrics_) {
      const auto values = metric->score_all(predictions, executor);
      run_ranges(executor, batch.size(), kSamplesPerRange,
                 [&](std::size_t first, std::size_t last) {
                   for (std::size_t i = first; i < last; ++i) {
                     for (const MetricValue& value : values[i]) {
                       scores[begin + i][value.name] = stored_value(value);
                     }
                   }
                 });
    }
  }
  return scores;
}

std::map<std::string, std::string> metric_fingerprints(std::span<const Json> metrics,
                                                       const Catalog& catalog) {
  std::map<std::string, std::string> fingerprints;
  for (const Json& metric : metrics) {
    FingerprintBuilder fingerprint("scores", kScoresFormat);
    fingerprint.add(to_text(metric)).add(metric_label(metric, catalog));
    fingerprint.add(jieba_dictionary_fingerprint());
    fingerprints.emplace(to_text(metric), fingerprint.hex_digest());
  }
  return fingerprints;
}

std::string metric_label(const Json& metric, const Catalog& catalog) {
  if (reads(metric, catalog, "embedder")) {
    const Json& embedder = metric.at("embedder");
    return member_name(embedder) + special_options(catalog.embedders, embedder) +
           special_options(catalog.chunkers, metric.at("chunker"));
  }
  if (is_judged(metric, catalog)) {
    // Endpoints have many options: a hash says that two judges are not the same.
    constexpr std::size_t kDigits = 6;
    Json essential = metric;
    essential.erase("bank");  // Paths say nothing about the content.
    essential.erase("prompts");
    essential["judge"] = essential_generator(metric.at("judge"), catalog);
    return member_name(metric.at("judge")) + "#" +
           FingerprintBuilder("judge", 1)
               .add(to_text(essential))
               .add(judge_material(metric))
               .hex_digest()
               .substr(0, kDigits);
  }
  return {};
}

}  // namespace crudbench
