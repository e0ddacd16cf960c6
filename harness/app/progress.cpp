#include "harness/app/progress.h"

#include <algorithm>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

#include "harness/core/log.h"
#include "harness/runner/prices.h"

namespace crudbench {

namespace {

constexpr std::chrono::milliseconds kRedrawInterval{100};

/// The bars on the terminal that stderr is: there is one of it, so the log, which knows nothing of
/// bars, can have them taken off.
class BarScreen {
 public:
  void show(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
      text += (text.empty() ? "" : "\n") + line;
    }
    const std::lock_guard lock(mutex_);
    text.insert(0, erasure());
    std::fwrite(text.data(), 1, text.size(), stderr);
    lines_ = lines.size();
  }
  void clear() {
    const std::lock_guard lock(mutex_);
    const std::string text = erasure();
    std::fwrite(text.data(), 1, text.size(), stderr);
    lines_ = 0;
  }

 private:
  /// What takes the lines off and leaves the cursor where the first stood.
  std::string erasure() const {
    std::string text;
    for (std::size_t i = 0; i < lines_; ++i) {
      text += i == 0 ? "\r\x1b[K" : "\x1b[A\x1b[K";
    }
    return text;
  }

  std::mutex mutex_;  ///< Guards `lines_` and what stands on the terminal.
  std::size_t lines_ = 0;
};

BarScreen& bar_screen() {
  static BarScreen screen;
  return screen;
}

/// Of the terminal that the bars stand on, which is stderr.
TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return {};
  }
  return {.columns = size.ws_col,
          .rows = size.ws_row > 0 ? std::size_t{size.ws_row} : TerminalSize{}.rows};
}

}  // namespace

ProgressView::ProgressView(std::vector<std::string> cell_labels, bool quiet, std::string currency)
    : cell_labels_(std::move(cell_labels)),
      quiet_(quiet),
      live_(!quiet && ::isatty(STDERR_FILENO) == 1),
      currency_(std::move(currency)) {
  if (live_) {  // A log line takes the bars' place; the next sample draws them anew.
    set_log_hooks({.before = [] { bar_screen().clear(); }});
  }
}

ProgressView::~ProgressView() {
  if (live_) {
    bar_screen().clear();
    set_log_hooks({});
  }
  if (!quiet_ && runs_skipped_ > 0) {
    log_info("run", std::to_string(runs_skipped_) +
                        (runs_skipped_ == 1 ? " run was" : " runs were") + " complete already");
  }
}

void ProgressView::run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) {
  const std::lock_guard lock(mutex_);
  bars_[run.fingerprint] = {.position = position,
                            .title = "[" + std::to_string(position + 1) + "/" +
                                     std::to_string(run_count) + "] " + cell_labels_[run.cell] +
                                     " · " + run.task,
                            .total = static_cast<std::int64_t>(run.sample_count),
                            .done_before = run.progress.ok + run.progress.failed,
                            .started = Clock::now()};
  draw_if_due();
}

void ProgressView::sample_finished(const PlannedRun& run, const SampleRecord& sample) {
  const std::lock_guard lock(mutex_);
  Bar& bar = bars_[run.fingerprint];
  ++(sample.failure ? bar.failed : bar.ok);
  bar.cached += sample.cached ? 1 : 0;
  has_prices_ = has_prices_ || sample.cost || sample.saved;
  spent_ += sample.cost.value_or(0.0);
  saved_ += sample.saved.value_or(0.0);
  bar.completion_tokens +=
      sample.cached ? 0 : std::max<std::int64_t>(sample.usage.completion_tokens, 0);
  draw_if_due();
}

void ProgressView::judging_started(const PlannedRun& run, const std::string& /*metric*/,
                                   std::size_t count) {
  std::string title;
  {
    const std::lock_guard lock(mutex_);
    Bar& bar = bars_[run.fingerprint];
    bar.judged = 0;
    bar.to_judge = count;
    bar.judging_since = Clock::now();
    title = bar.title;
  }
  if (count > 0 && !quiet_ && !live_) {
    log_info("judge", title + ": " + std::to_string(count) + " samples to judge");
  }
}

void ProgressView::sample_judged(const PlannedRun& run) {
  const std::lock_guard lock(mutex_);
  ++bars_[run.fingerprint].judged;
  draw_if_due();
}

void ProgressView::run_finished(const PlannedRun& run, const RunProgress& progress) {
  Bar bar;
  {
    const std::lock_guard lock(mutex_);
    bar = std::move(bars_[run.fingerprint]);
    bars_.erase(run.fingerprint);
    if (bar.ok + bar.failed == 0) {
      // A run may also end without a sample because the first request was refused.
      const auto goal = static_cast<std::int64_t>(run.sample_count);
      runs_skipped_ += progress.ok + progress.failed >= goal ? 1U : 0U;
      return;
    }
  }
  if (quiet_) {
    return;
  }
  const double seconds =
      std::chrono::duration<double>(bar.judging_since.value_or(Clock::now()) - bar.started).count();
  std::string line = bar.title + ": " + std::to_string(progress.ok) + " ok";
  if (progress.failed > 0) {
    line += ", " + std::to_string(progress.failed) + " failed";
  }
  const auto missing = static_cast<std::int64_t>(run.sample_count) - progress.ok - progress.failed;
  if (missing > 0) {
    line += ", " + std::to_string(missing) + " not reached";
  }
  if (bar.cached > 0) {
    line += ", " + std::to_string(bar.cached) + " from the cache";
  }
  line += " (" + rate(static_cast<double>(bar.ok + bar.failed), seconds) + ")";
  log_info("run", line);
}

void ProgressView::draw_if_due() {
  if (live_ && Clock::now() - drawn_ >= kRedrawInterval) {
    draw();
  }
}

void ProgressView::draw() {
  std::vector<const Bar*> bars;
  for (const auto& [fingerprint, bar] : bars_) {
    if (bar.done() < bar.goal()) {
      bars.push_back(&bar);
    }
  }
  std::sort(bars.begin(), bars.end(),
            [](const Bar* left, const Bar* right) { return left->position < right->position; });
  std::vector<RunBar> shown_bars;
  for (const Bar* bar : bars) {
    shown_bars.push_back(shown(*bar));
  }
  TerminalSize size = terminal_size();
  --size.columns;  // A full line would take the cursor to the next.
  bar_screen().show(progress_lines(shown_bars, size));
  drawn_ = Clock::now();
}

RunBar ProgressView::shown(const Bar& bar) const {
  RunBar shown{.title = bar.title,
               .done = bar.done(),
               .goal = bar.goal(),
               .ok = bar.ok,
               .failed = bar.failed,
               .cached = bar.cached,
               .completion_tokens = bar.completion_tokens,
               .is_judging = bar.to_judge > 0,
               .done_now = bar.done_now(),
               .seconds = std::chrono::duration<double>(Clock::now() -
                                                        bar.judging_since.value_or(bar.started))
                              .count()};
  if (has_prices_) {
    shown.money = "spent " + format_money(spent_, currency_);
    shown.money += saved_ > 0 ? " saved " + format_money(saved_, currency_) : "";
  }
  return shown;
}

}  // namespace crudbench
