#include "harness/llama/token_batch.h"

#include <llama.h>

namespace crudbench {

void TokenBatch::add(Token token, std::size_t position, int sequence, bool wants_logits,
                     const BatchRow& row) {
  tokens_.push_back(token);
  positions_.push_back(static_cast<std::int32_t>(position));
  sequences_.push_back(sequence);
  outputs_.push_back(wants_logits ? 1 : 0);
  rows_.push_back(row);
  rows_.back().wants_logits = wants_logits;
}

void TokenBatch::clear() {
  tokens_.clear();
  positions_.clear();
  sequences_.clear();
  outputs_.clear();
  rows_.clear();
}

int TokenBatch::decode(llama_context* context) {
  std::vector<std::int32_t> counts(size(), 1);
  std::vector<std::int32_t*> lists(size());
  for (std::size_t row = 0; row < size(); ++row) {
    lists[row] = &sequences_[row];
  }
  return llama_decode(context, {.n_tokens = static_cast<std::int32_t>(size()),
                                .token = tokens_.data(),
                                .embd = nullptr,
                                .pos = positions_.data(),
                                .n_seq_id = counts.data(),
                                .seq_id = lists.data(),
                                .logits = outputs_.data()});
}

}  // namespace crudbench
