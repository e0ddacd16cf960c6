#include "harness/runner/external_predictions.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "datasets/samples_file.h"
#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/core/suggest.h"
#include "harness/runner/provenance.h"
#include "harness/runner/scorer.h"
#include "harness/tasks/builtin_tasks.h"
#include "harness/tasks/task.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

Error data_error(const std::string& place, const std::string& problem) {
  return {ErrorCode::kInvalidData, place + ": " + problem};
}

/// The string at `key`; numbers are accepted for ids.
std::string required_text(const Json& object, const char* key, const std::string& place) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end()) {
    throw data_error(place, "expected an object with \"" + std::string(key) + "\"");
  }
  if (found->is_number_integer()) {
    return to_text(*found);
  }
  if (!found->is_string()) {
    throw data_error(place, "expected \"" + std::string(key) + "\" to be a string, found " +
                                std::string(type_name(*found)));
  }
  return found->get<std::string>();
}

void check_task(const std::string& task, const std::string& place) {
  const auto names = task_names();
  if (std::find(names.begin(), names.end(), task) == names.end()) {
    const std::vector<std::string> known(names.begin(), names.end());
    throw data_error(place, "unknown task '" + task + "'" + suggestion(task, known));
  }
}

ExternalContext read_context(const Json& value, const std::string& place) {
  if (value.is_string()) {
    return {.doc_id = {}, .text = value.get<std::string>()};
  }
  ExternalContext context;
  if (value.is_object()) {
    for (const auto& [key, field] :
         {std::pair("doc_id", &context.doc_id), std::pair("text", &context.text)}) {
      if (value.contains(key)) {
        *field = required_text(value, key, place);
      }
    }
  }
  if (context.doc_id.empty() && context.text.empty()) {
    throw data_error(place,
                     R"(expected a text or an object with "doc_id" or "text" in "contexts")");
  }
  return context;
}

ExternalPrediction read_line(const Json& object, const std::string& place) {
  ExternalPrediction prediction{.task = required_text(object, "task", place),
                                .sample_id = required_text(object, "id", place),
                                .prediction = required_text(object, "prediction", place)};
  check_task(prediction.task, place);
  if (object.contains("reference")) {
    prediction.reference = required_text(object, "reference", place);
  }
  if (const auto contexts = object.find("contexts"); contexts != object.end()) {
    if (!contexts->is_array()) {
      throw data_error(
          place, "expected \"contexts\" to be a list, found " + std::string(type_name(*contexts)));
    }
    prediction.contexts.emplace();
    for (const Json& context : *contexts) {
      prediction.contexts->push_back(read_context(context, place));
    }
  }
  return prediction;
}

std::vector<ExternalPrediction> read_upstream_output(const Json& output, const std::string& file) {
  const std::string class_name =
      required_text(output.value("info", Json()), "task", file + ": /info");
  const std::optional<std::string_view> task = task_of_upstream_class(class_name);
  if (!task) {
    throw data_error(file + ": /info/task", "unknown task '" + class_name + "'");
  }
  std::vector<ExternalPrediction> predictions;
  const Json& results = output.at("results");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string place = file + ": /results/" + std::to_string(i);
    const std::string id = required_text(results[i], "id", place);
    const Json log = results[i].value("log", Json());
    predictions.push_back({.task = std::string(*task),
                           .sample_id = id,
                           .prediction = required_text(log, "generated_text", place + "/log"),
                           .reference = required_text(log, "ground_truth_text", place + "/log")});
  }
  return predictions;
}

std::vector<ExternalPrediction> read_lines(std::string_view text, const std::string& file) {
  std::vector<ExternalPrediction> predictions;
  std::size_t line_number = 0;
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = strip(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) {
      continue;
    }
    const std::string place = file + ":" + std::to_string(line_number);
    const bool is_well_formed = !find_invalid_utf8(line);
    const Json object = Json::parse(is_well_formed ? std::string(line) : replace_invalid_utf8(line),
                                    nullptr, false);
    if (object.is_discarded()) {
      throw data_error(place, "not valid JSON");
    }
    predictions.push_back(read_line(object, place));
    if (!is_well_formed) {
      predictions.back().failure = Failure{.stage = Stage::kGeneration,
                                           .failure_class = "invalid_utf8",
                                           .message = "its line is not valid UTF-8"};
    }
  }
  return predictions;
}

}  // namespace

