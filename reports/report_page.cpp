#include "reports/report_page.h"

#include <algorithm>
#include <mutex>
#include <system_error>
#include <utility>

#include "harness/core/files.h"

namespace crudbench {

namespace {

constexpr const char* kDataFolder = "report_data";

bool is_data_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const bool has_prefix = name.starts_with("run-") || name.starts_with("items-");
  return has_prefix && path.extension() == ".js";
}

/// Files of an earlier report would be dead weight beside this one.
void remove_data_files(const std::filesystem::path& folder) {
  std::error_code ignored;  // What cannot be removed stays: the page does not read it.
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (is_data_file(entry.path())) {
      files.push_back(entry.path());
    }
  }
  for (const std::filesystem::path& file : files) {
    std::filesystem::remove(file, ignored);
  }
  std::filesystem::remove(folder, ignored);  // Only if it is empty now.
}

/// Keeps sample data for the page, and moves it into files once it is too much for that. May be
/// used by several threads.
class SampleKeeper {
 public:
  SampleKeeper(std::filesystem::path folder, std::string report_id, std::size_t max_inline_bytes)
      : folder_(std::move(folder)),
        report_id_(std::move(report_id)),
        max_inline_bytes_(max_inline_bytes) {}

  void add(SampleFile file) {
    const std::lock_guard lock(mutex_);
    if (in_files_) {
      write(file);
      return;
    }
    inline_bytes_ += file.payload.size();
    inline_.push_back(std::move(file));
    if (inline_bytes_ > max_inline_bytes_) {
      create_folders(folder_);
      for (const SampleFile& kept : inline_) {
        write(kept);
      }
      inline_.clear();
      in_files_ = true;
    }
  }

  void move_to(ReportPage& page) && {
    page.inline_samples = std::move(inline_);
    // In the order of the report, not in that of the threads.
    std::sort(page.inline_samples.begin(), page.inline_samples.end(),
              [](const SampleFile& left, const SampleFile& right) { return left.key < right.key; });
    if (in_files_) {
      page.data_folder = kDataFolder;
    }
  }

 private:
  /// A script and no JSON, because a page from a folder may load nothing else.
  void write(const SampleFile& file) const {
    AtomicFileWriter writer(folder_ / (file.key + ".js"));
    writer.write("crudbenchSamples(\"" + report_id_ + "\",\"" + file.key + "\",");
    writer.write(file.payload);
    writer.write(");\n");
    writer.commit();
  }

  std::filesystem::path folder_;
  std::string report_id_;
  std::size_t max_inline_bytes_;
  std::mutex mutex_;  ///< Guards what follows.
  std::vector<SampleFile> inline_;
  std::size_t inline_bytes_ = 0;
  bool in_files_ = false;
};

/// The runs of one task of one table.
struct TaskRuns {
  std::string key;  ///< Of the file with their items.
  std::vector<std::int64_t> run_ids;
  const std::vector<std::string>* metrics = nullptr;
};

std::vector<TaskRuns> runs_by_task(const Leaderboard& leaderboard) {
  std::vector<TaskRuns> tasks;
  for (std::size_t table = 0; table < leaderboard.tables.size(); ++table) {
    const LeaderboardTable& rows = leaderboard.tables[table];
    for (std::size_t task = 0; task < rows.tasks.size(); ++task) {
      TaskRuns& runs = tasks.emplace_back();
      runs.key = "items-" + std::to_string(table) + "-" + std::to_string(task);
      runs.metrics = &rows.main_metrics;
      for (const LeaderboardRow& row : rows.rows) {
        const auto run = row.runs.find(rows.tasks[task]);
        if (run != row.runs.end()) {
          runs.run_ids.push_back(run->second.run_id);
        }
      }
    }
  }
  return tasks;
}

void collect_samples(const Store& store, const Leaderboard& leaderboard, std::size_t limit,
                     SampleKeeper& keeper, Executor& executor) {
  struct Piece {
    std::size_t task = 0;
    std::optional<std::int64_t> run_id;  ///< nullopt: the items.
  };
  const std::vector<TaskRuns> tasks = runs_by_task(leaderboard);
  std::vector<ItemChoice> choices;
  std::vector<Piece> pieces;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    choices.push_back(choose_items(store, tasks[task].run_ids, limit));
    pieces.push_back({.task = task});
    for (const std::int64_t run_id : tasks[task].run_ids) {
      pieces.push_back({.task = task, .run_id = run_id});
    }
  }
  executor.run_all(pieces.size(), [&](std::size_t i) {
    const TaskRuns& task = tasks[pieces[i].task];
    const ItemChoice& choice = choices[pieces[i].task];
    keeper.add(pieces[i].run_id ? run_file(store, *pieces[i].run_id, choice, *task.metrics)
                                : item_file(task.key, store, task.run_ids, choice));
  });
}

}  // namespace

std::filesystem::path write_report_page(const Store& store, const Leaderboard& leaderboard,
                                        const PageOptions& options,
                                        const std::filesystem::path& folder, Executor& executor) {
  create_folders(folder);
  remove_data_files(folder / kDataFolder);
  ReportPage page{.overview = report_overview(store, leaderboard)};
  SampleKeeper keeper(folder / kDataFolder, page.overview.at("report_id").get<std::string>(),
                      options.max_inline_bytes);
  if (options.samples_per_task > 0) {
    collect_samples(store, leaderboard, options.samples_per_task, keeper, executor);
  }
  std::move(keeper).move_to(page);
  std::filesystem::path path = folder / "report.html";
  write_file_atomically(path, page_html(page));
  return path;
}

}  // namespace crudbench
