#include <algorithm>

#include "harness/app/commands.h"
#include "harness/app/model_report.h"
#include "harness/app/session.h"
#include "harness/core/error.h"
#include "harness/llama/backend.h"
#include "harness/llama/llama_service.h"
#include "harness/llama/model_bench.h"
#include "harness/process/apart.h"
#include "reports/safe_text.h"
#include "reports/text_table.h"

namespace crudbench {

namespace {

constexpr OptionSpec kOptions[]{
    {"context", "N",
     "inspect: tokens of one sequence (default: 4096, at most what it was trained on)"},
    {"parallel", "N", "sequences at a time (default: inspect 1; bench up to 8)"},
    {"kv-type", "TYPE", "inspect: type of the cache of keys and values (default: f16)"},
    {"steps", "N", "bench: tokens to decode for each number of sequences (default: 32)"},
    kThreadsOption,
};

constexpr CommandSpec kSpec{
    .name = "model",
    .arguments = "inspect|bench FILE",
    .summary = "What a GGUF model is and needs (experts, memory); how fast it is on this machine.",
    .min_positionals = 2,
    .max_positionals = 2,
    .options = kOptions,
    .examples =
        "  crudbench model inspect qwen3-30b-a3b-q4_k_m.gguf\n"
        "  crudbench model inspect qwen3-30b-a3b-q4_k_m.gguf --context 8192 --parallel 8\n"
        "  crudbench model bench qwen3-30b-a3b-q4_k_m.gguf --json\n"};

MemoryNeeds memory_needs(const Arguments& arguments, const GgufFile& model) {
  constexpr std::size_t kMostTokens = 100'000'000;
  MemoryNeeds needs;
  if (model.context_length > 0) {
    needs.context = std::min(needs.context, model.context_length);
  }
  needs.context = count_option(arguments, "context", needs.context, 1, kMostTokens);
  needs.parallel = count_option(arguments, "parallel", needs.parallel, 1, 1024);
  needs.kv_type = arguments.value("kv-type").value_or(needs.kv_type);
  return needs;
}

/// Whether prompts can be put into the model's own chat format. llama.cpp reads the vocabulary for
/// it, and ends its process over some files.
std::string chat_template_state(const GgufFile& model) {
  if (!model.chat_template) {
    return "none: the config has to give one, or \"chat_template\": \"none\"";
  }
  if (!has_llama()) {
    return "there, not tried: this build has no llama.cpp";
  }
  return run_apart([&model] {
           try {
             LlamaOptions options;
             options.model.file = model.files.front();
             make_token_counter(options);
             return std::string("usable");
           } catch (const Error& error) {
             return std::string("not usable: ") + error.what();
           }
         })
      .value_or("not usable: llama.cpp crashed over it");
}

ExitCode inspect(const Arguments& arguments) {
  const GgufFile model = read_gguf_file(arguments.positionals()[1]);
  const MemoryNeeds needs = memory_needs(arguments, model);
  const std::string chat_template = chat_template_state(model);
  if (arguments.has("json")) {
    print_json(model_report_json(model, needs, chat_template));
  } else {
    print(model_report_text(model, needs, chat_template));
  }
  return ExitCode::kDone;
}

/// 1, 2, 4 … up to `widest`, and `widest` itself.
std::vector<std::size_t> doubling_up_to(std::size_t widest) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = 1; size < widest; size *= 2) {
    sizes.push_back(size);
  }
  sizes.push_back(widest);
  return sizes;
}

Json bench_json(const GgufFile& model, const ModelBench& bench, std::size_t threads,
                double bandwidth) {
  Json prefill = Json::array();
  for (const ModelBench::Rate& rate : bench.prefill) {
    prefill.push_back({{"tokens", rate.size}, {"tokens_per_second", rate.tokens_per_second}});
  }
  Json decode = Json::array();
  for (const ModelBench::Rate& rate : bench.decode) {
    const double step = bytes_per_step(model.expert_bytes, model.bytes_per_token, model.experts,
                                       model.experts_used, rate.size);
    const double steps_per_second = rate.tokens_per_second / static_cast<double>(rate.size);
    decode.push_back({{"parallel", rate.size},
                      {"tokens_per_second", rate.tokens_per_second},
                      {"bytes_per_step", step},
                      {"bandwidth_share", step * steps_per_second / bandwidth}});
  }
  const auto churn = [](const ModelBench::Churn& of) {
    return Json{{"prompts", of.prompts}, {"changed", of.changed}};
  };
  return {{"file", model.files.front().string()},
          {"llama_cpp", llama_runtime().version},
          {"devices", llama_runtime().devices},
          {"threads", threads},
          {"memory_bandwidth_bytes_per_second", bandwidth},
          {"load_seconds", bench.load_seconds},
          {"bytes_per_token", model.bytes_per_token},
          {"prefill", std::move(prefill)},
          {"decode", std::move(decode)},
          {"telemetry_cost", bench.telemetry_cost ? Json{{"prefill", bench.telemetry_cost->prefill},
                                                         {"decode", bench.telemetry_cost->decode}}
                                                  : Json()},
          {"churn", {{"strict", churn(bench.strict)}, {"fast", churn(bench.fast)}}}};
}

