#include "harness/app/progress.h"

#include <algorithm>
#include <cstdio>
#include <locale>
#include <sstream>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

#include "harness/core/log.h"
#include "harness/runner/prices.h"
#include "harness/text/utf8.h"

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

/// Of the terminal that the bar stands on, which is stderr.
std::size_t bar_columns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

/// "950/s", "3.4/s".
std::string rate(double count, double seconds) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  const double per_second = seconds > 0 ? count / seconds : 0.0;
  text.precision(per_second >= 100 ? 0 : 1);
  text << std::fixed << per_second << "/s";
  return text.str();
}

/// "8 s", "3:20", "2:05:00".
std::string duration(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  const auto two_digits = [](long long value) {
    return (value < 10 ? "0" : "") + std::to_string(value);
  };
  if (whole < 60) {
    return std::to_string(whole) + " s";
  }
  if (whole < 3600) {
    return std::to_string(whole / 60) + ":" + two_digits(whole % 60);
  }
  return std::to_string(whole / 3600) + ":" + two_digits(whole / 60 % 60) + ":" +
         two_digits(whole % 60);
}

/// As much of `text` as fits into `columns`.
std::string fit(const std::string& text, std::size_t columns) {
  std::string fitted;
  std::size_t used = 0;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t size = decode_at(text, offset).size_bytes;
    const std::string_view character = std::string_view(text).substr(offset, size);
    used += display_width(character);
    if (used > columns) {
      break;
    }
    fitted += character;
    offset += size;
  }
  return fitted;
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
    log_info("run", std::to_string(runs_skipped_) + " runs were complete already");
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
      ++runs_skipped_;
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
  std::vector<std::string> lines;
  for (const Bar* bar : bars) {
    lines.push_back(line_of(*bar, bar_columns() - 1));
  }
  bar_screen().show(lines);
  drawn_ = Clock::now();
}

std::string ProgressView::line_of(const Bar& bar, std::size_t columns) const {
  constexpr std::size_t kBarColumns = 12;
  const std::string facts = facts_of(bar);
  const std::size_t filled = kBarColumns * static_cast<std::size_t>(bar.done()) /
                             static_cast<std::size_t>(std::max<std::int64_t>(bar.goal(), 1));
  std::string blocks;
  for (std::size_t i = 0; i < kBarColumns; ++i) {
    blocks += i < filled ? "█" : "░";
  }
  const std::size_t fixed = display_width(facts) + kBarColumns + 4;
  const std::string title = fit(bar.title, columns > fixed ? columns - fixed : 0);
  return fit(title + "  " + blocks + "  " + facts, columns);
}

std::string ProgressView::facts_of(const Bar& bar) const {
  const double seconds =
      std::chrono::duration<double>(Clock::now() - bar.judging_since.value_or(bar.started)).count();
  const bool is_judging = bar.to_judge > 0;
  const std::int64_t done_now = bar.done_now();
  std::string facts = std::to_string(bar.done()) + "/" + std::to_string(bar.goal());
  facts += is_judging
               ? "  judged  "
               : "  ok " + std::to_string(bar.ok) + "  failed " + std::to_string(bar.failed) +
                     "  cached " + std::to_string(bar.cached) + "  ";
  facts += rate(static_cast<double>(done_now), seconds);
  if (bar.completion_tokens > 0 && !is_judging) {
    facts += "  " + rate(static_cast<double>(bar.completion_tokens), seconds) + " tokens";
  }
  if (has_prices_) {
    facts += "  spent " + format_money(spent_, currency_);
    facts += saved_ > 0 ? " saved " + format_money(saved_, currency_) : "";
  }
  if (done_now > 0) {
    facts += "  ETA " + duration(seconds / static_cast<double>(done_now) *
                                 static_cast<double>(bar.goal() - bar.done()));
  }
  return facts;
}

}  // namespace crudbench
