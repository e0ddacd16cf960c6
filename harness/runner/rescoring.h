#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "harness/core/catalog.h"
#include "harness/core/executor.h"
#include "harness/core/json.h"

namespace crudbench {

/// A prediction and what it is scored against.
struct TextPair {
  std::string_view prediction;
  std::string_view reference;
};

/// The scores of each pair by every metric that needs nothing but the two texts (BLEU, ROUGE, chrF,
/// length), by name and in the form of the store: what a check of foreign scores can compute again.
std::vector<Json> score_texts(std::string_view task, std::span<const TextPair> pairs,
                              const Catalog& catalog, Executor& executor);

}  // namespace crudbench
