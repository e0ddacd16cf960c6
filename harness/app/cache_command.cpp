#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/store/completion_file.h"

namespace crudbench {

namespace {

constexpr CommandSpec kSpec{
    .name = "cache",
    .arguments = "stats | export FILE | import FILE",
    .summary = "The completion cache: what it holds, to a file, from a file.",
    .min_positionals = 1,
    .max_positionals = 2,
    .examples =
        "  crudbench cache stats --workspace results\n"
        "  crudbench cache export answers.jsonl --workspace results\n"
        "  crudbench cache import answers.jsonl --workspace elsewhere\n"};

ExitCode print_result(const Arguments& arguments, const Json& result, const std::string& text) {
  if (arguments.has("json")) {
    print_json(result);
  } else {
    print(text + "\n");
  }
  return ExitCode::kDone;
}

ExitCode show_stats(const Arguments& arguments) {
  const Store store(workspace_of(arguments), Database::Mode::kReadOnly);
  const CompletionTotals totals = store.completion_totals();
  std::string text =
      std::to_string(totals.count) + " answers, " + std::to_string(totals.text_bytes) + " bytes";
  const PromptTotals prompts = store.prompt_totals();
  if (totals.count > 0) {
    text += ", " + std::to_string(totals.usage.prompt_tokens) + " prompt tokens, " +
            std::to_string(totals.usage.completion_tokens) + " completion tokens\nfrom " +
            totals.oldest + " to " + totals.newest;
  }
  text += "\n" + std::to_string(prompts.count) + " prompts kept, " +
          std::to_string(prompts.packed_bytes) + " bytes packed";
  return print_result(arguments,
                      {{"answers", totals.count},
                       {"text_bytes", totals.text_bytes},
                       {"prompt_tokens", totals.usage.prompt_tokens},
                       {"cached_prompt_tokens", totals.usage.cached_prompt_tokens},
                       {"completion_tokens", totals.usage.completion_tokens},
                       {"seconds", totals.seconds},
                       {"oldest", totals.oldest},
                       {"newest", totals.newest},
                       {"prompts", prompts.count},
                       {"prompt_packed_bytes", prompts.packed_bytes}},
                      text);
}

ExitCode export_file(const Arguments& arguments, const std::string& file) {
  const Store store(workspace_of(arguments), Database::Mode::kReadOnly);
  const std::size_t count = export_completions(store, file);
  return print_result(arguments, {{"file", file}, {"answers", count}},
                      std::to_string(count) + " answers written to " + file);
}

ExitCode import_file(const Arguments& arguments, const std::string& file) {
  const Workspace workspace = workspace_of(arguments);
  const WorkspaceLock lock(workspace);
  Store store(workspace, Database::Mode::kReadWrite);
  const ImportCount count = import_completions(store, file);
  return print_result(arguments, {{"file", file}, {"answers", count.read}, {"added", count.added}},
                      std::to_string(count.read) + " answers read, " + std::to_string(count.added) +
                          " of them new");
}

ExitCode run(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  const std::string& action = words.front();
  if (action == "stats" && words.size() == 1) {
    return show_stats(arguments);
  }
  if ((action == "export" || action == "import") && words.size() == 2) {
    return action == "export" ? export_file(arguments, words[1]) : import_file(arguments, words[1]);
  }
  throw Error(ErrorCode::kInvalidConfig, "cache: expected 'stats', 'export FILE' or 'import FILE'");
}

}  // namespace

const Command kCacheCommand{kSpec, run};

}  // namespace crudbench
