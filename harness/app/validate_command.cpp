#include <algorithm>
#include <map>
#include <optional>

#include "harness/app/commands.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/generators/generator.h"
#include "harness/runner/builtin_catalog.h"
#include "harness/runner/plan.h"
#include "harness/runner/scorer.h"
#include "harness/tasks/prompt_template.h"
#include "metrics/question_bank.h"
#include "reports/safe_text.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    kSetOption,
    kThreadsOption,
    {"offline", "", "do not ask endpoints whether they answer"},
};

constexpr CommandSpec kSpec{
    .name = "validate",
    .arguments = "CONFIG",
    .summary = "Check configuration, prompts, data health (bad rows by id) and endpoints.",
    .min_positionals = 1,
    .max_positionals = 1,
    .options = kOptions,
    .examples =
        "  crudbench validate configs/experiments/sample.json\n"
        "  crudbench validate my.json --offline --json\n"};

/// One short prompt.
class SinglePrompt final : public PromptSource {
 public:
  Status next(Prompt& prompt, std::chrono::milliseconds /*wait*/) override {
    if (taken_) {
      return Status::kEnd;
    }
    taken_ = true;
    prompt = {.text = "请只回复一个字：好"};
    return Status::kPrompt;
  }

 private:
  bool taken_ = false;
};

class SingleReply final : public ReplySink {
 public:
  void accept(std::size_t /*ticket*/, Reply reply) override { reply_ = std::move(reply); }
  const std::optional<Reply>& reply() const noexcept { return reply_; }

 private:
  std::optional<Reply> reply_;
};

/// Whether a generator answers at all: nullopt, or what it said instead.
std::optional<Failure> preflight(const Json& generator, Executor& executor) {
  SinglePrompt source;
  SingleReply sink;
  builtin_catalog()
      .generators.build(generator, GeneratorParts{.executor = executor})
      ->generate(source, sink, std::stop_token());
  if (!sink.reply()) {
    return Failure{.failure_class = "no_reply", .message = "the generator gave no reply"};
  }
  return sink.reply()->failure;
}

/// The costly generators and judges of an experiment, each once, and how they answered.
Json check_endpoints(const Experiment& experiment, Executor& executor) {
  Json endpoints = Json::array();
  for (const Json& generator : costly_generators(experiment, builtin_catalog())) {
    Json result = {{"generator", generator}, {"ok", true}};
    if (const auto failure = preflight(generator, executor)) {
      result["ok"] = false;
      result["class"] = failure->failure_class;
      result["message"] = failure->message;
    }
    endpoints.push_back(std::move(result));
  }
  return endpoints;
}

/// The question banks of an experiment, task by task, and how far they go.
Json check_banks(const Experiment& experiment, const Dataset& dataset,
                 const std::vector<std::string>& tasks) {
  Json banks = Json::array();
  for (const Json& metric : experiment.metrics) {
    if (!is_judged(metric, builtin_catalog()) || !metric.contains("bank") ||
        !metric.at("bank").is_string()) {
      continue;
    }
    for (const std::string& task : tasks) {
      const std::filesystem::path file = bank_file(metric.at("bank").get<std::string>(), task);
      Json entry = {{"task", task}, {"file", file.string()}};
      if (!file.empty()) {
        const QuestionBank bank(file);
        const BankHealth& health = bank.health();
        std::size_t samples = 0;
        std::size_t covered = 0;
        for (const std::size_t position : samples_of(dataset, task)) {
          ++samples;
          covered += bank.find(dataset.samples[position].sample_id) != nullptr ? 1 : 0;
        }
        entry.update({{"entries", health.entries},
                      {"empty", health.empty},
                      {"unequal", health.unequal},
                      {"without_answer", health.without_answer},
                      {"unanswerable", health.unanswerable},
                      {"malformed", health.malformed},
                      {"usable", health.usable()},
                      {"questions", health.questions},
                      {"unanswerable_questions", health.unanswerable_questions},
                      {"samples", samples},
                      {"samples_with_entry", covered}});
      }
      banks.push_back(std::move(entry));
    }
  }
  return banks;
}

std::string banks_text(const Json& banks) {
  std::string text;
  for (const Json& bank : banks) {
    const auto count = [&bank](const char* key) { return to_text(bank.at(key)); };
    text += "  " + bank.at("task").get<std::string>() + ": ";
    text += !bank.contains("entries")
                ? "no bank\n"
                : count("entries") + " entries, " + count("usable") + " usable; " + count("empty") +
                      " empty, " + count("unequal") + " with unequal lists (" +
                      count("without_answer") + " without any answer), " + count("unanswerable") +
                      " unanswerable throughout, " + count("malformed") + " malformed; " +
                      count("questions") + " questions, " + count("unanswerable_questions") +
                      " unanswerable; " + count("samples_with_entry") + " of " + count("samples") +
                      " samples have an entry\n";
  }
  return text.empty() ? "" : "question banks:\n" + text;
}

