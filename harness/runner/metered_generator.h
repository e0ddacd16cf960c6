#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/generators/generator.h"
#include "harness/runner/budget.h"
#include "harness/runner/prices.h"
#include "harness/runner/stored_completions.h"

namespace crudbench {

/// Whose requests are counted, and at what price.
struct Metering {
  std::string experiment;
  std::string purpose;  ///< "generation", "judge" or "rewriting" (of queries).
  std::string model;
  std::string currency;
  std::optional<ModelPrice> price;  ///< nullopt: requests and tokens are counted, no money.
  std::int64_t max_tokens = 0;      ///< Of an answer.
  std::size_t system_bytes = 0;     ///< Sent with every prompt.
};

/// `inner`, counted: every reply's tokens and cost go to the experiment's spending in the store, in
/// one transaction with the completions where they came together. A prompt that the budget does not
/// allow any more gets a failure of class "budget", no further ones are pulled, and the budget is
/// closed; what is under way is waited for. `budget` and `completions` outlive the generator.
std::unique_ptr<Generator> make_metered_generator(std::unique_ptr<Generator> inner,
                                                  Metering metering, Budget& budget,
                                                  StoredCompletions& completions);

}  // namespace crudbench
