#include "harness/llama/model_bench.h"

#include <algorithm>
#include <chrono>
#include <llama.h>
#include <map>
#include <memory>
#include <string>

#include "harness/core/error.h"
#include "harness/core/random.h"
#include "harness/llama/engine.h"
#include "harness/llama/gguf_file.h"
#include "harness/llama/model.h"
#include "harness/llama/routing.h"
#include "harness/llama/token_batch.h"

namespace crudbench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kShortPrompt = 32;

struct FreeContext {
  void operator()(llama_context* context) const noexcept { llama_free(context); }
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Tokens that are text, by chance.
class TokenSource {
 public:
  explicit TokenSource(const LlamaModel& model) : model_(model), random_(1) {}

  Token next() {
    Token token = 0;
    do {
      token = static_cast<Token>(random_.below(model_.vocabulary_size()));
    } while (model_.is_control(token) || model_.ends_answer(token));
    return token;
  }
  std::vector<Token> prompt(std::size_t size) {
    std::vector<Token> tokens(size);
    std::generate(tokens.begin(), tokens.end(), [this] { return next(); });
    return tokens;
  }

 private:
  const LlamaModel& model_;
  Random random_;
};

/// One context for all measurements of speed.
class SpeedBench {
 public:
  /// `telemetry` may be null; it outlives the bench.
  SpeedBench(const LlamaModel& model, const ModelBenchOptions& options, RoutingTelemetry* telemetry)
      : options_(options), telemetry_(telemetry), tokens_(model) {
    const std::size_t longest =
        *std::max_element(options.prompt_sizes.begin(), options.prompt_sizes.end());
    const std::size_t widest = *std::max_element(options.parallel.begin(), options.parallel.end());
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<std::uint32_t>(
        std::max(longest, widest * (kShortPrompt + options.decode_steps + 1)));
    params.n_batch = static_cast<std::uint32_t>(std::max(longest, widest * kShortPrompt));
    params.n_seq_max = static_cast<std::uint32_t>(widest);
    params.kv_unified = true;
    params.n_threads = params.n_threads_batch = static_cast<std::int32_t>(options.threads);
    if (telemetry_ != nullptr) {
      params.cb_eval = [](ggml_tensor* tensor, bool ask, void* self) {
        return static_cast<RoutingTelemetry*>(self)->see(tensor, ask);
      };
      params.cb_eval_user_data = telemetry_;
    }
    context_.reset(llama_init_from_model(model.handle(), params));
    if (!context_) {
      throw Error(ErrorCode::kInvalidConfig,
                  "llama.cpp cannot make a context of " + std::to_string(params.n_ctx) + " tokens");
    }
    read_prompt(1);  // Warms up: pages of the file, buffers.
  }

  ModelBench::Rate prefill(std::size_t size) {
    const double seconds = read_prompt(size);
    return {.size = size, .tokens_per_second = static_cast<double>(size) / seconds};
  }

  ModelBench::Rate decode(std::size_t parallel) {
    clear();
    for (std::size_t sequence = 0; sequence < parallel; ++sequence) {
      for (std::size_t at = 0; at < kShortPrompt; ++at) {
        add(at, sequence, at + 1 == kShortPrompt);
      }
    }
    run();
    const auto start = Clock::now();
    for (std::size_t step = 0; step < options_.decode_steps; ++step) {
      batch_.clear();
      for (std::size_t sequence = 0; sequence < parallel; ++sequence) {
        add(kShortPrompt + step, sequence, true);
      }
      run();
    }
    const auto count = static_cast<double>(parallel * options_.decode_steps);
    return {.size = parallel, .tokens_per_second = count / seconds_since(start)};
  }

 private:
  void clear() {
    llama_memory_clear(llama_get_memory(context_.get()), true);
    batch_.clear();
  }

  void add(std::size_t position, std::size_t sequence, bool wants_logits) {
    batch_.add(tokens_.next(), position, static_cast<int>(sequence), wants_logits, {});
  }

  void run() {
    if (telemetry_ != nullptr) {
      telemetry_->begin_batch(batch_.rows());
    }
    if (batch_.decode(context_.get()) != 0) {
      throw Error(ErrorCode::kUnavailable, "llama.cpp failed to decode a batch");
    }
    llama_synchronize(context_.get());
  }