Json health_json(const Dataset& dataset) {
  Json issues = Json::array();
  for (const HealthIssue& issue : dataset.issues) {
    issues.push_back({{"problem", issue.problem},
                      {"where", issue.where},
                      {"detail", issue.detail},
                      {"excluded", issue.excluded}});
  }
  return {{"knowledge_base_mode", dataset.knowledge_base_mode},
          {"samples", dataset.samples.size()},
          {"records", dataset.record_counts},
          {"excluded", dataset.excluded_counts},
          {"documents", dataset.corpus.size()},
          {"duplicate_documents", dataset.corpus.duplicate_count()},
          {"added_gold_documents", dataset.added_gold_document_count},
          {"corpus_lines", dataset.corpus_line_count},
          {"excluded_corpus_lines", dataset.corpus_excluded_count},
          {"issues", std::move(issues)}};
}

std::string health_text(const Dataset& dataset) {
  std::string text;
  for (const auto& [task, count] : dataset.record_counts) {
    const auto excluded = dataset.excluded_counts.find(task);
    text += "  " + task + ": " + std::to_string(count) + " records, " +
            std::to_string(excluded == dataset.excluded_counts.end() ? 0 : excluded->second) +
            " excluded\n";
  }
  text += "  corpus: " + std::to_string(dataset.corpus.size()) + " documents, " +
          std::to_string(dataset.corpus.duplicate_count()) + " exact duplicates, " +
          std::to_string(dataset.added_gold_document_count) + " added gold documents, " +
          std::to_string(dataset.corpus_excluded_count) + " lines excluded\n";
  constexpr std::size_t kMostOfAKind = 20;
  std::map<std::string, std::size_t> counts;  // by problem
  for (const HealthIssue& issue : dataset.issues) {
    if (++counts[issue.problem] > kMostOfAKind) {
      continue;
    }
    text += std::string(issue.excluded ? "  excluded  " : "  note      ") + issue.problem + "  " +
            printable_line(issue.where) + ": " + printable_line(issue.detail) + "\n";
  }
  for (const auto& [problem, count] : counts) {
    if (count > kMostOfAKind) {
      text += "  " + problem + ": " + std::to_string(count - kMostOfAKind) +
              " more; --json lists them all\n";
    }
  }
  return text;
}

ExitCode run(const Arguments& arguments) {
  const Experiment experiment = experiment_of(arguments);
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  const Dataset dataset = read_dataset(experiment, *pool);
  const Workspace workspace = workspace_of(arguments);
  const KnowledgeBase knowledge_base(workspace.knowledge_base_folder(), dataset.corpus,
                                     dataset.corpus_fingerprint, builtin_catalog(), *pool);
  const Plan plan = make_plan(experiment, dataset, builtin_catalog(), knowledge_base, nullptr);
  metric_fingerprints(experiment.metrics, builtin_catalog());  // Reads banks and judges' prompts.
  const Json banks = check_banks(experiment, dataset, plan.tasks);
  const Json endpoints =
      arguments.has("offline") ? Json::array() : check_endpoints(experiment, *pool);
  const bool all_answer = std::all_of(endpoints.begin(), endpoints.end(), [](const Json& endpoint) {
    return endpoint.at("ok").get<bool>();
  });
  if (arguments.has("json")) {
    print_json({{"experiment", experiment.name},
                {"cells", experiment.cells.size()},
                {"runs", plan.runs.size()},
                {"data", health_json(dataset)},
                {"question_banks", banks},
                {"endpoints", endpoints}});
  } else {
    std::string text = "configuration: " + std::to_string(experiment.cells.size()) + " cells x " +
                       std::to_string(plan.tasks.size()) + " tasks\ndata:\n" +
                       health_text(dataset) + banks_text(banks);
    for (const Json& endpoint : endpoints) {
      const Json& generator = endpoint.at("generator");
      text += "endpoint " +
              printable_line(generator.value("base_url", generator.value("model", ""))) + ": " +
              (endpoint.at("ok").get<bool>()
                   ? "answers"
                   : endpoint.at("class").get<std::string>() + ": " +
                         printable_line(endpoint.at("message").get<std::string>())) +
              "\n";
    }
    print(text);
  }
  return all_answer ? ExitCode::kDone : ExitCode::kFailures;
}

}  // namespace

const Command kValidateCommand{kSpec, run};

}  // namespace crudbench