std::string churn_text(const char* level, const Json& churn) {
  return std::string(level) + ": " + plain_text(churn.at("changed")) + " of " +
         plain_text(churn.at("prompts")) + " answers changed\n";
}

/// What routing telemetry costs in time; nothing of a dense model.
std::string telemetry_text(const Json& costs) {
  if (costs.is_null()) {
    return {};
  }
  return "routing telemetry makes reading " +
         fixed_number(100.0 * costs.at("prefill").get<double>(), 1) + " % and writing " +
         fixed_number(100.0 * costs.at("decode").get<double>(), 1) + " % slower\n";
}

std::string bench_text(const Json& bench) {
  TextTable table({{"work"},
                   {.title = "tokens/s", .right_aligned = true},
                   {.title = "weights a step", .right_aligned = true},
                   {.title = "% of bandwidth", .right_aligned = true}});
  for (const Json& rate : bench.at("prefill")) {
    table.add_row({{"read a prompt of " + plain_text(rate.at("tokens"))},
                   {fixed_number(rate.at("tokens_per_second").get<double>(), 1)}});
  }
  for (const Json& rate : bench.at("decode")) {
    table.add_row(
        {{"write, parallel " + plain_text(rate.at("parallel"))},
         {fixed_number(rate.at("tokens_per_second").get<double>(), 1)},
         {bytes_text(static_cast<std::uint64_t>(rate.at("bytes_per_step").get<double>()))},
         {fixed_number(100.0 * rate.at("bandwidth_share").get<double>(), 1)}});
  }
  const auto bandwidth =
      static_cast<std::uint64_t>(bench.at("memory_bandwidth_bytes_per_second").get<double>());
  return printable_line(bench.at("file").get<std::string>()) + ", llama.cpp " +
         plain_text(bench.at("llama_cpp")) + ", threads " + plain_text(bench.at("threads")) +
         ", memory read at " + bytes_text(bandwidth) + "/s, loaded in " +
         fixed_number(bench.at("load_seconds").get<double>(), 1) + " s\n\n" +
         table.to_string(use_colours()) + "\n" + telemetry_text(bench.at("telemetry_cost")) +
         churn_text("strict", bench.at("churn").at("strict")) +
         churn_text("fast", bench.at("churn").at("fast"));
}

ExitCode bench(const Arguments& arguments) {
  const GgufFile model = read_gguf_file(arguments.positionals()[1]);
  llama_runtime();
  constexpr std::size_t kMostParallel = 64;
  constexpr std::size_t kMostSteps = 4096;
  ModelBenchOptions options;
  const std::unique_ptr<ThreadPool> pool = make_thread_pool(arguments);
  options.threads = pool->concurrency();
  options.parallel = doubling_up_to(count_option(arguments, "parallel", 8, 1, kMostParallel));
  options.decode_steps = count_option(arguments, "steps", options.decode_steps, 1, kMostSteps);
  const double bandwidth = measure_memory_bandwidth(*pool);
  const ModelBench measured = bench_model(model.files.front(), options);
  const Json result = bench_json(model, measured, options.threads, bandwidth);
  if (arguments.has("json")) {
    print_json(result);
  } else {
    print(bench_text(result));
  }
  return ExitCode::kDone;
}

ExitCode run(const Arguments& arguments) {
  const std::string& action = arguments.positionals().front();
  if (action == "inspect") {
    return inspect(arguments);
  }
  if (action == "bench") {
    return bench(arguments);
  }
  throw Error(ErrorCode::kInvalidConfig,
              "model: expected 'inspect' or 'bench', found '" + action + "'");
}

}  // namespace

const Command kModelCommand{kSpec, run};

}  // namespace crudbench
