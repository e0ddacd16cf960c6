#include "reports/report_page.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <system_error>
#include <utility>

#include "harness/core/files.h"

namespace crudbench {

namespace {

bool is_data_file(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const bool has_prefix =
      name.starts_with("run-") || name.starts_with("items-") || is_prompt_key(name);
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

/// Keeps sample data for the page, and moves it into files once it is too much for that: first the
/// prompts, so that a page stays one file as long as it can. May be used by several threads.
class SampleKeeper {
 public:
  SampleKeeper(std::filesystem::path folder, std::string report_id, std::size_t max_inline_bytes)
      : folder_(std::move(folder)),
        report_id_(std::move(report_id)),
        max_inline_bytes_(max_inline_bytes) {}

  void add(SampleFile file, bool is_prompts) {
    const std::lock_guard lock(mutex_);
    Group& group = is_prompts ? prompts_ : samples_;
    if (group.in_files) {
      write(file);
      return;
    }
    group.bytes += file.payload.size();
    group.kept.push_back(std::move(file));
    if (group.bytes > max_inline_bytes_) {
      move_to_files(group);
    }
  }

  /// Whether any of the data stand in files instead.
  bool move_to(ReportPage& page) && {
    if (!prompts_.in_files && samples_.bytes + prompts_.bytes > max_inline_bytes_) {
      move_to_files(prompts_);
    }
    page.inline_samples = std::move(samples_.kept);
    std::move(prompts_.kept.begin(), prompts_.kept.end(), std::back_inserter(page.inline_samples));
    // In the order of the report, not in that of the threads.
    std::sort(page.inline_samples.begin(), page.inline_samples.end(),
              [](const SampleFile& left, const SampleFile& right) { return left.key < right.key; });
    return samples_.in_files || prompts_.in_files;
  }

 private:
  struct Group {
    std::vector<SampleFile> kept;
    std::size_t bytes = 0;  ///< In all, those in files included up to the one that was too much.
    bool in_files = false;
  };

  void move_to_files(Group& group) const {
    create_folders(folder_);
    for (const SampleFile& file : group.kept) {
      write(file);
    }
    group.kept.clear();
    group.in_files = true;
  }

  void write(const SampleFile& file) const {
    write_file_atomically(folder_ / (file.key + ".js"), sample_script(report_id_, file));
  }

  std::filesystem::path folder_;
  std::string report_id_;
  std::size_t max_inline_bytes_;
  std::mutex mutex_;  ///< Guards what follows.
  Group samples_;
  Group prompts_;
};

}  // namespace

SampleFiles::SampleFiles(const Store& store, const Leaderboard& leaderboard,
                         const PageOptions& options)
    : store_(store) {
  for (std::size_t table = 0; table < leaderboard.tables.size(); ++table) {
    const LeaderboardTable& rows = leaderboard.tables[table];
    for (std::size_t task = 0; task < rows.tasks.size(); ++task) {
      Task& runs = tasks_.emplace_back();
      runs.key = "items-" + std::to_string(table) + "-" + std::to_string(task);
      runs.metrics = rows.main_metrics;
      for (const LeaderboardRow& row : rows.rows) {
        const auto run = row.runs.find(rows.tasks[task]);
        if (run != row.runs.end()) {
          runs.run_ids.push_back(run->second.run_id);
        }
      }
      runs.choice =
          choose_items(store, runs.run_ids, options.samples_per_task, options.prompts_per_task);
    }
  }
}

std::vector<std::string> SampleFiles::keys() const {
  std::vector<std::string> keys;
  for (const Task& task : tasks_) {
    keys.push_back(task.key);
    for (const std::int64_t run_id : task.run_ids) {
      keys.push_back(run_key(run_id));
      if (!task.choice.prompted_item_ids.empty()) {
        keys.push_back(prompt_key(run_id));
      }
    }
  }
  return keys;
}

std::optional<SampleFile> SampleFiles::make(std::string_view key) const {
  for (const Task& task : tasks_) {
    if (key == task.key) {
      return item_file(task.key, store_, task.run_ids, task.choice);
    }
    for (const std::int64_t run_id : task.run_ids) {
      if (key == run_key(run_id)) {
        return run_file(store_, run_id, task.choice, task.metrics);
      }
      if (key == prompt_key(run_id)) {
        return prompt_file(store_, run_id, task.choice);
      }
    }
  }
  return std::nullopt;
}

std::string sample_script(const std::string& report_id, const SampleFile& file) {
  return "crudbenchSamples(\"" + report_id + "\",\"" + file.key + "\"," + file.payload + ");\n";
}

std::filesystem::path write_report_page(const Store& store, const Leaderboard& leaderboard,
                                        const PageOptions& options,
                                        const std::filesystem::path& folder, Executor& executor) {
  std::filesystem::path path = folder / "report.html";
  write_report_page(store, leaderboard, report_overview(store, leaderboard), options, path,
                    executor);
  return path;
}

void write_report_page(const Store& store, const Leaderboard& leaderboard, Json overview,
                       const PageOptions& options, const std::filesystem::path& file,
                       Executor& executor) {
  const std::string data_folder = file.stem().string() + "_data";
  const std::filesystem::path data_path = file.parent_path() / data_folder;
  create_folders(file.parent_path());
  remove_data_files(data_path);
  ReportPage page{.overview = std::move(overview)};
  SampleKeeper keeper(data_path, page.overview.at("report_id").get<std::string>(),
                      options.max_inline_bytes);
  if (options.samples_per_task > 0) {
    const SampleFiles files(store, leaderboard, options);
    const std::vector<std::string> keys = files.keys();
    executor.run_all(keys.size(), [&](std::size_t i) {
      if (std::optional<SampleFile> made = files.make(keys[i])) {
        keeper.add(*std::move(made), is_prompt_key(keys[i]));
      }
    });
  }
  if (std::move(keeper).move_to(page)) {
    page.data_folder = data_folder;
  }
  write_file_atomically(file, page_html(page));
}

}  // namespace crudbench
