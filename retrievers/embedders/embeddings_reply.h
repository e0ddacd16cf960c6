#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "harness/core/error.h"
#include "harness/net/http_client.h"

namespace crudbench {

/// What is wrong with an answer of `/embeddings`.
struct EmbeddingsProblem {
  ErrorCode code = ErrorCode::kBadReply;
  std::string message;  ///< On one line, without the key.
  bool retriable = false;
};

/// Reads an answer of `/embeddings` (OpenAI API reference, "The embedding object") for `count` >= 1
/// texts into `rows` [count, dimension], each row scaled to L2 norm 1; empty `rows`: nothing is
/// written. A `dimension` of 0 means any, and is set. nullopt: there is no problem.
std::optional<EmbeddingsProblem> read_embeddings_reply(const HttpResult& result, std::size_t count,
                                                       std::size_t& dimension,
                                                       std::span<float> rows,
                                                       const std::string& api_key);

}  // namespace crudbench
