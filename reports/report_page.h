#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/executor.h"
#include "harness/store/store.h"
#include "reports/leaderboard.h"
#include "reports/sample_data.h"

namespace crudbench {

/// The page as people open it: reports/html with data put in. One file, no network; a content
/// security policy lets nothing run but its own script, the chart library in it and, if there are
/// any, the data files beside it.
struct ReportPage {
  Json overview;                           ///< Of `report_overview`.
  std::vector<SampleFile> inline_samples;  ///< Data of the sample explorer inside the page.
  std::optional<std::string> data_folder;  ///< Where it lies beside the page instead.
};

/// Everything but the samples: {"format": "crudbench-report", "version": 1, "report_id" (names the
/// data, so that files of another report are not taken for its own), "leaderboard"
/// (reports/README.md), "tables": [{"comparability": [{"kind", "subject", "groups": [{"value",
/// "rows"}]}], "rows":
/// [{"bound", "headroom": {metric: {task: share}, "" is the average}}], "profiles": {run_id:
/// `profile_json`}}], "experiment_config" (its file; null for all runs), "spending": [{"purpose",
/// "model", "requests", "prompt_tokens", "completion_tokens", "cost", "currency"}] (of the
/// experiment)}. A comparison of two systems adds "comparison" (`system_comparison_json`).
Json report_overview(const Store& store, const Leaderboard& leaderboard);

std::string page_html(const ReportPage& page);

/// Where the page looks for sample data that does not stand in it.
inline constexpr const char* kSampleFolder = "report_data";

struct PageOptions {
  /// Of each task, the samples to look at in the explorer; 0 for a page without it. All numbers and
  /// figures are over all samples, whatever this says.
  std::size_t samples_per_task = 2000;
  /// Of these, how many come with their prompts, which are longer than all else about them.
  std::size_t prompts_per_task = 200;
  /// Up to so many bytes of sample data stand in the page itself; more of them go into files of
  /// `report_data` beside it, the prompts first.
  std::size_t max_inline_bytes = 8U << 20U;
};

/// The sample data of a report, file by file: for who makes them only when they are asked for.
/// `store` must outlive it.
class SampleFiles {
 public:
  SampleFiles(const Store& store, const Leaderboard& leaderboard, const PageOptions& options);

  /// All keys, those of a task together. There may be no prompts under theirs.
  std::vector<std::string> keys() const;
  /// nullopt for what the report does not have. May be called from several threads.
  std::optional<SampleFile> make(std::string_view key) const;

 private:
  /// The runs of one task of one table.
  struct Task {
    std::string key;  ///< Of the file with their items.
    std::vector<std::int64_t> run_ids;
    std::vector<std::string> metrics;
    ItemChoice choice;
  };

  const Store& store_;
  std::vector<Task> tasks_;
};

/// A file of sample data as the page reads it: a script and no JSON, because a page from a folder
/// may load nothing else.
std::string sample_script(const std::string& report_id, const SampleFile& file);

/// Writes report.html and the files it needs into `folder`; those of an earlier report there go.
/// Returns its path. Throws Error(kIo).
std::filesystem::path write_report_page(const Store& store, const Leaderboard& leaderboard,
                                        const PageOptions& options,
                                        const std::filesystem::path& folder, Executor& executor);

/// The same with an overview that the caller has added to, as NAME.html with NAME_data beside it.
void write_report_page(const Store& store, const Leaderboard& leaderboard, Json overview,
                       const PageOptions& options, const std::filesystem::path& file,
                       Executor& executor);

}  // namespace crudbench
