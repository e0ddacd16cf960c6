#include "harness/app/progress_lines.h"

#include <algorithm>
#include <locale>
#include <sstream>

#include "harness/text/utf8.h"

namespace crudbench {

namespace {

constexpr std::size_t kBarColumns = 12;
constexpr std::string_view kGap = "  ";

/// Something to tell beside the title.
struct Fact {
  std::string text;
  int weight = 0;  ///< Those of the least go first where the line is too long.
};

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

/// As much of `text` as fits into `columns`; "…" stands for what does not.
std::string fit(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) {
    return std::string(text);
  }
  std::string fitted;
  std::size_t used = 1;
  for (std::size_t offset = 0; offset < text.size();) {
    const std::size_t size = decode_at(text, offset).size_bytes;
    const std::string_view character = text.substr(offset, size);
    used += display_width(character);
    if (used > columns) {
      break;
    }
    fitted += character;
    offset += size;
  }
  return columns == 0 ? "" : fitted + "…";
}

/// `text` on one line: labels come from the user's file.
std::string on_one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; },
      ' ');
  return text;
}

std::string blocks(const RunBar& bar) {
  const std::int64_t goal = std::max<std::int64_t>(bar.goal, 1);
  const auto filled = static_cast<std::size_t>(std::clamp<std::int64_t>(bar.done, 0, goal)) *
                      kBarColumns / static_cast<std::size_t>(goal);
  std::string text;
  for (std::size_t i = 0; i < kBarColumns; ++i) {
    text += i < filled ? "█" : "░";
  }
  return text;
}

/// In their order on the line.
std::vector<Fact> facts_of(const RunBar& bar) {
  constexpr int kAlways = 100;
  const std::string done = std::to_string(bar.done) + "/" + std::to_string(bar.goal);
  std::vector<Fact> facts{{blocks(bar), 3}, {done, kAlways}};
  if (bar.is_judging) {
    facts.push_back({"judged", 6});
  } else {
    facts.push_back({"ok " + std::to_string(bar.ok), 2});
    facts.push_back({"failed " + std::to_string(bar.failed), bar.failed > 0 ? 8 : 2});
    facts.push_back({"cached " + std::to_string(bar.cached), 1});
  }
  facts.push_back({rate(static_cast<double>(bar.done_now), bar.seconds), 4});
  if (bar.completion_tokens > 0 && !bar.is_judging) {
    facts.push_back({rate(static_cast<double>(bar.completion_tokens), bar.seconds) + " tokens", 0});
  }
  if (!bar.money.empty()) {
    facts.push_back({bar.money, 5});
  }
  if (bar.done_now > 0) {
    facts.push_back({"ETA " + duration(bar.seconds / static_cast<double>(bar.done_now) *
                                       static_cast<double>(bar.goal - bar.done)),
                     7});
  }
  return facts;
}

std::size_t width_of(const std::vector<Fact>& facts) {
  std::size_t width = 0;
  for (const Fact& fact : facts) {
    width += kGap.size() + display_width(fact.text);
  }
  return width;
}

std::string line_of(const RunBar& bar, std::size_t columns) {
  // Room for "[12/50] " and some characters that tell one cell from the next.
  constexpr std::size_t kTitleColumns = 18;
  const std::string title = on_one_line(bar.title);
  const std::size_t title_columns = std::min(display_width(title), kTitleColumns);
  std::vector<Fact> facts = facts_of(bar);
  while (facts.size() > 1 && title_columns + width_of(facts) > columns) {
    facts.erase(std::min_element(
        facts.begin(), facts.end(),
        [](const Fact& left, const Fact& right) { return left.weight < right.weight; }));
  }
  const std::size_t width = width_of(facts);
  std::string line = fit(title, columns > width ? columns - width : 0);
  for (const Fact& fact : facts) {
    line += kGap;
    line += fact.text;
  }
  return fit(line, columns);
}

std::string line_of_rest(std::span<const RunBar> bars, std::size_t columns) {
  std::int64_t done = 0;
  std::int64_t goal = 0;
  for (const RunBar& bar : bars) {
    done += bar.done;
    goal += bar.goal;
  }
  return fit("… and " + std::to_string(bars.size()) + " more  " + std::to_string(done) + "/" +
                 std::to_string(goal),
             columns);
}

}  // namespace

std::vector<std::string> progress_lines(std::span<const RunBar> bars, const TerminalSize& size) {
  const std::size_t most = std::max<std::size_t>(size.rows / 2, 2);
  const std::size_t shown = bars.size() <= most ? bars.size() : most - 1;
  std::vector<std::string> lines;
  for (const RunBar& bar : bars.first(shown)) {
    lines.push_back(line_of(bar, size.columns));
  }
  if (shown < bars.size()) {
    lines.push_back(line_of_rest(bars.subspan(shown), size.columns));
  }
  return lines;
}

std::string rate(double count, double seconds) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  const double per_second = seconds > 0 ? count / seconds : 0.0;
  text.precision(per_second >= 100 ? 0 : 1);
  text << std::fixed << per_second << "/s";
  return text.str();
}

}  // namespace crudbench
