#include <chrono>
#include <utility>

#include "harness/generators/builtin_generators.h"
#include "harness/generators/endpoint_reply.h"
#include "harness/generators/external_reply.h"
#include "harness/process/line_program.h"
#include "harness/text/utf8.h"

namespace crudbench {

namespace {

struct ExecOptions {
  LineProgramOptions program;
  bool tells_contexts = false;
};

ExecOptions parse_options(Options& options) {
  ExecOptions parsed{.program = read_line_program_options(options)};
  options.text("model", "");  // A name for tables and prices.
  if (options.raw("contexts").is_null()) {
    options.record("contexts", nullptr);
  } else {
    parsed.tells_contexts = true;
    if (options.text("contexts") != "/contexts") {
      options.fail("contexts", "\"/contexts\", or nothing");
    }
  }
  return parsed;
}

/// A program of the user's own that speaks JSON lines: {"id", "sample_id", "task", "query",
/// "prompt", "passages"} on its standard input, {"id", "answer"[, "contexts"][, "usage"]} or {"id",
/// "error"} on its standard output, one answer to each question in turn. It is started again after
/// it crashed, was too slow or answered out of step.
///
/// Fingerprints hold the command and the option "version", not the content of any file: whoever
/// changes the program changes its version.
class ExecGenerator final : public Generator {
 public:
  explicit ExecGenerator(ExecOptions options)
      : program_(std::move(options.program)), tells_contexts_(options.tells_contexts) {}

  void generate(PromptSource& source, ReplySink& sink, std::stop_token stop) override {
    constexpr std::chrono::milliseconds kIdleWait{100};
    Prompt prompt;
    while (!stop.stop_requested()) {
      const PromptSource::Status status = source.next(prompt, kIdleWait);
      if (status == PromptSource::Status::kEnd) {
        return;
      }
      if (status == PromptSource::Status::kPrompt && !stop.stop_requested()) {
        sink.accept(prompt.ticket, answer(prompt));
      }
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  Reply answer(const Prompt& prompt) {
    const Clock::time_point begin = Clock::now();
    Reply reply = ask(prompt);
    reply.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    reply.attempts = {{.failure = reply.failure, .seconds = reply.seconds}};
    return reply;
  }

  Reply ask(const Prompt& prompt) {
    const std::string id = std::to_string(++question_count_);
    std::string line;
    if (const auto problem = program_.ask(to_text({{"id", id},
                                                   {"sample_id", prompt.sample_id},
                                                   {"task", prompt.task},
                                                   {"query", prompt.query},
                                                   {"prompt", prompt.text},
                                                   {"passages", prompt.passages}}),
                                          line)) {
      return failed(*problem);
    }
    const Json answer = Json::parse(line, nullptr, false);
    if (!answer.is_object() || answer.value("id", Json()) != Json(id)) {
      return failed(program_.give_up(
          "exec_malformed",
          "the answer is no JSON object with the question's \"id\": " + shown_line(line)));
    }
    return read(answer, line);
  }

  Reply read(const Json& answer, const std::string& line) const {
    if (const Json& error = member_of(answer, "error"); error.is_string()) {
      return failed({"exec_failed", program_.described(shown_line(error.get<std::string>()))});
    }
    const Json& text = member_of(answer, "answer");
    if (!text.is_string()) {
      return failed({"exec_malformed",
                     program_.described("expected a text \"answer\": " + shown_line(line))});
    }
    Reply reply{.text = text.get<std::string>(), .usage = read_usage(member_of(answer, "usage"))};
    if (tells_contexts_) {
      reply.contexts = read_external_contexts(member_of(answer, "contexts"), "text", "doc_id");
      if (!reply.contexts) {
        return failed({"exec_malformed",
                       program_.described("expected a list \"contexts\": " + shown_line(line))});
      }
    }
    if (strip(reply.text).empty()) {
      reply.failure = generation_failure("empty", "the answer is blank");
    }
    return reply;
  }

  static Reply failed(const LineProgram::Problem& problem) {
    return {.failure = generation_failure(problem.failure_class, problem.message)};
  }

  LineProgram program_;
  bool tells_contexts_;
  std::uint64_t question_count_ = 0;
};

}  // namespace

void check_exec_generator(Options& options) {
  static_cast<void>(parse_options(options));
}

std::unique_ptr<Generator> make_exec_generator(Options& options, const GeneratorParts& /*parts*/) {
  return std::make_unique<ExecGenerator>(parse_options(options));
}

}  // namespace crudbench
