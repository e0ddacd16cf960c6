#include <charconv>
#include <cmath>
#include <optional>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "reports/regression.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"max-drop", "METRIC=POINTS",
     "check this metric, and allow it to fall by so many points, per cent for shares (default: "
     "the main metrics, no drop)",
     true},
    {"alpha", "LEVEL", "level of the test over all lines (default: 0.05)"},
    {"experiment", "NAME", "only the runs of this experiment, in both"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "check",
    .arguments = "BASELINE NEW",
    .summary = "Compare a workspace with a baseline; exit code 6 if a metric is worse.",
    .min_positionals = 2,
    .max_positionals = 2,
    .options = kOptions,
    .examples =
        "  crudbench check baseline workspace --max-drop bleu=0.5 --alpha 0.05\n"
        "  crudbench check baseline workspace --json\n"};

/// A finite number of at least 0. Throws Error(kInvalidConfig).
double parse_number(const std::string& text, const std::string& option, double largest) {
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto [stopped_at, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stopped_at != end || !std::isfinite(value) || value < 0.0 ||
      value > largest) {
    throw Error(ErrorCode::kInvalidConfig, option + ": expected a number from 0 to " +
                                               std::to_string(static_cast<int>(largest)) +
                                               ", found '" + text + "'");
  }
  return value;
}

RegressionOptions read_options(const Arguments& arguments) {
  constexpr double kLargestDrop = 1e6;
  RegressionOptions options{
      .max_drops = {}, .experiment = arguments.value("experiment"), .resampling = {}};
  for (const std::string& text : arguments.all("max-drop")) {
    const auto equals = text.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorCode::kInvalidConfig,
                  "--max-drop: expected METRIC=POINTS such as bleu=0.5, found '" + text + "'");
    }
    options.max_drops[text.substr(0, equals)] =
        parse_number(text.substr(equals + 1), "--max-drop", kLargestDrop);
  }
  if (const auto alpha = arguments.value("alpha")) {
    options.alpha = parse_number(*alpha, "--alpha", 1.0);
  }
  return options;
}

ExitCode run(const Arguments& arguments) {
  const RegressionOptions options = read_options(arguments);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Store baseline({.folder = arguments.positionals()[0]}, Database::Mode::kReadOnly);
  const Store candidate({.folder = arguments.positionals()[1]}, Database::Mode::kReadOnly);
  const RegressionCheck check = check_regression(baseline, candidate, options, *pool);
  if (arguments.has("json")) {
    print_json(regression_json(check));
  } else {
    print(regression_terminal(check, use_colours()));
  }
  return check.has_regression ? ExitCode::kWorse : ExitCode::kDone;
}

}  // namespace

const Command kCheckCommand{kSpec, run};

}  // namespace crudbench