std::vector<ExternalPrediction> read_external_predictions(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  const std::string name = file.string();
  const auto invalid = find_invalid_utf8(text);
  const Json whole = Json::parse(invalid ? replace_invalid_utf8(text) : text, nullptr, false);
  const bool is_upstream =
      whole.is_object() && whole.contains("results") && whole.at("results").is_array();
  if (is_upstream && invalid) {  // One JSON text, of which no part can be told to be sound.
    const TextPosition position = position_of(text, *invalid);
    throw data_error(
        name + ":" + std::to_string(position.line) + ":" + std::to_string(position.column),
        "not valid UTF-8");
  }
  std::vector<ExternalPrediction> predictions =
      is_upstream ? read_upstream_output(whole, name) : read_lines(text, name);
  if (predictions.empty()) {
    throw data_error(name, "it holds no prediction");
  }
  std::set<std::pair<std::string, std::string>> seen;
  for (const ExternalPrediction& prediction : predictions) {
    if (!seen.emplace(prediction.task, prediction.sample_id).second) {
      throw data_error(name, "two predictions for " + prediction.task + "/" + prediction.sample_id);
    }
  }
  return predictions;
}

void add_references(std::vector<ExternalPrediction>& predictions,
                    const std::optional<std::filesystem::path>& samples_file,
                    const Catalog& catalog) {
  std::map<std::pair<std::string, std::string>, std::string> references;
  if (samples_file) {
    std::map<std::string, std::unique_ptr<Task>> tasks;
    std::string content = read_file(*samples_file);
    bool handed_over = false;
    read_samples(
        samples_file->string(),
        [&]() -> std::string_view {
          return std::exchange(handed_over, true) ? std::string_view() : content;
        },
        [&](const Sample& sample) {
          std::unique_ptr<Task>& task = tasks[sample.task];
          if (!task) {
            task = catalog.tasks.build({{"type", sample.task}});
          }
          references.emplace(std::pair(sample.task, sample.sample_id), task->reference(sample));
        });
  }
  for (ExternalPrediction& prediction : predictions) {
    if (prediction.reference) {
      continue;
    }
    const auto found = references.find({prediction.task, prediction.sample_id});
    if (found == references.end()) {
      throw Error(ErrorCode::kInvalidData,
                  "no reference for " + prediction.task + "/" + prediction.sample_id +
                      (samples_file ? " in '" + samples_file->string() + "'"
                                    : ": put \"reference\" into the file or give --samples FILE"));
    }
    prediction.reference = found->second;
  }
}

namespace {

/// Without white space: systems join and wrap passages in many ways.
std::string without_spaces(std::string_view text) {
  std::string rest;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t size = decode_at(text, offset).size_bytes;
    const std::string_view character = text.substr(offset, size);
    if (!strip(character).empty()) {
      rest += character;
    }
    offset += size;
  }
  return rest;
}

}  // namespace

SampleRecord external_record(const ExternalPrediction& prediction, std::int64_t item_id) {
  SampleRecord record{.item_id = item_id,
                      .failure = prediction.failure,
                      .prediction = extract_response(prediction.prediction),
                      .reply = prediction.prediction};
  if (record.prediction.empty() && !record.failure) {
    record.failure = Failure{.stage = Stage::kGeneration,
                             .failure_class = "empty",
                             .message = "the prediction is empty"};
  }
  return record;
}

std::optional<DocumentIndex> find_gold(const ExternalContext& context,
                                       std::span<const DocumentIndex> gold, const Corpus& corpus) {
  const std::string passage = without_spaces(context.text);
  for (const DocumentIndex document : gold) {
    const bool is_named = !context.doc_id.empty() && corpus.doc_id(document) == context.doc_id;
    const bool holds_it = context.doc_id.empty() && !passage.empty() &&
                          without_spaces(corpus.text(document)).find(passage) != std::string::npos;
    if (is_named || holds_it) {
      return document;
    }
  }
  return std::nullopt;
}

