#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/core/types.h"
#include "harness/net/http_client.h"

namespace crudbench {

/// What one answer of a rerank endpoint came to: a score for each of the texts, or a failure.
struct RerankReply {
  std::vector<double> scores;  ///< [text] Finite; empty after a failure.
  std::optional<Failure> failure;
  bool retriable = false;
};

/// Reads the answer of a rerank endpoint: a list of {"index", "relevance_score" or "score"}, bare
/// (TEI) or under "results" (Jina, Cohere and those that follow them), in which each of
/// `text_count` texts is listed once. Failures are of the stage of retrieval and named as those of
/// generators; their messages are one line, without the key.
RerankReply read_rerank_reply(const HttpResult& result, std::size_t text_count,
                              const std::string& api_key);

}  // namespace crudbench
