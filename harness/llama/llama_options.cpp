#include "harness/llama/llama_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "harness/core/error.h"
#include "harness/core/files.h"
#include "harness/llama/model_files.h"

namespace crudbench {

namespace {

using std::string_view;

constexpr std::int64_t kMostTokens = 10'000'000;

std::size_t size_option(Options& options, string_view key, std::size_t default_value,
                        std::int64_t minimum, std::int64_t maximum) {
  return static_cast<std::size_t>(
      options.integer(key, static_cast<std::int64_t>(default_value), minimum, maximum));
}

/// A number, or "auto" for 0.
std::size_t size_or_auto(Options& options, string_view key, std::int64_t maximum) {
  const Json value = options.raw(key);
  if (value.is_null() || value == "auto") {
    options.record(key, "auto");
    return 0;
  }
  return size_option(options, key, 1, 1, maximum);
}

void check_expert_placement(Options& options, const std::string& placement) {
  if (placement == "auto" || placement == "cpu") {
    return;
  }
  constexpr string_view kFirstLayers = "cpu:";
  int layers = 0;
  if (placement.starts_with(kFirstLayers)) {
    const char* const end = placement.data() + placement.size();
    const auto [stopped_at, problem] =
        std::from_chars(placement.data() + kFirstLayers.size(), end, layers);
    if (problem == std::errc() && stopped_at == end && layers > 0 && layers < 10'000) {
      return;
    }
  }
  options.fail("expert_placement",
               R"("auto", "cpu" or "cpu:N" for the experts of the first N layers)");
}

ModelOptions read_model_options(Options& options) {
  ModelOptions model{.file = options.text("model")};
  if (model.file.empty()) {
    options.fail("model", "a GGUF file");
  }
  model.mmap = options.flag("mmap", model.mmap);
  model.mlock = options.flag("mlock", model.mlock);
  model.gpu_layers = static_cast<int>(options.integer("gpu_layers", model.gpu_layers, -1, 10'000));
  model.expert_placement = options.text("expert_placement", model.expert_placement);
  check_expert_placement(options, model.expert_placement);
  const Json experts = options.raw("experts_used");
  if (experts.is_null() || experts == "model") {
    options.record("experts_used", "model");
  } else {
    model.experts_used = static_cast<int>(options.integer("experts_used", 1, 1, 100'000));
  }
  return model;
}

EngineOptions read_engine_options(Options& options) {
  constexpr std::array<string_view, 2> kLevels{"fast", "strict"};
  constexpr std::array<string_view, 3> kAttention{"auto", "on", "off"};
  constexpr std::int64_t kMostParallel = 64;
  EngineOptions engine;
  engine.strict = options.one_of("determinism", kLevels, "fast") == "strict";
  engine.context = size_or_auto(options, "context", kMostTokens);
  engine.parallel =
      size_option(options, "parallel", engine.strict ? 1 : engine.parallel, 1, kMostParallel);
  if (engine.strict && engine.parallel != 1) {
    options.fail("parallel", R"(1, because "determinism" is "strict")");
  }
  engine.threads = size_or_auto(options, "threads", 1024);
  engine.batch = size_option(options, "batch", engine.batch, kMostParallel, 1 << 20U);
  engine.micro_batch = size_option(options, "ubatch", std::min(engine.micro_batch, engine.batch), 1,
                                   static_cast<std::int64_t>(engine.batch));
  engine.kv_type = options.one_of("kv_type", kKvTypes, engine.kv_type);
  engine.flash_attention = options.one_of("flash_attention", kAttention, engine.flash_attention);
  return engine;
}

std::string text_of_file(Options& options, string_view key, const std::string& file) {
  try {
    return read_file(file);
  } catch (const Error& error) {
    throw Error(error.code(),
                options.file() + ": " + options.pointer_to(key) + ": " + error.what());
  }
}

ChatOptions read_chat_options(Options& options) {
  ChatOptions chat;
  chat.chat_template = options.text("chat_template", chat.chat_template);
  if (!options.raw("chat_template_file").is_null()) {
    const std::string file = options.text("chat_template_file");
    if (chat.chat_template != "model") {
      options.fail("chat_template_file", "no file where \"chat_template\" is given");
    }
    chat.chat_template = text_of_file(options, "chat_template_file", file);
    // The text counts, in fingerprints too, and not where it was found.
    options.record("chat_template", chat.chat_template);
    options.record("chat_template_file", nullptr);
  }
  chat.system = options.text("system", "");
  chat.thinking = options.flag("thinking", chat.thinking);
  return chat;
}

SamplingOptions read_sampling_options(Options& options) {
  SamplingOptions sampling;
  sampling.temperature = options.number("temperature", sampling.temperature, 0.0, 100.0);
  sampling.top_k = static_cast<int>(options.integer("top_k", 0, 0, kMostTokens));
  sampling.top_p = options.number("top_p", sampling.top_p, 0.0, 1.0);
  sampling.min_p = options.number("min_p", sampling.min_p, 0.0, 1.0);
  sampling.grammar = options.text("grammar", "");
  return sampling;
}

Json read_json_schema(Options& options, const std::string& grammar) {
  Json schema = options.raw("json_schema");
  if (!schema.is_null() && !schema.is_object()) {
    options.fail("json_schema", "an object, a JSON Schema");
  }
  if (!schema.is_null() && !grammar.empty()) {
    options.fail("json_schema", "no schema where \"grammar\" is given");
  }
  return schema;
}

}  // namespace

LlamaOptions read_llama_options(Options& options) {
  constexpr std::array<string_view, 2> kOverflow{"fail", "truncate"};
  constexpr std::array<string_view, 2> kTelemetry{"none", "routing"};
  constexpr std::array<string_view, 2> kIsolation{"process", "none"};
  LlamaOptions read;
  read.model = read_model_options(options);
  read.quantization = options.one_of("quantization", quantization_names(), read.quantization);
  read.engine = read_engine_options(options);
  read.chat = read_chat_options(options);
  read.sampling = read_sampling_options(options);
  read.json_schema = read_json_schema(options, read.sampling.grammar);
  read.seed = static_cast<std::uint64_t>(
      options.integer("seed", 0, std::numeric_limits<std::int64_t>::min()));
  read.max_tokens = size_option(options, "max_tokens", read.max_tokens, 1, kMostTokens);
  read.stops = options.texts("stop", {});
  if (std::find(read.stops.begin(), read.stops.end(), "") != read.stops.end()) {
    options.fail("stop", "texts that are not empty");
  }
  read.repetition_window =
      size_option(options, "repetition_guard", read.repetition_window, 0, kMostTokens);
  read.truncate = options.one_of("on_overflow", kOverflow, "fail") == "truncate";
  read.telemetry = options.one_of("telemetry", kTelemetry, read.telemetry);
  read.isolated = options.one_of("isolation", kIsolation, "process") == "process";
  read.max_restarts = size_option(options, "max_restarts", read.max_restarts, 0, 1000);
  if (read.engine.context != 0 && read.engine.context <= read.max_tokens) {
    options.fail("context",
                 "more tokens than \"max_tokens\", which is " + std::to_string(read.max_tokens));
  }
  if (const auto hash = options.optional_text("model_sha256")) {
    read.model_sha256 = *hash;
    return read;
  }
  try {
    read.model_sha256 = model_sha256(read.model.file);
    if (read.quantization != kWholeModel) {
      check_variant(read.model.file, read.quantization);
    }
  } catch (const Error& error) {
    throw Error(error.code(),
                options.file() + ": " + options.pointer_to("model") + ": " + error.what());
  }
  options.record("model_sha256", read.model_sha256);
  return read;
}

std::vector<std::string> neutral_llama_options() {
  return {"model", "mmap", "mlock", "isolation", "max_restarts", "chat_template_file"};
}

Json without_request_options(Json resolved) {
  for (const char* option :
       {"chat_template", "chat_template_file", "system", "thinking", "temperature", "top_k",
        "top_p", "min_p", "grammar", "json_schema", "seed", "max_tokens", "stop",
        "repetition_guard", "on_overflow", "isolation", "max_restarts"}) {
    resolved.erase(option);
  }
  return resolved;
}

}  // namespace crudbench
