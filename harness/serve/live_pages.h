#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "harness/core/executor.h"
#include "harness/serve/live_server.h"
#include "harness/serve/live_status.h"
#include "harness/store/store.h"
#include "reports/report_page.h"

namespace crudbench {

/// The pages of a workspace, which other processes may write to meanwhile or create only later:
///
///     ""            the overview, which listens to the state
///     live.css, live.js
///     status.json   the state (`LiveStatus`); {"runs": []} without a workspace
///     report.html, leaderboard.md, .csv, .json, .tex
///     report_data/KEY.js   samples of the report made last
///
/// A report is made when it is asked for and the store has changed since the last one; its samples
/// are read from the store when its explorer asks for them.
class LivePages final : public PageSource {
 public:
  /// `executor` makes the reports; it must outlive the pages.
  LivePages(Workspace workspace, std::optional<std::string> experiment, Executor& executor);

  std::optional<ServedPage> page(std::string_view path) override;
  std::string state() override;

 private:
  /// nullptr where the workspace holds no results yet.
  const Store* store();
  /// Makes the report again if need be; `report_mutex_` must be held.
  void update_report(const Store& store);
  /// The file of `name` in the folder of samples.
  std::optional<ServedPage> samples(std::string_view name);

  Workspace workspace_;
  std::optional<std::string> experiment_;
  Executor& executor_;
  std::mutex store_mutex_;  ///< Guards `store_` until it is there.
  std::optional<Store> store_;
  std::mutex status_mutex_;  ///< Guards `status_`.
  LiveStatus status_;
  std::mutex report_mutex_;  ///< Guards what follows, and keeps to one report at a time.
  std::optional<std::int64_t> report_version_;  ///< Of the data that `report_` shows.
  std::map<std::string, ServedPage, std::less<>> report_;
  std::string report_id_;
  std::optional<SampleFiles> sample_files_;
};

}  // namespace crudbench
