#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "harness/llama/model.h"

namespace crudbench {

/// How the next token is chosen. The order is top_k, top_p, min_p, temperature, as llama.cpp's.
struct SamplingOptions {
  double temperature = 0.0;  ///< 0: always the most likely token; the other options say nothing.
  int top_k = 0;             ///< Only the k most likely; 0: all.
  double top_p = 1.0;        ///< Only the fewest that together have this probability; 1: all.
  double min_p = 0.0;        ///< Only those with this share of the best one's probability; 0: all.
  std::string grammar;       ///< GBNF with a rule "root" that the answer obeys; empty: none.
};

/// Chooses the tokens of one answer. The same seed and logits give the same tokens. `model`
/// outlives the object. Throws Error(kInvalidConfig) for a grammar that is malformed.
class TokenSampler {
 public:
  TokenSampler(const LlamaModel& model, const SamplingOptions& options, std::uint64_t seed);
  ~TokenSampler();
  TokenSampler(TokenSampler&& other) noexcept;
  TokenSampler& operator=(TokenSampler&& other) noexcept;

  /// The next token, which from now on is part of the answer. `logits`: one number a token of the
  /// vocabulary. nullopt if one of them is not a number (NaN), or nothing finite is left to choose
  /// from: the model is broken, or its vocabulary cannot spell what the grammar wants.
  std::optional<Token> next(std::span<const float> logits);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crudbench
