#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "retrievers/embedders/embedder.h"

namespace crudbench {

/// Weights of tokens; a token that is not there weighs `unseen`.
struct TokenWeights {
  std::map<std::string, double, std::less<>> by_token;
  double unseen = 1.0;

  double of(std::string_view token) const {
    const auto found = by_token.find(token);
    return found != by_token.end() ? found->second : unseen;
  }
};

/// Inverse document frequencies as bert_score computes them: log((M + 1) / (df + 1)) for a token in
/// df of M texts, hence log(M + 1) for one in none of them.
TokenWeights inverse_document_frequencies(std::span<const TokenVectors> texts);

/// Greedy matching of tokens.
struct TokenMatch {
  double precision = 0.0;
  double recall = 0.0;
  double f1 = 0.0;
};

/// BERTScore (Zhang et al., ICLR 2020, section 3): each token takes the largest cosine that it has
/// with a token of the other side; precision is the weighted mean over the prediction's tokens,
/// recall over the reference's, F1 their harmonic mean (0 unless both are positive). Tokens that
/// the embedder does not know match themselves with 1 and everything else with 0. nullopt if a side
/// has no token with a positive weight. Both sides come from the same embedder.
std::optional<TokenMatch> match_tokens(const TokenVectors& prediction,
                                       const TokenVectors& reference, const TokenWeights& weights);

}  // namespace crudbench
