#include "harness/llama/llama_service.h"

#include <algorithm>
#include <sys/resource.h>
#include <unordered_map>
#include <utility>

#include "harness/core/error.h"
#include "harness/core/log.h"
#include "harness/core/random.h"
#include "harness/llama/backend.h"
#include "harness/llama/gguf_file.h"
#include "harness/llama/memory_check.h"
#include "harness/llama/routing.h"
#include "harness/llama/templates.h"

namespace crudbench {

namespace {

/// The most memory that this process has held so far, mapped files included as far as they were
/// read.
std::int64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

/// The context that is meant: a default where the options leave it open.
std::size_t context_of(const LlamaOptions& options, const LlamaModel& model) {
  const std::size_t trained = model.trained_context();
  if (options.engine.context != 0) {
    if (trained != 0 && options.engine.context > trained) {
      log_warning("llama", "a context of " + std::to_string(options.engine.context) +
                               " tokens is more than the " + std::to_string(trained) +
                               " that the model was trained on");
    }
    return options.engine.context;
  }
  return trained == 0 ? kDefaultContext : std::min(kDefaultContext, trained);
}

EngineOptions engine_options(const LlamaOptions& options, const LlamaModel& model) {
  EngineOptions engine = options.engine;
  engine.context = context_of(options, model);
  return engine;
}

/// What the options want to be told of the engine's work; null: nothing.
std::unique_ptr<DecodeObserver> make_observer(const LlamaOptions& options,
                                              const LlamaModel& model) {
  if (options.telemetry != "routing") {
    return nullptr;
  }
  const GgufFile file = read_gguf_file(options.model.file);
  if (file.experts == 0) {
    throw Error(ErrorCode::kInvalidConfig,
                "\"telemetry\": \"routing\" needs a model with experts; this one is dense");
  }
  if (options.engine.parallel > 1 && model.has_recurrent_layers()) {
    throw Error(
        ErrorCode::kInvalidConfig,
        "\"telemetry\": \"routing\" needs \"parallel\": 1 for this model: llama.cpp decodes "
        "the sequences of models with recurrent layers in an order of its own");
  }
  return std::make_unique<RoutingTelemetry>(
      RoutingShape{.layers = file.layers,
                   .experts = file.experts,
                   .expert_bytes = file.expert_bytes,
                   .micro_batch = std::min(options.engine.micro_batch, options.engine.batch)});
}

/// The model's options, if the processor's memory can hold it; an accelerator's is left to
/// llama.cpp. Throws Error(kInvalidConfig) with the numbers.
const ModelOptions& options_that_fit(const LlamaOptions& options) {
  const std::vector<std::string>& devices = llama_runtime().devices;
  const bool is_processor_alone =
      std::all_of(devices.begin(), devices.end(),
                  [](const std::string& device) { return device.starts_with("CPU"); });
  if (is_processor_alone) {
    const GgufFile file = read_gguf_file(options.model.file);
    const std::size_t trained = file.context_length == 0 ? kDefaultContext : file.context_length;
    require_memory(
        estimate_memory(file, {.context = options.engine.context != 0
                                              ? options.engine.context
                                              : std::min<std::size_t>(kDefaultContext, trained),
                               .parallel = options.engine.parallel,
                               .kv_type = options.engine.kv_type,
                               .micro_batch = options.engine.micro_batch}),
        available_memory_bytes());
  }
  return options.model;
}

class EngineService final : public LlamaService {
 public:
  explicit EngineService(const LlamaOptions& options)
      : model_(options_that_fit(options)),
        observer_(make_observer(options, model_)),
        engine_(model_, engine_options(options, model_), observer_.get()) {
    parallel_ = options.engine.parallel;
    configure(options);
  }

  void configure(const LlamaOptions& options) override {
    request_ = options;
    if (!options.json_schema.is_null()) {
      request_.sampling.grammar = grammar_of_schema(options.json_schema);
    }
    if (options.max_tokens >= engine_.context()) {
      throw Error(ErrorCode::kInvalidConfig,
                  "max_tokens is " + std::to_string(options.max_tokens) +
                      ", which leaves no room for a prompt in the context of " +
                      std::to_string(engine_.context()) + " tokens");
    }
    TokenSampler(model_, request_.sampling, 0);  // Refuses a malformed grammar now.
    chat_ = std::make_unique<ChatFormat>(model_, options.chat);
  }

