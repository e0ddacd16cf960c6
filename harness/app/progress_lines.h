#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crudbench {

/// One run under way, as its line on the terminal has it.
struct RunBar {
  std::string title;  ///< "[3/50] bm25 top_k=4 · questanswer_1doc"
  std::int64_t done = 0;
  std::int64_t goal = 0;
  std::int64_t ok = 0;  ///< This and the next two: by this execution.
  std::int64_t failed = 0;
  std::int64_t cached = 0;
  std::int64_t completion_tokens = 0;
  /// Of the judging, where samples are judged and no longer generated.
  bool is_judging = false;
  std::int64_t done_now = 0;  ///< By this execution, in `seconds`.
  double seconds = 0.0;
  std::string money;  ///< "spent $0.10 saved $0.02"; empty where no price is known.
};

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// A line for each run, none longer than `size.columns`: title, bar and facts. Where that is too
/// much for the width, the less important facts go, then the bar, and the title is cut at its end.
/// At most half of the rows are taken (two at the least); then the last line tells how many runs
/// are not shown and how far they are together. Control characters in a title become blanks.
std::vector<std::string> progress_lines(std::span<const RunBar> bars, const TerminalSize& size);

/// "950/s", "3.4/s"; 0 in no time is "0.0/s".
std::string rate(double count, double seconds);

}  // namespace crudbench
