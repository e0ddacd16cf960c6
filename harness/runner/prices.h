#pragma once

#include <map>
#include <optional>
#include <string>

#include "harness/core/json.h"
#include "harness/core/options.h"
#include "harness/core/types.h"

namespace crudbench {

/// What a provider takes for a million tokens.
struct ModelPrice {
  double input = 0.0;
  double cached_input = 0.0;  ///< Of the part of a prompt that the provider had in its cache.
  double output = 0.0;
};

/// Prices by the name of the model, as a generator's option "model" has it.
struct PriceTable {
  std::string currency = "USD";  ///< A label; nothing is converted.
  std::map<std::string, ModelPrice> models;

  /// The price of a generator's model; nullopt where the table has none.
  std::optional<ModelPrice> of(const Json& generator) const;
};

/// Reads the section "prices": {"currency", "models": {NAME: {"input", "cached_input", "output"}}};
/// "cached_input" defaults to "input". Throws Error(kInvalidConfig).
PriceTable read_price_table(Options& options);

/// "1.2345 USD": four decimals, since single requests cost fractions of a cent.
std::string format_money(double amount, const std::string& currency);

/// What a request costs; nullopt where prompt or answer were not counted. Cached tokens that were
/// not counted count as full ones.
std::optional<double> cost_of(const Usage& usage, const ModelPrice& price);

/// The most that a request can cost: a token is at least a byte of the prompt, and the answer as
/// long as the generator allows ("max_tokens"; 0 where it has none).
double highest_cost(std::size_t prompt_bytes, std::int64_t max_tokens, const ModelPrice& price);

}  // namespace crudbench
