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
constexpr const char* kClearLine = "\r\x1b[K";

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
  if (live_) {  // A log line takes the bar's place; the next sample draws it anew.
    set_log_hooks({.before = [] { std::fputs(kClearLine, stderr); }});
  }
}

ProgressView::~ProgressView() {
  const std::lock_guard lock(mutex_);
  clear();
  if (live_) {
    set_log_hooks({});
  }
  if (!quiet_ && runs_skipped_ > 0) {
    log_info("run", std::to_string(runs_skipped_) + " runs were complete already");
  }
}

void ProgressView::run_started(const PlannedRun& run, std::size_t position, std::size_t run_count) {
  const std::lock_guard lock(mutex_);
  title_ = "[" + std::to_string(position + 1) + "/" + std::to_string(run_count) + "] " +
           cell_labels_[run.cell] + " · " + run.task;
  total_ = static_cast<std::int64_t>(run.sample_count);
  done_before_ = run.progress.ok + run.progress.failed;
  ok_ = failed_ = cached_ = completion_tokens_ = 0;
  judged_ = to_judge_ = 0;
  judging_since_.reset();
  started_ = Clock::now();
  if (live_ && done_before_ < total_) {
    draw();
  }
}

void ProgressView::sample_finished(const SampleRecord& sample) {
  const std::lock_guard lock(mutex_);
  ++(sample.failure ? failed_ : ok_);
  cached_ += sample.cached ? 1 : 0;
  has_prices_ = has_prices_ || sample.cost || sample.saved;
  spent_ += sample.cost.value_or(0.0);
  saved_ += sample.saved.value_or(0.0);
  completion_tokens_ +=
      sample.cached ? 0 : std::max<std::int64_t>(sample.usage.completion_tokens, 0);
  if (live_ && Clock::now() - drawn_ >= kRedrawInterval) {
    draw();
  }
}

void ProgressView::judging_started(const std::string& /*metric*/, std::size_t count) {
  const std::lock_guard lock(mutex_);
  judged_ = 0;
  to_judge_ = count;
  judging_since_ = Clock::now();
  if (count > 0 && !quiet_ && !live_) {
    log_info("judge", title_ + ": " + std::to_string(count) + " samples to judge");
  }
}

void ProgressView::sample_judged() {
  const std::lock_guard lock(mutex_);
  ++judged_;
  if (live_ && Clock::now() - drawn_ >= kRedrawInterval) {
    draw();
  }
}

void ProgressView::run_finished(const PlannedRun& run, const RunProgress& progress) {
  const std::lock_guard lock(mutex_);
  if (ok_ + failed_ == 0) {
    ++runs_skipped_;
    return;
  }
  if (quiet_) {
    return;
  }
  clear();
  const double seconds =
      std::chrono::duration<double>(judging_since_.value_or(Clock::now()) - started_).count();
  std::string line = title_ + ": " + std::to_string(progress.ok) + " ok";
  if (progress.failed > 0) {
    line += ", " + std::to_string(progress.failed) + " failed";
  }
  const auto missing = static_cast<std::int64_t>(run.sample_count) - progress.ok - progress.failed;
  if (missing > 0) {
    line += ", " + std::to_string(missing) + " not reached";
  }
  if (cached_ > 0) {
    line += ", " + std::to_string(cached_) + " from the cache";
  }
  line += " (" + rate(static_cast<double>(ok_ + failed_), seconds) + ")";
  log_info("run", line);
}

void ProgressView::draw() {
  const double seconds =
      std::chrono::duration<double>(Clock::now() - judging_since_.value_or(started_)).count();
  const bool is_judging = to_judge_ > 0;
  const std::int64_t done_now = is_judging ? static_cast<std::int64_t>(judged_) : ok_ + failed_;
  const std::int64_t done = is_judging ? done_now : done_before_ + done_now;
  const std::int64_t total = is_judging ? static_cast<std::int64_t>(to_judge_) : total_;
  std::string facts = std::to_string(done) + "/" + std::to_string(total);
  facts += is_judging ? "  judged  "
                      : "  ok " + std::to_string(ok_) + "  failed " + std::to_string(failed_) +
                            "  cached " + std::to_string(cached_) + "  ";
  facts += rate(static_cast<double>(done_now), seconds);
  if (completion_tokens_ > 0 && !is_judging) {
    facts += "  " + rate(static_cast<double>(completion_tokens_), seconds) + " tokens";
  }
  if (has_prices_) {
    facts += "  spent " + format_money(spent_, currency_);
    facts += saved_ > 0 ? " saved " + format_money(saved_, currency_) : "";
  }
  if (done_now > 0) {
    facts += "  ETA " +
             duration(seconds / static_cast<double>(done_now) * static_cast<double>(total - done));
  }
  constexpr std::size_t kBarColumns = 12;
  const std::size_t filled =
      total == 0 ? 0
                 : kBarColumns * static_cast<std::size_t>(done) / static_cast<std::size_t>(total);
  std::string bar;
  for (std::size_t i = 0; i < kBarColumns; ++i) {
    bar += i < filled ? "█" : "░";
  }
  const std::size_t columns = bar_columns() - 1;
  const std::size_t fixed = display_width(facts) + kBarColumns + 4;
  const std::string title = fit(title_, columns > fixed ? columns - fixed : 0);
  const std::string line = kClearLine + fit(title + "  " + bar + "  " + facts, columns);
  std::fwrite(line.data(), 1, line.size(), stderr);
  on_screen_ = true;
  drawn_ = Clock::now();
}

void ProgressView::clear() {
  if (on_screen_) {
    std::fputs(kClearLine, stderr);
    on_screen_ = false;
  }
}

}  // namespace crudbench
