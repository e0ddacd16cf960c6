#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/core/fingerprint.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/external_predictions.h"
#include "harness/runner/rescoring.h"
#include "reports/bundle.h"
#include "reports/renderers.h"
#include "reports/report.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"name", "NAME", "submit: what the leaderboard calls the system"},
    {"output", "DIR", "submit: where the bundles go; merge: where the tables go (short: -o)"},
    {"experiment", "NAME", "submit: the rows of this experiment only (default: of all runs)"},
    {"with-predictions", "", "submit: the answers too, so that others can score them again"},
    {"samples", "FILE", "verify: the samples file, for scoring predictions again"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "leaderboard",
    .arguments = "submit | verify FILE|DIR… | merge FILE|DIR…",
    .summary = "Share results: make sealed bundles, check them, merge them into one table.",
    .min_positionals = 1,
    .max_positionals = 1000,
    .options = kOptions,
    .examples =
        "  crudbench leaderboard submit --name our-lab --experiment final -o submissions\n"
        "  crudbench leaderboard verify submissions --samples split_merged.json\n"
        "  crudbench leaderboard merge submissions -o board\n"};

std::string required_option(const Arguments& arguments, const char* name, const std::string& why) {
  const auto value = arguments.value(name);
  if (!value || value->empty()) {
    throw Error(ErrorCode::kInvalidConfig,
                "leaderboard: --" + std::string(name) + " is missing: " + why);
  }
  return *value;
}

ExitCode submit(const Arguments& arguments) {
  if (arguments.positionals().size() > 1) {
    throw Error(ErrorCode::kInvalidConfig,
                "leaderboard submit takes no words: the workspace is --workspace DIR");
  }
  const std::string name = required_option(arguments, "name", "what is the system called?");
  const std::filesystem::path folder =
      required_option(arguments, "output", "where shall the bundles go?");
  const Store store(workspace_of(arguments), Database::Mode::kReadOnly);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const std::vector<Bundle> bundles =
      make_bundles(store, arguments.value("experiment"),
                   {.system = name, .with_predictions = arguments.has("with-predictions")}, *pool);
  create_folders(folder);
  Json files = Json::array();
  for (const Bundle& bundle : bundles) {
    const std::string text = bundle_text(bundle);
    const std::filesystem::path file = folder / bundle_file_name(bundle, text);
    write_file_atomically(file, text);
    files.push_back(file.string());
  }
  if (arguments.has("json")) {
    print_json({{"bundles", files}});
  } else {
    for (const Json& file : files) {
      print(file.get<std::string>() + "\n");
    }
  }
  return ExitCode::kDone;
}

/// The files named, and the *.jsonl of the folders named, in order.
std::vector<std::filesystem::path> bundle_files(const Arguments& arguments) {
  std::vector<std::filesystem::path> files;
  for (std::size_t i = 1; i < arguments.positionals().size(); ++i) {
    const std::filesystem::path path = arguments.positionals()[i];
    std::error_code problem;
    if (!std::filesystem::is_directory(path, problem)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(path, problem)) {
      if (entry.path().extension() == ".jsonl") {
        found.push_back(entry.path());
      }
    }
    if (problem) {
      throw io_error("read", path.string(), problem.value());
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  if (files.empty()) {
    throw Error(ErrorCode::kInvalidConfig,
                "leaderboard: no bundles: name files, or folders with *.jsonl files");
  }
  return files;
}

bool same_score(const Json& left, const Json& right) {
  constexpr double kTolerance = 1e-9;
  return left.is_number() && right.is_number()
             ? std::abs(left.get<double>() - right.get<double>()) <=
                   kTolerance * std::max(1.0, std::abs(right.get<double>()))
             : left == right;
}

/// What scoring a bundle's predictions again came to.
struct Rescoring {
  std::int64_t prediction_count = 0;
  std::int64_t score_count = 0;        ///< Compared.
  std::set<std::string> not_repeated;  ///< Values that need more than the two texts.
  std::vector<std::string> problems;
};

void rescore_run(const BundleRun& run, const std::filesystem::path& samples_file,
                 Executor& executor, Rescoring& result) {
  constexpr std::size_t kMostReported = 5;
  std::vector<const BundleSample*> samples;
  std::vector<ExternalPrediction> predictions;
  for (const BundleSample& sample : run.samples) {
    if (sample.has_prediction) {
      samples.push_back(&sample);
      predictions.push_back({.task = run.run.task,
                             .sample_id = sample.sample_id,
                             .prediction = sample.sample.prediction});
    }
  }
  add_references(predictions, samples_file, builtin_catalog());
  std::vector<TextPair> pairs;
  for (const ExternalPrediction& prediction : predictions) {
    pairs.push_back({prediction.prediction, *prediction.reference});
  }
  const std::vector<Json> scores = score_texts(run.run.task, pairs, builtin_catalog(), executor);
  result.prediction_count += static_cast<std::int64_t>(pairs.size());
  std::size_t differing = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::string place = run.run.task + "/" + samples[i]->sample_id;
    if (sha256_hex(*predictions[i].reference) != samples[i]->reference_sha256) {
      result.problems.push_back(place + ": the reference in '" + samples_file.string() +
                                "' is not the one that the bundle was scored against");
      return;
    }
    for (const auto& [name, stated] : samples[i]->sample.scores.items()) {
      if (!scores[i].contains(name)) {
        result.not_repeated.insert(name);
        continue;
      }
      ++result.score_count;
      if (!same_score(stated, scores[i][name]) && ++differing <= kMostReported) {
        result.problems.push_back(place + ": " + name + " is stated as " + to_text(stated) +
                                  ", the prediction scores " + to_text(scores[i][name]));
      }
    }
  }
  if (differing > kMostReported) {
    result.problems.push_back(run.run.task + ": " + std::to_string(differing - kMostReported) +
                              " more scores differ");
  }
}

/// What a check of one file found; `error` if it could not be read.
Json verify_file(const std::filesystem::path& file, const std::optional<std::string>& samples_file,
                 Executor& executor) {
  Json result = {{"file", file.string()}, {"problems", Json::array()}};
  try {
    const Bundle bundle = read_bundle(file);
    std::vector<std::string> problems = check_bundle(bundle, executor);
    Rescoring rescoring;
    std::size_t sample_count = 0;
    for (const BundleRun& run : bundle.runs) {
      sample_count += run.samples.size();
      if (samples_file) {
        rescore_run(run, *samples_file, executor, rescoring);
      }
    }
    problems.insert(problems.end(), rescoring.problems.begin(), rescoring.problems.end());
    result.update({{"system", bundle.system},
                   {"runs", bundle.runs.size()},
                   {"samples", sample_count},
                   {"predictions_scored_again", rescoring.prediction_count},
                   {"scores_compared", rescoring.score_count},
                   {"not_scored_again", rescoring.not_repeated},
                   {"problems", problems}});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kInvalidData) {
      throw;
    }
    result["problems"].push_back(error.what());
  }
  result["ok"] = result["problems"].empty();
  return result;
}