std::vector<StoredHit> external_hits(const std::vector<ExternalContext>& contexts,
                                     std::span<const DocumentIndex> gold, const Corpus& corpus) {
  std::vector<StoredHit> hits;
  for (const ExternalContext& context : contexts) {
    const auto rank = hits.size() + 1;
    const auto found = find_gold(context, gold, corpus);
    std::string doc_id = found ? corpus.doc_id(*found) : context.doc_id;
    if (doc_id.empty()) {
      doc_id = "external:" + std::to_string(rank);
    }
    hits.push_back({.doc_id = std::move(doc_id),
                    .span = {},
                    .score = 1.0 / static_cast<double>(rank),
                    .is_gold = found.has_value()});
  }
  return hits;
}

void score_external_predictions(const std::vector<ExternalPrediction>& predictions,
                                const std::string& name, const std::vector<Json>& metrics,
                                const Catalog& catalog, Executor& executor, Store& store) {
  const ScorerResources resources;
  const Scorer scorer(metrics, catalog, resources);
  std::map<std::string, std::vector<const ExternalPrediction*>> by_task;
  FingerprintBuilder references("external references", 1);
  FingerprintBuilder answers("external predictions", 1);
  for (const ExternalPrediction& prediction : predictions) {
    by_task[prediction.task].push_back(&prediction);
    references.add(prediction.task).add(prediction.sample_id).add(*prediction.reference);
    answers.add(prediction.task).add(prediction.sample_id).add(prediction.prediction);
  }
  const std::string samples_fingerprint = references.hex_digest();
  const std::string cell_fingerprint =
      FingerprintBuilder("external", 1).add(name).add(answers.hex_digest()).hex_digest();
  std::vector<std::int64_t> run_ids;
  for (const std::string_view task : task_names()) {
    const auto found = by_task.find(std::string(task));
    if (found == by_task.end()) {
      continue;
    }
    const auto& of_task = found->second;
    std::vector<ItemRecord> items;
    for (const ExternalPrediction* prediction : of_task) {
      items.push_back({.task = prediction->task,
                       .sample_id = prediction->sample_id,
                       .reference = *prediction->reference});
    }
    const auto item_ids = store.put_items(samples_fingerprint, "external", items);
    const std::int64_t run_id =
        store.put_run({.fingerprint = FingerprintBuilder("external run", 1)
                                          .add(cell_fingerprint)
                                          .add(samples_fingerprint)
                                          .add(task)
                                          .hex_digest(),
                       .cell_fingerprint = cell_fingerprint,
                       .task = std::string(task),
                       .cell = {{"retriever", {{"type", "external"}}},
                                {"generator", {{"type", "external"}, {"model", name}}}},
                       .provenance = {{"crudbench", program_version()},
                                      {"knowledge_base_mode", "external"},
                                      {"corpus_fingerprint", "external"},
                                      {"samples_fingerprint", samples_fingerprint}},
                       .sample_count = static_cast<std::int64_t>(of_task.size())});
    std::vector<SampleRecord> records;
    for (std::size_t i = 0; i < of_task.size(); ++i) {
      records.push_back(external_record(*of_task[i], item_ids[i]));
    }
    std::vector<ScorerInput> inputs;
    for (std::size_t i = 0; i < of_task.size(); ++i) {
      inputs.push_back({.task = task,
                        .prediction = records[i].prediction,
                        .reference = *of_task[i]->reference,
                        .reply = of_task[i]->prediction,
                        .answered = !records[i].failure.has_value(),
                        .documents = {},
                        .gold = {}});
    }
    std::vector<Json> scores = scorer.score_all(inputs, executor);
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].scores = std::move(scores[i]);
    }
    store.put_samples(run_id, records);
    store.put_scored_metrics(run_id, metric_fingerprints(metrics, catalog));
    run_ids.push_back(run_id);
  }
  store.put_experiment(name, {{"experiment", name}}, without_labels(run_ids));
}

}  // namespace crudbench
