#include "harness/llama/token_sampler.h"

#include <algorithm>
#include <cmath>
#include <llama.h>
#include <utility>
#include <vector>

#include "harness/core/error.h"

namespace crudbench {

namespace {

struct FreeSampler {
  void operator()(llama_sampler* sampler) const noexcept { llama_sampler_free(sampler); }
};
using SamplerHandle = std::unique_ptr<llama_sampler, FreeSampler>;

/// The position of the greatest number, the first of equal ones; nullopt if there is a NaN or
/// nothing finite.
std::optional<std::size_t> position_of_greatest(std::span<const float> numbers) {
  bool has_nan = false;
  std::size_t best = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    has_nan = has_nan || std::isnan(numbers[i]);
    best = numbers[i] > numbers[best] ? i : best;
  }
  const bool is_usable = !has_nan && !numbers.empty() && std::isfinite(numbers[best]);
  return is_usable ? std::optional(best) : std::nullopt;
}

SamplerHandle make_chain(const SamplingOptions& options, std::uint64_t seed) {
  SamplerHandle chain(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  const auto add = [&chain](llama_sampler* sampler) {
    llama_sampler_chain_add(chain.get(), sampler);
  };
  if (options.top_k > 0) {
    add(llama_sampler_init_top_k(options.top_k));
  }
  if (options.top_p < 1.0) {
    add(llama_sampler_init_top_p(static_cast<float>(options.top_p), 1));
  }
  if (options.min_p > 0.0) {
    add(llama_sampler_init_min_p(static_cast<float>(options.min_p), 1));
  }
  add(llama_sampler_init_temp(static_cast<float>(options.temperature)));
  // LLAMA_DEFAULT_SEED asks for a random one; it is the one number that must not be handed over.
  const auto folded = static_cast<std::uint32_t>(seed ^ (seed >> 32U));
  add(llama_sampler_init_dist(folded == LLAMA_DEFAULT_SEED ? 0 : folded));
  return chain;
}

}  // namespace

class TokenSampler::Impl {
 public:
  Impl(const LlamaModel& model, const SamplingOptions& options, std::uint64_t seed) {
    if (options.temperature > 0.0) {
      chain_ = make_chain(options, seed);
    }
    if (!options.grammar.empty()) {
      grammar_.reset(llama_sampler_init_grammar(llama_model_get_vocab(model.handle()),
                                                options.grammar.c_str(), "root"));
      if (!grammar_) {
        throw Error(ErrorCode::kInvalidConfig,
                    "the grammar is malformed, or has no rule \"root\"; it is to be GBNF, see "
                    "llama.cpp's grammars/README.md");
      }
    }
  }

  std::optional<Token> next(std::span<const float> logits) {
    const std::optional<std::size_t> greatest = position_of_greatest(logits);
    if (!greatest) {
      return std::nullopt;
    }
    std::optional<Token> token =
        chain_ ? choose(logits, false) : std::optional(static_cast<Token>(*greatest));
    // A grammar is slow on a whole vocabulary: it is asked about the one token first.
    if (grammar_ && token && !is_allowed(*token)) {
      token = choose(logits, true);
    }
    if (grammar_ && token) {
      llama_sampler_accept(grammar_.get(), *token);
    }
    return token;
  }

 private:
  bool is_allowed(Token token) const {
    llama_token_data one{.id = token, .logit = 1.0F, .p = 0.0F};
    llama_token_data_array candidates{.data = &one, .size = 1, .selected = -1, .sorted = false};
    llama_sampler_apply(grammar_.get(), &candidates);
    return candidates.size == 1 && std::isfinite(candidates.data[0].logit);
  }

  std::optional<Token> choose(std::span<const float> logits, bool by_grammar) {
    candidates_.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      candidates_[i] = {.id = static_cast<Token>(i), .logit = logits[i], .p = 0.0F};
    }
    llama_token_data_array array{
        .data = candidates_.data(), .size = candidates_.size(), .selected = -1, .sorted = false};
    if (by_grammar) {
      llama_sampler_apply(grammar_.get(), &array);
    }
    if (std::none_of(array.data, array.data + array.size,
                     [](const llama_token_data& one) { return std::isfinite(one.logit); })) {
      return std::nullopt;
    }
    if (chain_) {
      llama_sampler_apply(chain_.get(), &array);
      return array.data[array.selected].id;
    }
    std::size_t best = 0;
    for (std::size_t i = 1; i < array.size; ++i) {
      best = array.data[i].logit > array.data[best].logit ? i : best;
    }
    return array.data[best].id;
  }

  SamplerHandle chain_;    ///< None: the most likely token.
  SamplerHandle grammar_;  ///< None: any text.
  std::vector<llama_token_data> candidates_;
};

TokenSampler::TokenSampler(const LlamaModel& model, const SamplingOptions& options,
                           std::uint64_t seed)
    : impl_(std::make_unique<Impl>(model, options, seed)) {}
TokenSampler::~TokenSampler() = default;
TokenSampler::TokenSampler(TokenSampler&& other) noexcept = default;
TokenSampler& TokenSampler::operator=(TokenSampler&& other) noexcept = default;

std::optional<Token> TokenSampler::next(std::span<const float> logits) {
  return impl_->next(logits);
}

}  // namespace crudbench