std::string verification_text(const Json& results) {
  std::string text;
  for (const Json& result : results) {
    const std::string file = printable_line(result["file"].get<std::string>());
    if (!result["ok"].get<bool>()) {
      text += "BAD  " + file + "\n";
      for (const Json& problem : result["problems"]) {
        text += "     " + printable_line(problem.get<std::string>()) + "\n";
      }
      continue;
    }
    text += "ok   " + file + ": " + printable_line(result["system"].get<std::string>()) + ", " +
            to_text(result["runs"]) + " runs, " + to_text(result["samples"]) +
            " samples, means and intervals recomputed";
    if (result["predictions_scored_again"] > 0) {
      text += ", " + to_text(result["scores_compared"]) + " scores of " +
              to_text(result["predictions_scored_again"]) + " predictions too";
    }
    text += "\n";
  }
  return text;
}

ExitCode verify(const Arguments& arguments) {
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  Json results = Json::array();
  bool all_ok = true;
  for (const std::filesystem::path& file : bundle_files(arguments)) {
    results.push_back(verify_file(file, arguments.value("samples"), *pool));
    all_ok = all_ok && results.back()["ok"].get<bool>();
  }
  if (arguments.has("json")) {
    print_json({{"ok", all_ok}, {"bundles", results}});
  } else {
    print(verification_text(results));
  }
  return all_ok ? ExitCode::kDone : ExitCode::kData;
}

ExitCode merge(const Arguments& arguments) {
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  std::vector<Bundle> bundles;
  for (const std::filesystem::path& file : bundle_files(arguments)) {
    bundles.push_back(read_bundle(file));
    const std::vector<std::string> problems = check_bundle(bundles.back(), *pool);
    if (!problems.empty()) {
      throw Error(ErrorCode::kInvalidData,
                  file.string() + ": " + problems.front() +
                      " ('crudbench leaderboard verify' shows everything)");
    }
  }
  const Leaderboard leaderboard = merge_bundles(bundles, {}, *pool);
  if (const auto folder = arguments.value("output")) {
    write_leaderboard_files(leaderboard, *folder);
    const std::string table = (std::filesystem::path(*folder) / "leaderboard.md").string();
    if (arguments.has("json")) {
      print_json({{"leaderboard", table}});
    } else {
      print(table + "\n");
    }
  } else if (arguments.has("json")) {
    print_json(leaderboard_json(leaderboard));
  } else {
    print(leaderboard_terminal(leaderboard, use_colours(), terminal_columns()));
  }
  return ExitCode::kDone;
}

ExitCode run(const Arguments& arguments) {
  const std::string& action = arguments.positionals().front();
  if (action == "submit") {
    return submit(arguments);
  }
  if (action == "verify") {
    return verify(arguments);
  }
  if (action == "merge") {
    return merge(arguments);
  }
  throw Error(ErrorCode::kInvalidConfig,
              "leaderboard: expected submit, verify or merge, found '" + action + "'");
}

}  // namespace

const Command kLeaderboardCommand{kSpec, run};

}  // namespace crudbench