  double read_prompt(std::size_t size) {
    clear();
    for (std::size_t at = 0; at < size; ++at) {
      add(at, 0, at + 1 == size);
    }
    const auto start = Clock::now();
    run();
    return seconds_since(start);
  }

  const ModelBenchOptions& options_;
  RoutingTelemetry* telemetry_;
  TokenSource tokens_;
  TokenBatch batch_;
  std::unique_ptr<llama_context, FreeContext> context_;
};

using Answers = std::map<std::size_t, std::string>;

Answers answer_all(const LlamaModel& model, const EngineOptions& engine_options,
                   const ModelBenchOptions& options, bool reversed) {
  LlamaEngine engine(model, engine_options);
  TokenSource tokens(model);
  std::vector<EngineRequest> requests;
  for (std::size_t ticket = 0; ticket < options.churn_prompts; ++ticket) {
    requests.push_back({.ticket = ticket,
                        .prompt = tokens.prompt(kShortPrompt + ticket),
                        .max_tokens = options.churn_tokens});
  }
  if (reversed) {
    std::reverse(requests.begin(), requests.end());
  }
  for (EngineRequest& request : requests) {
    engine.submit(std::move(request));
  }
  Answers answers;
  while (engine.load() > 0) {
    for (EngineAnswer& answer : engine.step()) {
      answers[answer.ticket] = answer.failure ? answer.failure->failure_class : answer.text;
    }
  }
  return answers;
}

ModelBench::Churn measure_churn(const LlamaModel& model, const ModelBenchOptions& options,
                                bool strict) {
  EngineOptions engine;
  engine.context = 2 * kShortPrompt + options.churn_prompts + options.churn_tokens;
  engine.parallel =
      strict ? 1 : *std::max_element(options.parallel.begin(), options.parallel.end());
  engine.threads = options.threads;
  engine.strict = strict;
  const Answers first = answer_all(model, engine, options, false);
  const Answers second = answer_all(model, engine, options, true);
  ModelBench::Churn churn{.prompts = options.churn_prompts};
  for (const auto& [ticket, text] : first) {
    churn.changed += second.at(ticket) == text ? 0 : 1;
  }
  return churn;
}

ModelBench::TelemetryCost measure_telemetry(const LlamaModel& model, const GgufFile& description,
                                            const ModelBenchOptions& options) {
  constexpr int kRounds = 3;
  RoutingTelemetry telemetry({.layers = description.layers,
                              .experts = description.experts,
                              .expert_bytes = description.expert_bytes,
                              .micro_batch = llama_context_default_params().n_ubatch});
  SpeedBench plain(model, options, nullptr);
  SpeedBench watched(model, options, &telemetry);
  struct BestRates {
    double prefill = 0.0;
    double decode = 0.0;
  };
  BestRates without;
  BestRates with;
  const auto measure = [&options](SpeedBench& speed, BestRates& best) {
    best.prefill =
        std::max(best.prefill, speed.prefill(options.prompt_sizes.front()).tokens_per_second);
    best.decode = std::max(best.decode, speed.decode(options.parallel.front()).tokens_per_second);
  };
  for (int round = 0; round < kRounds; ++round) {
    measure(plain, without);
    measure(watched, with);
  }
  return {.prefill = without.prefill / with.prefill - 1.0,
          .decode = without.decode / with.decode - 1.0};
}

}  // namespace

ModelBench bench_model(const std::filesystem::path& file, const ModelBenchOptions& options) {
  ModelBench bench;
  const auto start = Clock::now();
  const LlamaModel model(ModelOptions{.file = file});
  bench.load_seconds = seconds_since(start);
  {
    SpeedBench speed(model, options, nullptr);
    for (const std::size_t size : options.prompt_sizes) {
      bench.prefill.push_back(speed.prefill(size));
    }
    for (const std::size_t parallel : options.parallel) {
      bench.decode.push_back(speed.decode(parallel));
    }
  }
  if (const GgufFile description = read_gguf_file(file); description.experts > 0) {
    bench.telemetry_cost = measure_telemetry(model, description, options);
  }
  if (options.churn_prompts > 0) {
    bench.strict = measure_churn(model, options, true);
    bench.fast = measure_churn(model, options, false);
  }
  return bench;
}

}  // namespace crudbench
