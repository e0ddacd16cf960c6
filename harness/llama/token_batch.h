#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/llama/decode_observer.h"
#include "harness/llama/model.h"

struct llama_context;

namespace crudbench {

/// Tokens of several sequences that are decoded in one step.
class TokenBatch {
 public:
  /// `wants_logits`: the numbers of the token after it are to be had, by the row's position.
  void add(Token token, std::size_t position, int sequence, bool wants_logits, const BatchRow& row);
  void clear();
  bool empty() const noexcept { return tokens_.empty(); }
  std::size_t size() const noexcept { return tokens_.size(); }
  std::span<const BatchRow> rows() const noexcept { return rows_; }

  /// llama_decode's answer for all rows.
  int decode(llama_context* context);

 private:
  std::vector<Token> tokens_;
  std::vector<std::int32_t> positions_;
  std::vector<std::int32_t> sequences_;
  std::vector<std::int8_t> outputs_;
  std::vector<BatchRow> rows_;
};

}  // namespace crudbench
