#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "harness/core/executor.h"

namespace crudbench {

/// The rate at which this machine reads memory, in bytes a second: the best of some passes over a
/// buffer that no cache holds, by all threads of `executor` together.
double measure_memory_bandwidth(Executor& executor);

struct ModelBenchOptions {
  std::vector<std::size_t> prompt_sizes{128, 512};  ///< Tokens read at once.
  std::vector<std::size_t> parallel{1, 2, 4, 8};    ///< Sequences decoded at once.
  std::size_t decode_steps = 32;                    ///< Timed, after a prompt of 32 tokens each.
  std::size_t threads = 1;
  /// Prompts of the comparison of answers, 0: none.
  std::size_t churn_prompts = 8;
  std::size_t churn_tokens = 32;  ///< Of an answer.
};

struct ModelBench {
  struct Rate {
    std::size_t size = 0;  ///< Tokens of the prompt, or sequences.
    double tokens_per_second = 0.0;
  };
  /// How many answers differ between two runs over the same prompts, the second in reverse order.
  struct Churn {
    std::size_t prompts = 0;
    std::size_t changed = 0;
  };

  double load_seconds = 0.0;
  std::vector<Rate> prefill;
  std::vector<Rate> decode;
  /// How much longer the first ones of both take with routing telemetry: 0.05 is 5 % longer. The
  /// best of some rounds in which both sides take turns. Absent for a model without experts.
  struct TelemetryCost {
    double prefill = 0.0;
    double decode = 0.0;
  };
  std::optional<TelemetryCost> telemetry_cost;
  Churn strict;
  Churn fast;
};

/// Measures a model on this machine as it is now, with prompts of made-up tokens. Throws as
/// `LlamaModel` and `LlamaEngine`.
ModelBench bench_model(const std::filesystem::path& model, const ModelBenchOptions& options);

/// Weights that one step of `parallel` sequences reads, in bytes, if every sequence chose its
/// experts evenly and independently: of E experts, k a token, n tokens touch E (1 - (1 - k/E)^n) on
/// average.
double bytes_per_step(std::uint64_t expert_bytes, std::uint64_t bytes_per_token,
                      std::uint64_t experts, std::uint64_t experts_used, std::size_t parallel);

}  // namespace crudbench
