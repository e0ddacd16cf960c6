#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/tasks/builtin_tasks.h"
#include "harness/text/utf8.h"
#include "reports/bundle.h"
#include "reports/bundle_format.h"

namespace crudbench {

namespace {

/// A JSON object of the file with its place, for messages.
class Reading {
 public:
  Reading(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) {
      fail("expected an object, found " + std::string(type_name(object)));
    }
  }

  const Json& at(const char* key) const {
    const auto found = object_.find(key);
    if (found == object_.end()) {
      fail("lacks \"" + std::string(key) + "\"");
    }
    return *found;
  }
  bool has(const char* key) const { return object_.contains(key); }
  Reading object(const char* key) const { return {at(key), place_ + "/" + key}; }
  const Json& json_object(const char* key) const {
    const Json& value = at(key);
    require(value.is_object(), key, "an object", value);
    return value;
  }
  std::string text(const char* key) const {
    const Json& value = at(key);
    require(value.is_string(), key, "a string", value);
    return value.get<std::string>();
  }
  /// An integer from `low` to `high`.
  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const {
    const Json& value = at(key);
    const bool is_small = value.is_number_integer() &&
                          (!value.is_number_unsigned() ||
                           value.get<std::uint64_t>() <= static_cast<std::uint64_t>(high));
    require(is_small && value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high, key,
            "an integer from " + std::to_string(low) + " to " + std::to_string(high), value);
    return value.get<std::int64_t>();
  }
  double seconds(const char* key) const {
    const Json& value = at(key);
    require(value.is_number() && value.get<double>() >= 0.0, key, "a number, not negative", value);
    return value.get<double>();
  }
  bool boolean(const char* key) const {
    const Json& value = at(key);
    require(value.is_boolean(), key, "true or false", value);
    return value.get<bool>();
  }
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(ErrorCode::kInvalidData, place_ + ": " + problem);
  }

 private:
  void require(bool holds, const char* key, const std::string& expected, const Json& value) const {
    if (!holds) {
      fail("expected \"" + std::string(key) + "\" to be " + expected + ", found " +
           std::string(type_name(value)));
    }
  }

  const Json& object_;
  std::string place_;
};

constexpr std::int64_t kMostSamples = 100'000'000;
constexpr std::int64_t kMostGoldDocuments = 10'000;
constexpr std::int64_t kMostTokens = 1'000'000'000'000;

/// What stands for one metric: a number, null, {"failed": class} or {"counts": […]}.
bool is_score(const Json& score) {
  return score.is_number() || score.is_null() ||
         (score.is_object() && score.size() == 1 &&
          ((score.contains("failed") && score["failed"].is_string()) ||
           (score.contains("counts") && score["counts"].is_array())));
}

BundleSample read_sample(const Reading& line) {
  BundleSample kept{
      .sample_id = line.text("id"),
      .reference_sha256 = line.text("reference_sha256"),
      .gold_count = static_cast<std::size_t>(line.integer("gold_documents", 0, kMostGoldDocuments)),
      .has_prediction = line.has("prediction")};
  kept.sample = {.sample_id = kept.sample_id,
                 .repeat = line.integer("repeat", 0, kMostSamples),
                 .prediction = kept.has_prediction ? line.text("prediction") : "",
                 .usage = {.prompt_tokens = line.integer("prompt_tokens", -1, kMostTokens),
                           .completion_tokens = line.integer("completion_tokens", -1, kMostTokens)},
                 .retrieval_seconds = line.seconds("retrieval_seconds"),
                 .generation_seconds = line.seconds("generation_seconds"),
                 .cached = line.boolean("cached"),
                 .scores = line.json_object("scores")};
  for (const auto& [name, score] : kept.sample.scores.items()) {
    if (!is_score(score)) {
      line.fail("the score of '" + name + "' is neither a number nor a reason why there is none");
    }
  }
  if (line.has("failed")) {
    const Reading failed = line.object("failed");
    const std::optional<Stage> stage = parse_stage(failed.text("stage"));
    if (!stage) {
      failed.fail("unknown stage '" + failed.text("stage") + "'");
    }
    kept.sample.failure = Failure{.stage = *stage, .failure_class = failed.text("class")};
  }
  return kept;
}

/// Takes the lines of a file one by one.
class BundleReader {
 public:
  explicit BundleReader(std::string name) : name_(std::move(name)) {}

