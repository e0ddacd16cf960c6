#include "harness/serve/live_pages.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>
#include <vector>

#include "harness/core/error.h"
#include "reports/leaderboard.h"
#include "reports/renderers.h"

namespace crudbench {

// The files of harness/serve/page, compiled in by crudbench_embed_text.
std::string_view live_page_html();
std::string_view live_page_css();
std::string_view live_page_js();

namespace {

/// The overview loads its own files and listens to its own server, nothing else.
constexpr const char* kOverviewPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The report has a policy of its own inside; this one adds what only a header can say.
constexpr const char* kReportPolicy =
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
constexpr std::string_view kReportPages[] = {"report.html", "leaderboard.md", "leaderboard.csv",
                                             "leaderboard.json", "leaderboard.tex"};
constexpr const char* kNothingPolicy = "default-src 'none'; frame-ancestors 'none'";

bool is_report_page(std::string_view path) {
  return std::find(std::begin(kReportPages), std::end(kReportPages), path) !=
         std::end(kReportPages);
}

ServedPage text_page(std::string content, std::string_view type) {
  return {.content_type = "text/" + std::string(type) + "; charset=utf-8",
          .content = std::move(content),
          .content_security_policy = kNothingPolicy};
}

ServedPage json_page(const Json& value) {
  return {.content_type = "application/json; charset=utf-8",
          .content = to_text(value),
          .content_security_policy = kNothingPolicy};
}

}  // namespace

LivePages::LivePages(Workspace workspace, std::optional<std::string> experiment, Executor& executor)
    : workspace_(std::move(workspace)), experiment_(std::move(experiment)), executor_(executor) {}

std::optional<ServedPage> LivePages::page(std::string_view path) {
  if (path.empty()) {
    ServedPage overview = text_page(std::string(live_page_html()), "html");
    overview.content_security_policy = kOverviewPolicy;
    return overview;
  }
  if (path == "live.css") {
    return text_page(std::string(live_page_css()), "css");
  }
  if (path == "live.js") {
    return text_page(std::string(live_page_js()), "javascript");
  }
  if (path == "status.json") {
    ServedPage status = json_page(Json());
    status.content = state();
    return status;
  }
  constexpr std::string_view kSamples = "report_data/";
  static_assert(kSamples.substr(0, kSamples.size() - 1) == kSampleFolder);
  if (path.starts_with(kSamples)) {
    return samples(path.substr(kSamples.size()));
  }
  const Store* open_store = is_report_page(path) ? store() : nullptr;
  if (open_store == nullptr) {
    return std::nullopt;
  }
  const std::lock_guard lock(report_mutex_);
  update_report(*open_store);
  const auto found = report_.find(path);
  return found != report_.end() ? std::optional(found->second) : std::nullopt;
}

std::string LivePages::state() {
  const Store* open_store = store();
  const std::lock_guard lock(status_mutex_);
  return to_text(open_store != nullptr ? status_.read(*open_store, LiveStatus::Clock::now())
                                       : Json{{"runs", Json::array()}});
}

const Store* LivePages::store() {
  const std::lock_guard lock(store_mutex_);
  if (!store_ && std::filesystem::exists(workspace_.database_file())) {
    try {
      store_.emplace(workspace_, Database::Mode::kReadOnly);
    } catch (const Error&) {
      return nullptr;  // Being made at this moment; what is wrong for good was said at the start.
    }
  }
  return store_ ? &*store_ : nullptr;
}

std::optional<ServedPage> LivePages::samples(std::string_view name) {
  constexpr std::string_view kEnding = ".js";
  const std::lock_guard lock(report_mutex_);
  if (!sample_files_ || !name.ends_with(kEnding)) {
    return std::nullopt;
  }
  const auto file = sample_files_->make(name.substr(0, name.size() - kEnding.size()));
  return file ? std::optional(text_page(sample_script(report_id_, *file), "javascript"))
              : std::nullopt;
}

void LivePages::update_report(const Store& store) {
  const std::int64_t version = store.data_version();
  if (version == report_version_) {
    return;
  }
  report_.clear();
  sample_files_.reset();
  const std::vector<std::string> known = store.experiments();
  if (!experiment_ || std::find(known.begin(), known.end(), *experiment_) != known.end()) {
    const Leaderboard leaderboard =
        build_leaderboard(store, {.experiment = experiment_}, executor_);
    Json overview = report_overview(store, leaderboard);
    report_id_ = overview.at("report_id").get<std::string>();
    // Made when they are asked for, so there is room for all prompts.
    const std::size_t limit = PageOptions().samples_per_task;
    sample_files_.emplace(store, leaderboard,
                          PageOptions{.samples_per_task = limit, .prompts_per_task = limit});
    ServedPage page = text_page(
        page_html({.overview = std::move(overview), .data_folder = kSampleFolder}), "html");
    page.content_security_policy = kReportPolicy;
    report_.emplace("report.html", std::move(page));
    report_.emplace("leaderboard.md", text_page(leaderboard_markdown(leaderboard), "plain"));
    report_.emplace("leaderboard.csv", text_page(leaderboard_csv(leaderboard), "csv"));
    report_.emplace("leaderboard.tex", text_page(leaderboard_latex(leaderboard), "plain"));
    report_.emplace("leaderboard.json", json_page(leaderboard_json(leaderboard)));
  }
  report_version_ = version;
}

}  // namespace crudbench
