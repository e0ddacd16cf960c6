#include "harness/process/line_program.h"

#include <utility>

#include "harness/text/utf8.h"

namespace crudbench {

namespace {

using std::chrono::milliseconds;

milliseconds read_seconds(Options& options, std::string_view key, milliseconds default_value) {
  constexpr double kDay = 86'400.0;
  const double seconds =
      options.number(key, static_cast<double>(default_value.count()) / 1000.0, 0.01, kDay);
  return milliseconds(static_cast<milliseconds::rep>(seconds * 1000.0));
}

std::string_view class_of(LineProcess::Failure::Kind kind) noexcept {
  switch (kind) {
    case LineProcess::Failure::Kind::kTimeout:
      return "exec_timeout";
    case LineProcess::Failure::Kind::kTooLong:
      return "exec_malformed";
    case LineProcess::Failure::Kind::kCrashed:
      break;
  }
  return "exec_crashed";
}

}  // namespace

LineProgramOptions read_line_program_options(Options& options) {
  LineProgramOptions program;
  program.command = options.texts("command", {});
  if (program.command.empty() || program.command.front().empty()) {
    options.fail("command", "a list of texts: a program and its arguments");
  }
  for (const std::string& word : program.command) {
    if (word.find('\0') != std::string::npos) {
      options.fail("command", "texts without NUL");
    }
  }
  options.text("version", "");
  program.timeout = read_seconds(options, "timeout_s", program.timeout);
  program.start_timeout = read_seconds(options, "start_timeout_s", program.start_timeout);
  program.max_restarts = static_cast<std::size_t>(options.integer(
      "max_restarts", static_cast<std::int64_t>(program.max_restarts), 0, 1'000'000));
  return program;
}

std::vector<std::string> neutral_line_program_options() {
  return {"timeout_s", "start_timeout_s", "max_restarts"};
}

std::optional<LineProgram::Problem> LineProgram::ask(std::string_view line, std::string& answer) {
  const bool is_fresh = process_ == nullptr;
  if (is_fresh) {
    if (start_count_ > options_.max_restarts) {
      return Problem{.failure_class = last_problem_.failure_class,
                     .message = "after " + std::to_string(start_count_) +
                                " starts it is not started again: " + last_problem_.message};
    }
    process_ = std::make_unique<LineProcess>(options_.command);
    ++start_count_;
  }
  LineProcess::Answer received =
      process_->ask(line, is_fresh ? options_.start_timeout : options_.timeout);
  if (received.failure) {
    return give_up(std::string(class_of(received.failure->kind)), received.failure->message);
  }
  answer = std::move(received.line);
  return std::nullopt;
}

LineProgram::Problem LineProgram::give_up(std::string failure_class, const std::string& problem) {
  process_->kill();
  last_problem_ = {.failure_class = std::move(failure_class), .message = described(problem)};
  process_.reset();
  return last_problem_;
}

std::string LineProgram::described(const std::string& problem) const {
  const std::string errors = process_ == nullptr ? std::string() : process_->errors();
  return "'" + options_.command.front() + "': " + problem +
         (errors.empty() ? "" : "; standard error: " + errors);
}

std::string shown_line(std::string_view line) {
  constexpr std::size_t kLongest = 200;
  return replace_invalid_utf8(line.substr(0, kLongest)) + (line.size() > kLongest ? "…" : "");
}

}  // namespace crudbench