  void add(std::string_view line) {
    ++line_number_;
    const std::string place = name_ + ":" + std::to_string(line_number_);
    const Json value = Json::parse(line, nullptr, false);
    if (value.is_discarded()) {
      throw Error(ErrorCode::kInvalidData, place + ": not valid JSON");
    }
    const Reading reading(value, place);
    if (is_sealed_) {
      reading.fail("nothing may stand after the hashes");
    }
    if (line_number_ == 1) {
      hashes_.add(BundleHashes::Part::kConfig, line);
      read_header(reading);
    } else if (reading.has("run")) {
      hashes_.add(BundleHashes::Part::kMetrics, line);
      read_run(reading.object("run"));
    } else if (reading.has("sample")) {
      hashes_.add(BundleHashes::Part::kSamples, line);
      add_sample(reading.object("sample"));
    } else if (reading.has("sha256")) {
      check_hashes(reading.object("sha256"));
    } else {
      reading.fail("expected \"run\", \"sample\" or \"sha256\"");
    }
  }

  Bundle finish() {
    if (!is_sealed_) {
      throw Error(ErrorCode::kInvalidData,
                  name_ + ": it does not end with a line of hashes: it was cut short");
    }
    if (bundle_.runs.empty() || bundle_.runs.size() != run_count_) {
      throw Error(ErrorCode::kInvalidData, name_ + ": expected " + std::to_string(run_count_) +
                                               " runs (at least one), found " +
                                               std::to_string(bundle_.runs.size()));
    }
    return std::move(bundle_);
  }

 private:
  void read_header(const Reading& line) {
    if (!line.has("format") || line.text("format") != kBundleFormat) {
      line.fail("not a bundle of crudbench: expected \"format\": \"" + std::string(kBundleFormat) +
                "\"");
    }
    const std::int64_t version = line.integer("version", 1, 1'000'000);
    if (version != kBundleVersion) {
      line.fail("version " + std::to_string(version) + "; this crudbench reads version " +
                std::to_string(kBundleVersion));
    }
    bundle_.system = line.text("system");
    cell_ = line.json_object("cell");
    cell_fingerprint_ = line.text("cell_fingerprint");
    run_count_ = static_cast<std::size_t>(line.integer("runs", 1, kMostSamples));
  }

  void read_run(const Reading& line) {
    BundleRun run;
    run.run = {.fingerprint = line.text("fingerprint"),
               .cell_fingerprint = cell_fingerprint_,
               .task = line.text("task"),
               .cell = cell_,
               .provenance = line.json_object("provenance"),
               .sample_count = line.integer("samples", 0, kMostSamples),
               .created_at = line.text("created_at")};
    if (!upstream_task_class(run.run.task)) {
      line.fail("unknown task '" + run.run.task + "'");
    }
    if (!tasks_.insert(run.run.task).second) {
      line.fail("a second run of task '" + run.run.task + "'");
    }
    run.summary = line.json_object("summary");
    samples_.clear();
    bundle_.runs.push_back(std::move(run));
  }

  void add_sample(const Reading& line) {
    if (bundle_.runs.empty()) {
      line.fail("a sample before the first run");
    }
    BundleSample sample = read_sample(line);
    if (!samples_.emplace(sample.sample_id, sample.sample.repeat).second) {
      line.fail("sample '" + sample.sample_id + "' stands twice");
    }
    bundle_.runs.back().samples.push_back(std::move(sample));
  }

  void check_hashes(const Reading& stated) {
    const Json found = hashes_.take();
    for (const auto& [key, what] :
         {std::pair("config", "the configuration"), std::pair("metrics", "the statements on runs"),
          std::pair("samples", "the samples"), std::pair("bundle", "the order of the lines")}) {
      if (stated.text(key) != found[key].get<std::string>()) {
        stated.fail("SHA-256 of " + std::string(what) +
                    " differs from the one stated here: the file was changed after it was made");
      }
    }
    is_sealed_ = true;
  }

  std::string name_;
  std::size_t line_number_ = 0;
  Bundle bundle_;
  Json cell_;
  std::string cell_fingerprint_;
  std::size_t run_count_ = 0;
  std::set<std::string> tasks_;
  std::set<std::pair<std::string, std::int64_t>> samples_;  ///< Of the last run.
  BundleHashes hashes_;
  bool is_sealed_ = false;
};

}  // namespace

Bundle parse_bundle(std::string_view text, const std::string& name) {
  if (find_invalid_utf8(text)) {
    throw Error(ErrorCode::kInvalidData, name + ": not valid UTF-8");
  }
  BundleReader reader(name);
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    reader.add(text.substr(0, size));
    text.remove_prefix(size);
  }
  return reader.finish();
}

Bundle read_bundle(const std::filesystem::path& file) {
  return parse_bundle(read_file(file), file.string());
}

}  // namespace crudbench
