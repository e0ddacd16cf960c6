#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/core/json.h"
#include "harness/store/store.h"
#include "reports/leaderboard.h"

/// Results in files that a group keeps in a git repository: what a leaderboard row was made of,
/// sealed by hashes. The format is described in docs/leaderboard.md.
namespace crudbench {

/// One sample of a run. Holds no text of the data set: of the reference only its hash.
struct BundleSample {
  std::string sample_id;
  std::string reference_sha256;
  std::size_t gold_count = 0;  ///< Gold documents.
  bool has_prediction = false;
  SampleRecord sample;  ///< Fate, scores, costs; the prediction where there is one.
};

/// One run as it was measured, in the order of its items.
struct BundleRun {
  RunRecord run;
  Json summary;  ///< What its maker states of it: `summary_json` without id and ranks.
  std::vector<BundleSample> samples;
};

/// One row of a leaderboard.
struct Bundle {
  std::string system;  ///< The name its makers give it.
  std::vector<BundleRun> runs;
};

struct BundleOptions {
  std::string system;
  bool with_predictions = false;
};

/// The rows of an experiment (nullopt: of all runs), each as a bundle. Paths in the configuration
/// are cut to file names, user names and passwords of URLs left out. Throws Error(kInvalidConfig)
/// for an unknown experiment, and for a run that is not complete.
std::vector<Bundle> make_bundles(const Store& store, const std::optional<std::string>& experiment,
                                 const BundleOptions& options, Executor& executor);

/// The file: the same bundle gives the same bytes.
std::string bundle_text(const Bundle& bundle);

/// "SYSTEM-HASH.jsonl", by what the file holds.
std::string bundle_file_name(const Bundle& bundle, const std::string& text);

/// Reads a file and checks its hashes. Throws Error(kIo), or Error(kInvalidData) naming file, line
/// and what was expected: for a file in another form or version, of which any byte was changed, or
/// in which a sample stands twice.
Bundle read_bundle(const std::filesystem::path& file);
/// The same of a text; `name` is what messages call it.
Bundle parse_bundle(std::string_view text, const std::string& name);

/// What a bundle states that its own samples contradict, a sentence each: counts, means and
/// intervals are computed again from the samples and compared, to a relative error of 1e-9.
std::vector<std::string> check_bundle(const Bundle& bundle, Executor& executor);

/// Bundles in one leaderboard, each a row of the table of its data, with the name of its system as
/// an axis. Throws Error(kInvalidData) where two of them have different references for one sample
/// of the same data, or where two are of one system and one cell.
Leaderboard merge_bundles(std::span<const Bundle> bundles, const SummaryOptions& options,
                          Executor& executor);

}  // namespace crudbench