  void submit(std::size_t ticket, std::string_view prompt) override {
    const std::size_t limit = engine_.context() - request_.max_tokens;
    EncodedPrompt encoded =
        request_.truncate ? chat_->encode_within(prompt, limit) : chat_->encode(prompt);
    if (encoded.tokens.empty()) {
      ended_.push_back({.ticket = ticket,
                        .failure = Failure{.stage = Stage::kGeneration,
                                           .failure_class = "empty_prompt",
                                           .message = "the prompt has no tokens"}});
      return;
    }
    left_out_[ticket] = encoded.left_out;
    engine_.submit({.ticket = ticket,
                    .prompt = std::move(encoded.tokens),
                    .max_tokens = request_.max_tokens,
                    .sampling = request_.sampling,
                    .seed = derive_seed(request_.seed, prompt),
                    .stops = request_.stops,
                    .repetition_window = request_.repetition_window});
  }

  std::vector<LlamaReply> step() override {
    std::vector<LlamaReply> replies = std::exchange(ended_, {});
    for (EngineAnswer& answer : engine_.step()) {
      replies.push_back(reply_of(std::move(answer)));
    }
    return replies;
  }

  std::size_t load() const override { return engine_.load() + ended_.size(); }

  Json describe() const override {
    return {{"model", model_.description()}, {"architecture", model_.architecture()},
            {"context", engine_.context()},  {"parallel", parallel_},
            {"threads", engine_.threads()},  {"llama_cpp", llama_runtime().version}};
  }

 private:
  LlamaReply reply_of(EngineAnswer answer) {
    LlamaReply reply{.ticket = answer.ticket,
                     .text = std::move(answer.text),
                     .failure = std::move(answer.failure),
                     .finish_reason = std::move(answer.finish_reason),
                     .usage = answer.usage,
                     .seconds = answer.prefill_seconds + answer.decode_seconds};
    reply.details = {{"prefill_seconds", answer.prefill_seconds},
                     {"decode_seconds", answer.decode_seconds},
                     {"busy_seconds", answer.busy_seconds},
                     {"peak_memory_bytes", peak_memory_bytes()}};
    if (const std::size_t left_out = left_out_[answer.ticket]; left_out > 0) {
      reply.details["left_out_tokens"] = left_out;
    }
    left_out_.erase(answer.ticket);
    if (!answer.observed.is_null()) {
      reply.details["routing"] = std::move(answer.observed);
    }
    return reply;
  }

  LlamaModel model_;
  std::unique_ptr<DecodeObserver> observer_;
  LlamaEngine engine_;
  std::size_t parallel_ = 0;
  LlamaOptions request_;  ///< How prompts are answered now.
  std::unique_ptr<ChatFormat> chat_;
  std::unordered_map<std::size_t, std::size_t> left_out_;  ///< By ticket: tokens cut from a prompt.
  std::vector<LlamaReply> ended_;
};

class VocabularyCounter final : public TokenCounter {
 public:
  explicit VocabularyCounter(const LlamaOptions& options)
      : model_([&options] {
          ModelOptions vocabulary = options.model;
          vocabulary.vocabulary_only = true;
          return vocabulary;
        }()),
        chat_(model_, options.chat) {
    const std::size_t context = context_of(options, model_);
    limit_ = context - std::min(context, options.max_tokens);
  }

  std::size_t count(std::string_view prompt) const override {
    return chat_.encode(prompt).tokens.size();
  }
  std::size_t limit() const override { return limit_; }

 private:
  LlamaModel model_;
  ChatFormat chat_;
  std::size_t limit_ = 0;
};

}  // namespace

std::unique_ptr<LlamaService> make_llama_service(const LlamaOptions& options) {
  return std::make_unique<EngineService>(options);
}

std::unique_ptr<TokenCounter> make_token_counter(const LlamaOptions& options) {
  return std::make_unique<VocabularyCounter>(options);
}

}  // namespace crudbench
